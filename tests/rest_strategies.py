"""Calls of the REST API as its OpenAPI documents describe them, and others that are a little wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[1]
_DEEPEST = 4
_WRONG = st.sampled_from([None, True, -1, 1.5, "", "x", "NaN", "\0", "9" * 30, 1e308, [], {}, ["a"], {"a": 1}])
_TEXTS = st.sampled_from(
    ["", "a", "1", "-1", "0.5s", "2026-03-01T12:00:00Z", "models/m", "agents/w", "labels", "*", "é ✓"]
)
_IDS = st.sampled_from(["m", "here", "w", "r", "none", "-", "Not", "a%00", "%ff"])


@dataclass(frozen=True)
class Sent:
    verb: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: bytes | None


def calls(server: str) -> st.SearchStrategy[Sent]:
    """Give calls of a server's API that are no streams."""
    document = json.loads((ROOT / server / "openapi.json").read_text())
    operations = [
        (verb, path, operation)
        for path, item in document["paths"].items()
        for verb, operation in item.items()
        if operation["tags"] != ["Pages"] and "application/json" in operation["responses"]["200"]["content"]
    ]
    return st.sampled_from(operations).flatmap(lambda one: _call(one, document["components"]["schemas"]))


@st.composite
def _call(draw: st.DrawFn, described: tuple[str, str, Mapping[str, Any]], schemas: Mapping[str, Any]) -> Sent:
    verb, path, operation = described
    where = re.sub(r"\{\w+\}", lambda _: draw(_IDS), path)
    parameters = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
    said = draw(st.lists(st.sampled_from(parameters), max_size=3)) if parameters else []
    query = [(one["name"], _text(draw(_value(one["schema"], schemas)))) for one in said]
    body = None
    if "requestBody" in operation:
        (content,) = operation["requestBody"]["content"].values()
        body = json.dumps(draw(_value(content["schema"], schemas))).encode()
        body = body[: draw(st.just(len(body)) | st.integers(0, len(body)))]
    return Sent(verb.upper(), where, tuple(query), body)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _value(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    right = st.deferred(lambda: _right(schema, schemas, depth))
    return st.one_of(right, right, right, right, _WRONG)


def _right(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
    if "allOf" in schema:
        return _right(schema["allOf"][0], schemas, depth)
    if "$ref" in schema:
        return _right(schemas[schema["$ref"].rpartition("/")[2]], schemas, depth)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("type") == "array":
        return st.lists(_value(schema["items"], schemas, depth + 1), max_size=2)
    if schema.get("type") == "object":
        return _object(schema, schemas, depth)
    plain = {
        "integer": st.sampled_from([0, 1, 2**31]),
        "number": st.sampled_from([0, 0.5, 1e10]),
        "boolean": st.booleans(),
    }
    return plain.get(schema.get("type", ""), _TEXTS)


def _object(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
    if depth > _DEEPEST:
        return st.just({})
    members = {name: _value(one, schemas, depth + 1) for name, one in schema.get("properties", {}).items()}
    if members:
        return st.lists(st.sampled_from(sorted(members)), max_size=4, unique=True).flatmap(
            lambda names: st.fixed_dictionaries({name: members[name] for name in names})
        )
    others = schema.get("additionalProperties")
    return (
        st.dictionaries(_TEXTS, _value(others, schemas, depth + 1), max_size=2)
        if isinstance(others, dict)
        else st.just({})
    )
