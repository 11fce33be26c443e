"""Whether a template writes what it should, tried on requests that have everything and on such that have little."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import orjson

from airegistry.resources.custom.fields import blank
from airegistry.resources.custom.template import TemplateError, compile_template
from airegistry.resources.endpoint import CustomFormat

__all__ = ["TemplateError", "kinds_of", "try_template"]

# What breaks JSON when it is put between quotes instead of through the filter tojson.
_AWKWARD: Final = 'one "two"\n\\three'
_MESSAGE: Final = {
    "role": "user",
    "name": None,
    "text": _AWKWARD,
    "content": [{"type": "text", "text": _AWKWARD}],
    "tool_calls": [],
    "tool_call_id": None,
}
_LITTLE: Final[Mapping[str, Mapping[str, Any]]] = {
    "chat": {"messages": [_MESSAGE], "turns": [_MESSAGE], "prompt": _AWKWARD},
    "embeddings": {"inputs": [_AWKWARD], "input": _AWKWARD},
    "image": {"prompt": _AWKWARD},
    "rerank": {"query": _AWKWARD, "documents": [_AWKWARD]},
}
_SETTINGS: Final[Mapping[str, Any]] = {
    "max_output_tokens": 16,
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 40,
    "seed": 7,
    "stop_sequences": [_AWKWARD],
    "system": _AWKWARD,
    "user": _AWKWARD,
    "tools": [{"name": "look", "description": _AWKWARD, "input_schema": {"type": "object"}, "strict": None}],
    "tool_choice": {"mode": "required", "name": None},
    "parallel_tool_calls": True,
    "response_format": {"kind": "json_object", "name": None, "json_schema": None, "strict": None},
    "reasoning": {"effort": "low", "max_tokens": None, "include_thoughts": None},
    "choice_count": 1,
    "presence_penalty": 0.5,
    "frequency_penalty": 0.5,
    "top_logprobs": 1,
    "output_modalities": ["text"],
    "extra": {"other": _AWKWARD},
}
_BY_FIELD: Final = {"embeddings": "embeddings", "images": "image", "results": "rerank"}


def kinds_of(custom: CustomFormat) -> frozenset[str]:
    """Return the kinds of requests that the paths of a format can read an answer to."""
    kinds = {kind for field, kind in _BY_FIELD.items() if field in custom.response_paths}
    if {"text", "tool_calls", "refusal"} & {*custom.response_paths, *custom.stream_paths} or not custom.response_paths:
        kinds.add("chat")
    return frozenset(kinds)


def try_template(custom: CustomFormat, *, writes_json: bool) -> None:
    """Raise TemplateError unless the template can write the kinds of requests whose answers can be read."""
    _try(custom.request_template, kinds_of(custom), writes_json)


@lru_cache(maxsize=1024)
def _try(source: str, kinds: frozenset[str], writes_json: bool) -> None:  # noqa: FBT001 - a key of the cache
    template = compile_template(source)
    for context in (context for kind in sorted(kinds) for context in _requests(kind)):
        written = template.render(context)
        if writes_json and not _is_json(written):
            raise TemplateError("does not give JSON; values go through the filter tojson, without quotes around them")


def _requests(kind: str) -> Iterator[dict[str, Any]]:
    little = {**blank(kind), "model": _AWKWARD, **_LITTLE[kind]}
    yield little
    if kind == "chat":
        yield {**little, **_SETTINGS}
        yield {**little, "stream": True}


def _is_json(written: str) -> bool:
    try:
        orjson.loads(written)
    except orjson.JSONDecodeError:
        return False
    return True
