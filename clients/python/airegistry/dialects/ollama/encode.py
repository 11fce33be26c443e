"""A ChatRequest as the JSON of Ollama's `/api/chat`."""

from __future__ import annotations

from typing import Any, Final

from airegistry.dialects.ollama.messages import MessageWriter
from airegistry.dialects.ollama.options import RUNTIME, options_of
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.chat import (
    ChatRequest,
    Reasoning,
    ResponseFormat,
    ResponseFormatKind,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.resources.endpoint import Endpoint

LEVELS: Final = "think_levels"
"""The capability of an endpoint that tells levels of thought apart (gpt-oss); others know `true` and `false` only."""

_CANONICAL: Final = frozenset(["model", "messages", "stream", "tools", "format", "think", "logprobs", "top_logprobs"])
_PASSED: Final = frozenset(["keep_alive", "truncate", "shift"])
"""Members of `extra` that Ollama knows, beside `options` and what belongs into them."""


def chat_body(request: ChatRequest, endpoint: Endpoint, *, stream: bool) -> tuple[dict[str, Any], list[FieldWarning]]:
    """Return the body, and what could not be expressed in it.

    Raises UnsupportedFieldError for what would change the question if it were left out.
    """
    _refuse(request)
    writer = MessageWriter()
    body: dict[str, Any] = {
        "model": endpoint.upstream_model,
        "messages": writer.write(request.messages, "chat.messages"),
        "stream": stream,
    }
    body.update(_form(request))
    think = thought(request.reasoning, levels=has_levels(endpoint))
    if think is not None:
        body["think"] = think
    if options := options_of(request):
        body["options"] = options
    body.update({name: value for name, value in (request.extra or {}).items() if name in _PASSED})
    return body, [*writer.warnings, *_unsaid(request, think=think)]


def thought(reasoning: Reasoning | None, *, levels: bool) -> bool | str | None:
    """Return `think`: whether to, or how hard where the model tells *levels* apart."""
    if reasoning is None:
        return None
    if reasoning.effort == "none":
        return False
    if reasoning.effort:
        return reasoning.effort if levels else True
    return True if reasoning.include_thoughts else None


def effort_of(think: Any) -> str:
    """Return the effort that a caller's `think` stands for; empty when it says nothing."""
    if isinstance(think, str):
        return think
    return {True: "medium", False: "none"}.get(think, "") if isinstance(think, bool) else ""


def has_levels(endpoint: Endpoint) -> bool:
    """Whether an endpoint declares that it tells levels of thought apart."""
    declared = endpoint.capabilities.get(LEVELS)
    return declared is not None and bool(declared.level or declared.supported)


def _refuse(request: ChatRequest) -> None:
    if (request.choice_count or 1) > 1:
        raise UnsupportedFieldError.of("chat.choice_count", "this format gives one answer")
    if request.tool_choice is not None and request.tool_choice.mode in (ToolChoiceMode.REQUIRED, ToolChoiceMode.NAMED):
        raise UnsupportedFieldError.of("chat.tool_choice", "this format leaves the choice of tools to the model")
    for i, modality in enumerate(request.output_modalities):
        if modality != "text":
            raise UnsupportedFieldError.of(f"chat.output_modalities[{i}]", "this format answers in text")
    for name in sorted((request.extra or {}).keys() & _CANONICAL):
        raise InvalidArgumentError.of(f"chat.extra.{name}", "repeats a field of the request itself")


def _form(request: ChatRequest) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    # Without tools in sight none is called.
    if request.tools and (request.tool_choice or ToolChoice()).mode is not ToolChoiceMode.NONE:
        fields["tools"] = [_tool(tool) for tool in request.tools]
    if (form := _format(request.response_format)) is not None:
        fields["format"] = form
    if request.top_logprobs is not None:
        fields["logprobs"] = True
        if request.top_logprobs:
            fields["top_logprobs"] = request.top_logprobs
    return fields


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "description": tool.description}
    # The server reads a tool without parameters as one whose parameters it cannot show.
    function["parameters"] = dict(tool.input_schema or {"type": "object", "properties": {}})
    return {"type": "function", "function": function}


def _format(form: ResponseFormat | None) -> Any:
    if form is None or form.kind is ResponseFormatKind.TEXT:
        return None
    if form.kind is ResponseFormatKind.JSON_OBJECT:
        return "json"
    return dict(form.json_schema or {})


def _unsaid(request: ChatRequest, *, think: bool | str | None) -> list[FieldWarning]:
    lost: dict[str, str] = {}
    for i, tool in enumerate(request.tools):
        if tool.strict:
            lost[f"chat.tools[{i}].strict"] = "arguments are not held to the schema here"
    if request.parallel_tool_calls is False:
        lost["chat.parallel_tool_calls"] = "the model decides how many tools it calls at once"
    if request.response_format is not None and request.response_format.description:
        lost["chat.response_format.description"] = "the schema is sent without it"
    if request.user:
        lost["chat.user"] = "this format has no field for it; not sent"
    lost.update(_unthought(request.reasoning or Reasoning(), think=think))
    for name in sorted((request.extra or {}).keys() - _PASSED - RUNTIME - {"options"}):
        lost[f"chat.extra.{name}"] = "this format has no such field; not sent"
    return [FieldWarning(path, message) for path, message in lost.items()]


def _unthought(reasoning: Reasoning, *, think: bool | str | None) -> dict[str, str]:
    lost: dict[str, str] = {}
    if think is True and reasoning.effort:
        lost["chat.reasoning.effort"] = f"the endpoint does not declare the capability `{LEVELS}`; sent as true"
    if reasoning.max_tokens is not None:
        lost["chat.reasoning.max_tokens"] = "this format knows levels only; not sent"
    if reasoning.include_thoughts is False and think is not False:
        lost["chat.reasoning.include_thoughts"] = "thoughts are part of the answer here"
    return lost
