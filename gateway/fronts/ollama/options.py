"""How to sample, the form of the answer and the tools, out of an Ollama request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from airegistry.dialects.ollama.encode import effort_of
from airegistry.errors import UnsupportedFieldError
from airegistry.invocations.chat import Reasoning, ResponseFormat, ResponseFormatKind, Tool
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.validation.chat import EFFORTS
from gateway.fronts.fields import Fields, wrong

_SERVERS: Final = ("keep_alive", "truncate", "shift")
"""Fields that say how a server runs a model; they reach servers of this format with the rest of the request."""


def options_of(body: Fields) -> dict[str, Any]:
    """Return the options of a request by their canonical names."""
    given = body.nested("options") or Fields({}, "options")
    limit, top_k, seed = (_whole(given, name) for name in ("num_predict", "top_k", "seed"))
    return {
        # -1 and -2 mean no limit, a top_k of 0 no cut, and a seed below 0 another one each time.
        "max_output_tokens": limit if limit is not None and limit > 0 else None,
        "temperature": given.number("temperature"),
        "top_p": given.number("top_p"),
        "top_k": top_k if top_k is not None and top_k > 0 else None,
        "seed": seed if seed is not None and seed >= 0 else None,
        "stop_sequences": _stop(given),
        "presence_penalty": given.number("presence_penalty"),
        "frequency_penalty": given.number("frequency_penalty"),
        "response_format": _format(body),
        "reasoning": _reasoning(body),
        "top_logprobs": _top_logprobs(body),
    }


def tools_of(body: Fields) -> tuple[Tool, ...]:
    """Return the tools of a conversation."""
    return tuple(_tool(tool) for tool in body.objects("tools"))


def lost_of(body: Fields) -> Iterator[FieldWarning]:
    """Yield what of a request has no canonical place, once all of it is read that has one."""
    for name in _SERVERS:
        if body.take(name) is not None:
            yield FieldWarning(name, "only servers of Ollama's format know it; not sent")
    for name in body.rest():
        yield FieldWarning(name, "this field is not known here; not sent")
    for path in body.unread_below():
        yield FieldWarning(path, "this field has no place in other formats; not sent")


def _whole(given: Fields, name: str) -> int | None:
    value = given.take(name)
    if isinstance(value, float) and value.is_integer():
        # Clients whose language has one kind of number send 100.0.
        return int(value)
    return given.whole(name)


def _stop(given: Fields) -> tuple[str, ...]:
    stop = given.take("stop")
    return (stop,) if isinstance(stop, str) else given.texts("stop")


def _format(body: Fields) -> ResponseFormat | None:
    form = body.take("format")
    if form is None or form == "":
        return None
    if form == "json":
        return ResponseFormat(ResponseFormatKind.JSON_OBJECT)
    if isinstance(form, dict):
        return ResponseFormat(ResponseFormatKind.JSON_SCHEMA, json_schema=form)
    raise wrong("format", 'must be "json" or a JSON schema')


def _reasoning(body: Fields) -> Reasoning | None:
    think = body.take("think")
    if think is None or think == "":
        return None
    effort = effort_of(think)
    if effort not in EFFORTS:
        raise wrong("think", f"must be a boolean or one of {', '.join(EFFORTS)}")
    # Whoever thinks here shows what: callers expect it in the answer.
    return Reasoning(effort=effort, include_thoughts=None if effort == "none" else True)


def _top_logprobs(body: Fields) -> int | None:
    asked, top = body.flag("logprobs"), body.whole("top_logprobs")
    return (top or 0) if asked else None


def _tool(tool: Fields) -> Tool:
    kind = tool.text("type") or "function"
    if kind != "function":
        raise UnsupportedFieldError.of(tool.at("type"), f"{kind[:40]!r} tools are not supported, only functions")
    function = tool.needed_nested("function")
    return Tool(
        name=function.needed("name"),
        description=function.text("description"),
        input_schema=function.mapping("parameters"),
    )
