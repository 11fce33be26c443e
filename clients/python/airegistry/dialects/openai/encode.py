"""A ChatRequest as the JSON of OpenAI's chat completions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

from airegistry.dialects.openai.messages import UNCACHED, MessageWriter
from airegistry.dialects.openai.variants import Variant
from airegistry.errors import InvalidArgumentError
from airegistry.invocations.chat import (
    ChatRequest,
    ResponseFormat,
    ResponseFormatKind,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from airegistry.invocations.invocation import Warning as FieldWarning

_CANONICAL: Final = frozenset(
    [
        "messages",
        "model",
        "stream",
        "stream_options",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "stop",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "reasoning_effort",
        "seed",
        "n",
        "presence_penalty",
        "frequency_penalty",
        "logprobs",
        "top_logprobs",
        "user",
        "modalities",
    ]
)
"""Wire fields that the canonical request owns; `extra` must not repeat them."""

OURS: Final = (
    "model",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "reasoning_effort",
)
"""Wire fields that are never passed on as a caller wrote them: `chat_head` gives them."""

_CHOICES: Final = {
    ToolChoiceMode.AUTO: "auto",
    ToolChoiceMode.NONE: "none",
    ToolChoiceMode.REQUIRED: "required",
}


_USUAL: Final = frozenset(("messages", "max_output_tokens", "temperature"))
_further: Final[Callable[[ChatRequest], tuple[Any, ...]]] = attrgetter(
    *(field.name for field in fields(ChatRequest) if field.name not in _USUAL)
)
_NOTHING_FURTHER: Final = _further(ChatRequest())
"""What a request says beyond the usual when it says nothing of it, as most do."""


def chat_head(request: ChatRequest, upstream_model: str, variant: Variant, *, stream: bool) -> dict[str, Any]:
    """Return the fields that depend on the target, on how the answer is to come, or on what a route may change."""
    head: dict[str, Any] = {"model": upstream_model}
    if request.max_output_tokens is not None:
        head["max_completion_tokens" if variant.max_completion_tokens else "max_tokens"] = request.max_output_tokens
    if request.temperature is not None:
        head["temperature"] = request.temperature
    if request.reasoning is not None and request.reasoning.effort:
        head["reasoning_effort"] = request.reasoning.effort
    if stream:
        head["stream"] = True
        if variant.stream_options:
            head["stream_options"] = {"include_usage": True}
    return head


def chat_body(
    request: ChatRequest, upstream_model: str, variant: Variant, *, stream: bool
) -> tuple[dict[str, Any], list[FieldWarning]]:
    """Return the body, and what could not be expressed in it."""
    writer = MessageWriter(variant)
    body = chat_head(request, upstream_model, variant, stream=stream)
    body["messages"] = writer.write(request.messages, "chat.messages")
    if _further(request) == _NOTHING_FURTHER:
        return body, writer.warnings
    body.update(_options(request))
    if request.top_k is not None and variant.top_k:
        body["top_k"] = request.top_k
    _merge(body, request, variant)
    return body, [*writer.warnings, *_unsaid(request, body)]


def _options(request: ChatRequest) -> dict[str, Any]:
    options: dict[str, Any] = {
        "top_p": request.top_p,
        "stop": list(request.stop_sequences) or None,
        "seed": request.seed,
        "n": request.choice_count,
        "presence_penalty": request.presence_penalty,
        "frequency_penalty": request.frequency_penalty,
        "user": request.user or None,
        "logprobs": True if request.top_logprobs is not None else None,
        # 0 asks for the chosen tokens alone, which `logprobs` does by itself.
        "top_logprobs": request.top_logprobs or None,
        "tools": [_tool(tool) for tool in request.tools] or None,
        "tool_choice": _tool_choice(request.tool_choice),
        "parallel_tool_calls": request.parallel_tool_calls,
        "response_format": _response_format(request.response_format),
        "modalities": list(request.output_modalities) or None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.input_schema is not None:
        function["parameters"] = dict(tool.input_schema)
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice | None) -> Any:
    if choice is None:
        return None
    if choice.mode is ToolChoiceMode.NAMED:
        return {"type": "function", "function": {"name": choice.name}}
    return _CHOICES[choice.mode or ToolChoiceMode.AUTO]


def _response_format(form: ResponseFormat | None) -> dict[str, Any] | None:
    if form is None:
        return None
    if form.kind is ResponseFormatKind.JSON_OBJECT:
        return {"type": "json_object"}
    if form.kind is not ResponseFormatKind.JSON_SCHEMA:
        return {"type": "text"}
    schema: dict[str, Any] = {"name": form.name or "response", "schema": dict(form.json_schema or {})}
    if form.description:
        schema["description"] = form.description
    if form.strict is not None:
        schema["strict"] = form.strict
    return {"type": "json_schema", "json_schema": schema}


def _merge(body: dict[str, Any], request: ChatRequest, variant: Variant) -> None:
    owned = _CANONICAL | {"top_k"} if variant.top_k or request.top_k is not None else _CANONICAL
    for name, value in (request.extra or {}).items():
        if name in owned:
            raise InvalidArgumentError.of(f"chat.extra.{name}", "repeats a field of the request itself")
        body[name] = value


def _unsaid(request: ChatRequest, body: dict[str, Any]) -> list[FieldWarning]:
    warnings = []
    if request.top_k is not None and "top_k" not in body:
        warnings.append(FieldWarning("chat.top_k", "the endpoint does not declare the capability `top_k`; not sent"))
    marked = [i for i, tool in enumerate(request.tools) if tool.cache_control]
    warnings += [FieldWarning(f"chat.tools[{i}].cache_control", UNCACHED) for i in marked]
    reasoning = request.reasoning
    if reasoning is not None and reasoning.max_tokens is not None:
        warnings.append(FieldWarning("chat.reasoning.max_tokens", "this format knows an effort only; not sent"))
    if reasoning is not None and reasoning.include_thoughts is not None:
        warnings.append(FieldWarning("chat.reasoning.include_thoughts", "the provider decides; not sent"))
    return warnings
