"""Tools, which one to call, and the form of the answer, as Anthropic's fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.dialects.anthropic.blocks import cache_mark
from airegistry.invocations.chat import (
    ChatRequest,
    ResponseFormat,
    ResponseFormatKind,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from airegistry.invocations.invocation import Warning as FieldWarning

_CHOICES: Final = {
    ToolChoiceMode.AUTO: "auto",
    ToolChoiceMode.NONE: "none",
    ToolChoiceMode.REQUIRED: "any",
}
_FORCED: Final = ("any", "tool")
_ANSWER: Final = "answer_in_json"
_ASK: Final = (
    "Gives the final answer. Its input is the whole answer; call it once, when there is nothing left to find out."
)


def tool_fields(request: ChatRequest, *, trick: bool) -> tuple[dict[str, Any], list[FieldWarning]]:
    """Return `tools` and `tool_choice`, where there are any. With *trick* the answer is asked for as a call of a tool."""
    tools = [_tool(tool) for tool in request.tools]
    choice, warnings = _choice(request)
    if trick and request.response_format is not None:
        tools.append(_answer_tool(request, request.response_format))
        # With tools of the caller's own, the model may still choose those first.
        forced = {"type": "any"} if request.tools else {"type": "tool", "name": answer_tool_name(request)}
        choice = {**forced, **{k: v for k, v in (choice or {}).items() if k == "disable_parallel_tool_use"}}
    if not tools:
        if choice is not None:
            warnings.append(FieldWarning("chat.tool_choice", "means nothing without tools; not sent"))
        return {}, warnings
    return {"tools": tools, **({"tool_choice": choice} if choice is not None else {})}, warnings


def is_forced(fields: Mapping[str, Any]) -> bool:
    """Whether the fields force a tool call, which leaves no room for thinking."""
    choice = fields.get("tool_choice")
    return choice is not None and choice["type"] in _FORCED


def wants_json(request: ChatRequest) -> bool:
    """Whether the answer must be JSON."""
    form = request.response_format
    return form is not None and form.kind in (ResponseFormatKind.JSON_OBJECT, ResponseFormatKind.JSON_SCHEMA)


def answer_tool_name(request: ChatRequest) -> str:
    """Return the name of the tool by which JSON is asked for: one that no tool of the caller has."""
    taken = {tool.name for tool in request.tools}
    name = _ANSWER
    while name in taken:
        name += "_"
    return name


def native_format(form: ResponseFormat) -> tuple[dict[str, Any], list[FieldWarning]]:
    """Return a schema as `output_config.format`. The format takes closed objects only, so that open ones are closed."""
    schema = dict(form.json_schema or {})
    closed = _closed(schema)
    path = "chat.response_format.json_schema"
    warnings = [] if closed == schema else [FieldWarning(path, "objects that allow further members are closed")]
    return {"type": "json_schema", "schema": closed}, warnings


def _tool(tool: Tool) -> dict[str, Any]:
    wire: dict[str, Any] = {"name": tool.name}
    if tool.description:
        wire["description"] = tool.description
    # No schema means no arguments; the type may be missing with others, but never here.
    wire["input_schema"] = {"type": "object", **(tool.input_schema or {"properties": {}})}
    if tool.strict is not None:
        wire["strict"] = tool.strict
    return {**wire, **cache_mark(tool.cache_control)}


def _choice(request: ChatRequest) -> tuple[dict[str, Any] | None, list[FieldWarning]]:
    choice = None if request.tool_choice is None else _word(request.tool_choice)
    if request.parallel_tool_calls is not False or not (request.tools or choice is not None):
        return choice, []
    if choice is not None and choice["type"] == "none":
        return choice, []
    return {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}, []


def _word(choice: ToolChoice) -> dict[str, Any]:
    if choice.mode is ToolChoiceMode.NAMED:
        return {"type": "tool", "name": choice.name}
    return {"type": _CHOICES[choice.mode or ToolChoiceMode.AUTO]}


def _answer_tool(request: ChatRequest, form: ResponseFormat) -> dict[str, Any]:
    description = f"{_ASK} {form.description}".strip()
    schema = {"type": "object", **(form.json_schema or {})}
    return {"name": answer_tool_name(request), "description": description, "input_schema": schema}


def _closed(value: Any) -> Any:
    if isinstance(value, Mapping):
        inner = {name: _closed(member) for name, member in value.items()}
        if inner.get("type") == "object" and inner.get("additionalProperties") is not False:
            inner["additionalProperties"] = False
        return inner
    return [_closed(item) for item in value] if isinstance(value, list) else value
