"""Tools, the form of the answer and how to sample it, out of an OpenAI request."""

from __future__ import annotations

from collections.abc import Callable
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
    """Return the options that a chat request states, by their canonical names."""
    stated = ((name, *_OPTIONS[name]) for name in body.present(_OPTIONS))
    return {option: read(body, name) for name, option, read in stated}


def _effort(body: Fields, name: str) -> Reasoning | None:
    effort = body.text(name)
    return Reasoning(effort=effort) if effort else None


def _tools(body: Fields, name: str) -> tuple[Tool, ...]:
    return tuple(_tool(tool) for tool in body.objects(name))


def _limit(body: Fields, _name: str) -> int | None:
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


def _stop(body: Fields, name: str) -> tuple[str, ...]:
    stop = body.take(name)
    return (stop,) if isinstance(stop, str) else body.texts(name)


def _top_logprobs(body: Fields, _name: str) -> int | None:
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


def _tool_choice(body: Fields, name: str) -> ToolChoice | None:
    choice = body.take(name)
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice not in _CHOICES:
            raise wrong("tool_choice", f"{choice[:40]!r} is not one of {', '.join(_CHOICES)}")
        return ToolChoice(_CHOICES[choice])
    fields = body.needed_nested(name)
    kind = fields.needed("type")
    if kind != "function":
        raise UnsupportedFieldError.of("tool_choice.type", f"{kind[:40]!r} is not supported, only function")
    return ToolChoice(ToolChoiceMode.NAMED, fields.needed_nested("function").needed("name"))


def _response_format(body: Fields, name: str) -> ResponseFormat | None:
    form = body.nested(name)
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


_OPTIONS: Final[dict[str, tuple[str, Callable[[Fields, str], Any]]]] = {
    "reasoning_effort": ("reasoning", _effort),
    "max_completion_tokens": ("max_output_tokens", _limit),
    "max_tokens": ("max_output_tokens", _limit),
    "temperature": ("temperature", Fields.number),
    "top_p": ("top_p", Fields.number),
    "stop": ("stop_sequences", _stop),
    "tools": ("tools", _tools),
    "tool_choice": ("tool_choice", _tool_choice),
    "parallel_tool_calls": ("parallel_tool_calls", Fields.flag),
    "response_format": ("response_format", _response_format),
    "seed": ("seed", Fields.whole),
    "n": ("choice_count", Fields.whole),
    "presence_penalty": ("presence_penalty", Fields.number),
    "frequency_penalty": ("frequency_penalty", Fields.number),
    "logprobs": ("top_logprobs", _top_logprobs),
    "top_logprobs": ("top_logprobs", _top_logprobs),
    "user": ("user", Fields.text),
    "modalities": ("output_modalities", Fields.texts),
}
"""What each field is canonically, and how it is read. Two that mean one option are read together by either."""
