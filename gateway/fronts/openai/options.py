"""Tools, the form of the answer and how to sample it, out of an OpenAI request."""

from __future__ import annotations

from typing import Any, Final

from airegistry.errors import UnsupportedFieldError
from airegistry.invocations.chat import (
    Reasoning,
    ResponseFormat,
    ResponseFormatKind,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from gateway.fronts.cache_marks import cache_mark_of
from gateway.fronts.fields import Fields, wrong

_CHOICES: Final = {
    "auto": ToolChoiceMode.AUTO,
    "none": ToolChoiceMode.NONE,
    "required": ToolChoiceMode.REQUIRED,
}

_MOST_TOKENS: Final = 2**31 - 1


def options_of(body: Fields) -> dict[str, Any]:
    """Return the options of a chat request by their canonical names."""
    effort = body.text("reasoning_effort")
    return {
        "max_output_tokens": _limit(body),
        "temperature": body.number("temperature"),
        "top_p": body.number("top_p"),
        "stop_sequences": _stop(body),
        "tools": tuple(_tool(tool) for tool in body.objects("tools")),
        "tool_choice": _tool_choice(body),
        "parallel_tool_calls": body.flag("parallel_tool_calls"),
        "response_format": _response_format(body),
        "reasoning": Reasoning(effort=effort) if effort else None,
        "seed": body.whole("seed"),
        "choice_count": body.whole("n"),
        "presence_penalty": body.number("presence_penalty"),
        "frequency_penalty": body.number("frequency_penalty"),
        "top_logprobs": _top_logprobs(body),
        "user": body.text("user"),
        "output_modalities": body.texts("modalities"),
    }


def _limit(body: Fields) -> int | None:
    """Read the limit of output tokens under both of its names."""
    newer, older = body.whole("max_completion_tokens"), body.whole("max_tokens")
    if newer is not None and older is not None and newer != older:
        raise wrong("max_tokens", "contradicts max_completion_tokens")
    if newer is not None or older is None:
        return newer
    # The canonical request checks this too, but its error would name the newer field.
    if not 1 <= older <= _MOST_TOKENS:
        raise wrong("max_tokens", f"must be from 1 to {_MOST_TOKENS}")
    return older


def _stop(body: Fields) -> tuple[str, ...]:
    stop = body.take("stop")
    return (stop,) if isinstance(stop, str) else body.texts("stop")


def _top_logprobs(body: Fields) -> int | None:
    asked, top = body.flag("logprobs"), body.whole("top_logprobs")
    if top is not None and not asked:
        raise wrong("top_logprobs", "needs `logprobs` to be true")
    return (top or 0) if asked else None


def _tool(tool: Fields) -> Tool:
    kind = tool.needed("type")
    if kind != "function":
        raise UnsupportedFieldError.of(tool.at("type"), f"{kind[:40]!r} tools are not supported, only functions")
    function = tool.needed_nested("function")
    return Tool(
        name=function.needed("name"),
        description=function.text("description"),
        input_schema=function.mapping("parameters"),
        strict=function.flag("strict"),
        cache_control=cache_mark_of(tool),
    )


def _tool_choice(body: Fields) -> ToolChoice | None:
    choice = body.take("tool_choice")
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice not in _CHOICES:
            raise wrong("tool_choice", f"{choice[:40]!r} is not one of {', '.join(_CHOICES)}")
        return ToolChoice(_CHOICES[choice])
    fields = body.needed_nested("tool_choice")
    kind = fields.needed("type")
    if kind != "function":
        raise UnsupportedFieldError.of("tool_choice.type", f"{kind[:40]!r} is not supported, only function")
    return ToolChoice(ToolChoiceMode.NAMED, fields.needed_nested("function").needed("name"))


def _response_format(body: Fields) -> ResponseFormat | None:
    form = body.nested("response_format")
    if form is None:
        return None
    match kind := form.needed("type"):
        case "text":
            return ResponseFormat(ResponseFormatKind.TEXT)
        case "json_object":
            return ResponseFormat(ResponseFormatKind.JSON_OBJECT)
        case "json_schema":
            return _json_schema(form.needed_nested("json_schema"))
    raise wrong(form.at("type"), f"{kind[:40]!r} is not one of text, json_object, json_schema")


def _json_schema(schema: Fields) -> ResponseFormat:
    given = schema.mapping("schema")
    if given is None:
        raise wrong(schema.at("schema"), "is required")
    return ResponseFormat(
        kind=ResponseFormatKind.JSON_SCHEMA,
        json_schema=given,
        name=schema.needed("name"),
        strict=schema.flag("strict"),
        description=schema.text("description"),
    )
