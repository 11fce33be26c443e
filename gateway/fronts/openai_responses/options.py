"""Tools, the form of the answer and how to sample it, out of a request for a response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.errors import FieldViolation
from airegistry.invocations.chat import (
    Reasoning,
    ResponseFormat,
    ResponseFormatKind,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from gateway.fronts.fields import Fields, wrong

_CHOICES: Final = {
    "auto": ToolChoiceMode.AUTO,
    "none": ToolChoiceMode.NONE,
    "required": ToolChoiceMode.REQUIRED,
}
_LOGPROBS: Final = "message.output_text.logprobs"


class Options:
    """Reads options into `values`, by their canonical names; `tools` are the places of the tools among them.

    What only a target of the same format can do is named in `untranslatable`.
    """

    def __init__(self, body: Fields) -> None:
        self.untranslatable: list[FieldViolation] = []
        self.tools: list[str] = []
        included = body.texts("include")
        self.values: Mapping[str, Any] = {
            "max_output_tokens": body.whole("max_output_tokens"),
            "temperature": body.number("temperature"),
            "top_p": body.number("top_p"),
            "tools": self._tools(body),
            "tool_choice": self._tool_choice(body),
            "parallel_tool_calls": body.flag("parallel_tool_calls"),
            "response_format": _response_format(body),
            "reasoning": _reasoning(body),
            "top_logprobs": _top_logprobs(body, asked=_LOGPROBS in included),
            "user": body.text("user"),
        }

    def _tools(self, body: Fields) -> tuple[Tool, ...]:
        tools = []
        for tool in body.objects("tools"):
            kind = tool.needed("type")
            if kind == "function":
                tools.append(_function(tool))
                self.tools.append(tool.path)
            else:
                self._only_there(tool.at("type"), f"tools of type {kind[:40]!r} are")
                _read_all(tool)
        return tuple(tools)

    def _tool_choice(self, body: Fields) -> ToolChoice | None:
        choice = body.take("tool_choice")
        if choice is None:
            return None
        if isinstance(choice, str):
            if choice not in _CHOICES:
                raise wrong("tool_choice", f"{choice[:40]!r} is not one of {', '.join(_CHOICES)}")
            return ToolChoice(_CHOICES[choice])
        fields = body.needed_nested("tool_choice")
        if (kind := fields.needed("type")) == "function":
            return ToolChoice(ToolChoiceMode.NAMED, fields.needed("name"))
        self._only_there("tool_choice.type", f"a choice of type {kind[:40]!r} is")
        _read_all(fields)
        return None

    def _only_there(self, path: str, what: str) -> None:
        self.untranslatable.append(FieldViolation(path, f"{what} known to targets of this format only"))


def _function(tool: Fields) -> Tool:
    return Tool(
        name=tool.needed("name"),
        description=tool.text("description"),
        input_schema=tool.mapping("parameters"),
        strict=tool.flag("strict"),
    )


def _reasoning(body: Fields) -> Reasoning | None:
    asked = body.nested("reasoning")
    if asked is None:
        return None
    summary = asked.text("summary") or asked.text("generate_summary")
    return Reasoning(effort=asked.text("effort"), include_thoughts=True if summary else None)


def _top_logprobs(body: Fields, *, asked: bool) -> int | None:
    top = body.whole("top_logprobs")
    return 0 if top is None and asked else top


def _response_format(body: Fields) -> ResponseFormat | None:
    text = body.nested("text")
    form = text.nested("format") if text is not None else None
    if form is None:
        return None
    match kind := form.needed("type"):
        case "text":
            return ResponseFormat(ResponseFormatKind.TEXT)
        case "json_object":
            return ResponseFormat(ResponseFormatKind.JSON_OBJECT)
        case "json_schema":
            return _json_schema(form)
    raise wrong(form.at("type"), f"{kind[:40]!r} is not one of text, json_object, json_schema")


def _json_schema(form: Fields) -> ResponseFormat:
    schema = form.mapping("schema")
    if schema is None:
        raise wrong(form.at("schema"), "is required")
    return ResponseFormat(
        kind=ResponseFormatKind.JSON_SCHEMA,
        json_schema=schema,
        name=form.needed("name"),
        strict=form.flag("strict"),
        description=form.text("description"),
    )


def _read_all(fields: Fields) -> None:
    """Take what a target of the same format gets as it is, and nobody else."""
    for name in fields.rest():
        fields.take(name)
