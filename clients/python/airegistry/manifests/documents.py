"""YAML and JSON text to plain values that remember their lines.

YAML is read by its core schema: `true` and `false` are the only booleans, whole numbers are decimal, and a date is text.
Tags are refused, and so are duplicate keys, of which JSON and YAML parsers commonly keep one in silence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from airegistry.errors import InvalidArgumentError

MAX_DEPTH = 64
MAX_VALUES = 1_000_000
"""Values in all, each alias counted as what it stands for: a file of nested aliases must not grow without bound."""

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]{1,40}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Block(dict[str, Any]):
    """A mapping that knows on which line each key stands; empty where that is unknown."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}


class Items(list[Any]):
    """A list that knows on which line each item begins; empty where that is unknown."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []


def parse(text: str, source: str) -> list[Any]:
    """Return the documents in *text*: JSON when it looks like it, else YAML.

    Raises InvalidArgumentError that names *source* and the line.
    """
    if source.endswith(".json"):
        return [_json(text, source)]
    if text.lstrip()[:1] in {"{", "["}:
        try:
            return [_json(text, source)]
        except _NotJsonError:
            pass  # YAML's flow style begins alike.
    try:
        return list(_Builder(text, source).documents())
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else None
        raise _malformed(source, line, error.problem or "is not YAML") from error
    except yaml.YAMLError as error:
        raise _malformed(source, None, "has characters that YAML does not allow") from error


class _NotJsonError(InvalidArgumentError):
    """The text is not JSON at all."""


def _malformed(source: str, line: int | None, problem: str) -> InvalidArgumentError:
    return InvalidArgumentError.of(source if line is None else f"{source}, line {line}", problem)


def _json(text: str, source: str) -> Any:
    def block(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise _malformed(source, None, f"the key {twice[:64]!r} stands twice in one object")
        return values

    def refuse(constant: str) -> None:
        raise _malformed(source, None, f"{constant} is not a number that JSON allows")

    try:
        return json.loads(text, object_pairs_hook=block, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise _NotJsonError.of(f"{source}, line {error.lineno}", error.msg) from error
    except (RecursionError, ValueError) as error:
        raise _malformed(source, None, "is nested too deeply, or has a number that is too long") from error


class _Builder:
    """Builds values from YAML's events, so that depth, size, tags and keys are seen before anything is made of them."""

    def __init__(self, text: str, source: str) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=_Loader)
        self._source = source
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._count = 0

    def documents(self) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                yield self._value(next(self._events), 0)

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.tag is not None and event.tag != "!":
            raise self._refuse(event, f"tags such as {event.tag[:64]!r} are not supported")
        if depth > MAX_DEPTH:
            raise self._refuse(event, f"nested more than {MAX_DEPTH} deep")
        before = self._count
        self._add(event, 1)
        value = self._node(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._count - before)
        return value

    def _node(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(depth)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(depth)
        return _scalar(event.value) if event.implicit[0] else event.value

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise self._refuse(event, f"the anchor {event.anchor[:64]!r} is not known here")
        value, size = self._anchors[event.anchor]
        self._add(event, size)
        return value

    def _sequence(self, depth: int) -> Items:
        items = Items()
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.lines.append(event.start_mark.line + 1)
            items.append(self._value(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> Block:
        own, merged = Block(), Block()
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, depth)
            value = self._value(next(self._events), depth + 1)
            if key == "<<":
                self._merge(event, value, merged)
                continue
            if key in own:
                raise self._refuse(event, f"the key {key[:64]!r} stands twice in one mapping")
            own[key] = value
            own.lines[key] = event.start_mark.line + 1
        merged.update(own)
        merged.lines.update(own.lines)
        return merged

    def _key(self, event: Any, depth: int) -> str:
        key = self._value(event, depth + 1)
        if isinstance(key, (dict, list)):
            raise self._refuse(event, "a key must be text")
        # `1:` and `true:` are as good as quoted: a key cannot be anything but text.
        return key if isinstance(key, str) else str(event.value)

    def _merge(self, event: Any, value: Any, into: Block) -> None:
        for block in value if isinstance(value, Items) else [value]:
            if not isinstance(block, Block):
                raise self._refuse(event, "<< takes a mapping, or a list of mappings")
            for key in block:
                if key not in into:
                    into[key] = block[key]
                    into.lines[key] = block.lines[key]

    def _add(self, event: Any, count: int) -> None:
        self._count += count
        if self._count > MAX_VALUES:
            raise self._refuse(event, f"more than {MAX_VALUES} values")

    def _refuse(self, event: Any, problem: str) -> InvalidArgumentError:
        return _malformed(self._source, event.start_mark.line + 1, problem)


def _scalar(text: str) -> Any:
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return text[0] in "tT"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return float(text.replace(".", "", 1)) if _NOT_FINITE.fullmatch(text) else text
