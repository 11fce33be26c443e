"""Reading a caller's JSON field by field, with an error that names the field by its path in the body."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from airegistry.errors import InvalidArgumentError

_KINDS: Final = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


def wrong(path: str, description: str) -> InvalidArgumentError:
    """Return the error for one field."""
    return InvalidArgumentError.of(path, description)


def body_fields(body: bytes) -> Fields:
    """Return the fields of a request's body."""
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidArgumentError(f"the body is not valid JSON: {error}") from error
    if not isinstance(values, dict):
        raise InvalidArgumentError(f"the body must be a JSON object, not {_kind(values)}")
    return Fields(values)


class Fields:
    """One JSON object. A field that is null is treated as absent.

    `rest` gives the fields that nobody asked for, `unread_below` the paths of those in the objects inside.
    """

    __slots__ = ("_inside", "_read", "_values", "path")

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self.path = path
        self._values = values
        self._read: set[str] = set()
        self._inside: list[Fields] = []

    def present(self, names: Iterable[str]) -> list[str]:
        """Return those of *names* that there is a field of, be it null."""
        return [name for name in names if name in self._values]

    def at(self, name: str) -> str:
        """Return the path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def take(self, name: str) -> Any:
        """Return a value of any type, None when it is absent."""
        self._read.add(name)
        return self._values.get(name)

    def text(self, name: str) -> str:
        """Return a string, empty when it is absent."""
        value = self.take(name)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        raise self._mistyped(name, "a string", value)

    def needed(self, name: str) -> str:
        """Return a string that must be there and not empty."""
        value = self.text(name)
        if not value:
            raise wrong(self.at(name), "is required")
        return value

    def flag(self, name: str) -> bool | None:
        """Return a boolean."""
        value = self.take(name)
        if value is None or isinstance(value, bool):
            return value
        raise self._mistyped(name, "a boolean", value)

    def whole(self, name: str) -> int | None:
        """Return an integer."""
        value = self.take(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise self._mistyped(name, "an integer", value)

    def number(self, name: str) -> float | None:
        """Return a number."""
        value = self.take(name)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        raise self._mistyped(name, "a number", value)

    def mapping(self, name: str) -> dict[str, Any] | None:
        """Return an object as it is."""
        value = self.take(name)
        if value is None or isinstance(value, dict):
            return value
        raise self._mistyped(name, "an object", value)

    def nested(self, name: str) -> Fields | None:
        """Return an object to be read further."""
        value = self.mapping(name)
        return None if value is None else self._enter(value, self.at(name))

    def needed_nested(self, name: str) -> Fields:
        """Return an object to be read further that must be there."""
        value = self.nested(name)
        if value is None:
            raise wrong(self.at(name), "is required")
        return value

    def items(self, name: str) -> list[Any]:
        """Return an array, empty when it is absent."""
        value = self.take(name)
        if value is None:
            return []
        if isinstance(value, list):
            return value
        raise self._mistyped(name, "an array", value)

    def objects(self, name: str) -> Iterator[Fields]:
        """Return the objects of an array."""
        for i, value in enumerate(self.items(name)):
            path = f"{self.at(name)}[{i}]"
            if not isinstance(value, dict):
                raise wrong(path, f"must be an object, not {_kind(value)}")
            yield self._enter(value, path)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the strings of an array."""
        values = self.items(name)
        for i, value in enumerate(values):
            if not isinstance(value, str):
                raise wrong(f"{self.at(name)}[{i}]", f"must be a string, not {_kind(value)}")
        return tuple(values)

    def whole_object(self) -> Mapping[str, Any]:
        """Return this object as it is, all of it read."""
        self.forget()
        return self._values

    def forget(self) -> None:
        """Take this object, with all that is in it, as read."""
        self._read.update(self._values)
        self._inside.clear()

    def rest(self) -> dict[str, Any]:
        """Return the fields that were not read, but for nulls."""
        return {name: v for name, v in self._values.items() if name not in self._read and v is not None}

    def unread_below(self) -> Iterator[str]:
        """Return the paths of what was not read in the objects inside this one. What is empty says nothing."""
        for fields in self._inside:
            yield from (fields.at(name) for name, value in fields.rest().items() if value not in ([], {}, ""))
            yield from fields.unread_below()

    def _enter(self, values: Mapping[str, Any], path: str) -> Fields:
        fields = Fields(values, path)
        self._inside.append(fields)
        return fields

    def _mistyped(self, name: str, kind: str, value: Any) -> InvalidArgumentError:
        return wrong(self.at(name), f"must be {kind}, not {_kind(value)}")


def base64_bytes(value: str, path: str) -> bytes:
    """Return what base64 text stands for."""
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise wrong(path, "is not valid base64") from error


def json_again(value: object, path: str) -> bytes:
    """Return a parsed value as JSON again. What is nested deeper than JSON can be written here is refused."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise wrong(path, "is nested too deeply") from error


def _kind(value: Any) -> str:
    return "null" if value is None else _KINDS[type(value)]
