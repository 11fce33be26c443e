"""Tools, the form of the answer, and how to think and to sample, out of an Anthropic request."""

from __future__ import annotations

from typing import Any, Final

from airegistry.invocations.chat import (
    Reasoning,
    ResponseFormat,
    ResponseFormatKind,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from gateway.fronts.anthropic.content import Notes
from gateway.fronts.cache_marks import cache_mark_of
from gateway.fronts.fields import Fields, wrong

_CHOICES: Final = {
    "auto": ToolChoiceMode.AUTO,
    "any": ToolChoiceMode.REQUIRED,
    "tool": ToolChoiceMode.NAMED,
    "none": ToolChoiceMode.NONE,
}
_OWN_TOOLS: Final = ("", "custom")


def options_of(body: Fields, notes: Notes) -> dict[str, Any]:
    """Return the options of a request by their canonical names."""
    tools = tuple(_tool(tool) for tool in body.objects("tools") if _is_own(tool, notes))
    choice, parallel = _tool_choice(body, tools)
    config = body.nested("output_config") or Fields({}, "output_config")
    metadata = body.nested("metadata")
    return {
        "max_output_tokens": body.whole("max_tokens"),
        "temperature": body.number("temperature"),
        "top_p": body.number("top_p"),
        "top_k": body.whole("top_k"),
        "stop_sequences": body.texts("stop_sequences"),
        "tools": tools,
        "tool_choice": choice,
        "parallel_tool_calls": parallel,
        "response_format": _response_format(config.nested("format") or body.nested("output_format")),
        "reasoning": _reasoning(body.nested("thinking"), config.text("effort"), notes),
        "user": metadata.text("user_id") if metadata is not None else "",
    }


def _is_own(tool: Fields, notes: Notes) -> bool:
    """Whether a tool is the caller's own. Those that the provider runs are known to targets of this format alone."""
    if tool.text("type") in _OWN_TOOLS:
        return True
    notes.need(tool.path)
    tool.forget()
    return False


def _tool(tool: Fields) -> Tool:
    return Tool(
        name=tool.needed("name"),
        description=tool.text("description"),
        input_schema=tool.mapping("input_schema"),
        strict=tool.flag("strict"),
        cache_control=cache_mark_of(tool),
    )


def _tool_choice(body: Fields, tools: tuple[Tool, ...]) -> tuple[ToolChoice | None, bool | None]:
    fields = body.nested("tool_choice")
    if fields is None:
        return None, None
    kind = fields.needed("type")
    if kind not in _CHOICES:
        raise wrong(fields.at("type"), f"{kind[:40]!r} is not one of {', '.join(_CHOICES)}")
    one_by_one = fields.flag("disable_parallel_tool_use")
    parallel = None if one_by_one is None else not one_by_one
    name = fields.needed("name") if kind == "tool" else ""
    if name and name not in [tool.name for tool in tools] and len(tools) < len(body.items("tools")):
        # A tool that the provider runs, and that is noted already.
        return None, parallel
    return ToolChoice(_CHOICES[kind], name), parallel


def _response_format(form: Fields | None) -> ResponseFormat | None:
    if form is None:
        return None
    kind = form.needed("type")
    if kind != "json_schema":
        raise wrong(form.at("type"), f"{kind[:40]!r} is not json_schema")
    schema = form.mapping("schema")
    if schema is None:
        raise wrong(form.at("schema"), "is required")
    return ResponseFormat(ResponseFormatKind.JSON_SCHEMA, schema)


def _reasoning(thinking: Fields | None, effort: str, notes: Notes) -> Reasoning | None:
    if thinking is None:
        return Reasoning(effort) if effort else None
    match thinking.needed("type"):
        case "disabled":
            return Reasoning(effort or "none")
        case "enabled":
            return Reasoning(effort, thinking.whole("budget_tokens"), _shown(thinking))
        case "adaptive":
            shown = _shown(thinking)
            return Reasoning(effort, include_thoughts=shown) if effort or shown is not None else None
    notes.lose(thinking.path)
    return Reasoning(effort) if effort else None


def _shown(thinking: Fields) -> bool | None:
    return {"summarized": True, "omitted": False}.get(thinking.text("display"))
