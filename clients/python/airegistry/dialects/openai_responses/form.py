"""Tools, and the form of the answer, as the Responses API has them: flat, where chat completions nest."""

from __future__ import annotations

from typing import Any, Final

from airegistry.invocations.chat import (
    ResponseFormat,
    ResponseFormatKind,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)

_CHOICES: Final = {
    ToolChoiceMode.AUTO: "auto",
    ToolChoiceMode.NONE: "none",
    ToolChoiceMode.REQUIRED: "required",
}


def tool_value(tool: Tool) -> dict[str, Any]:
    """Return a tool. Unless it is said here a tool would be strict, which most schemas do not bear."""
    value: dict[str, Any] = {
        "type": "function",
        "name": tool.name,
        "parameters": dict(tool.input_schema) if tool.input_schema is not None else _nothing(),
        "strict": bool(tool.strict),
    }
    if tool.description:
        value["description"] = tool.description
    return value


def tool_choice_value(choice: ToolChoice | None) -> Any:
    """Return which tool to call, None where that is not said."""
    if choice is None:
        return None
    if choice.mode is ToolChoiceMode.NAMED:
        return {"type": "function", "name": choice.name}
    return _CHOICES[choice.mode or ToolChoiceMode.AUTO]


def text_form(form: ResponseFormat | None) -> dict[str, Any] | None:
    """Return the field `text`, None where no form is asked for."""
    return None if form is None else {"format": _format(form)}


def _format(form: ResponseFormat) -> dict[str, Any]:
    if form.kind is ResponseFormatKind.JSON_OBJECT:
        return {"type": "json_object"}
    if form.kind is not ResponseFormatKind.JSON_SCHEMA:
        return {"type": "text"}
    value: dict[str, Any] = {
        "type": "json_schema",
        "name": form.name or "response",
        "schema": dict(form.json_schema or {}),
    }
    if form.description:
        value["description"] = form.description
    if form.strict is not None:
        value["strict"] = form.strict
    return value


def _nothing() -> dict[str, Any]:
    return {"type": "object", "properties": {}}
