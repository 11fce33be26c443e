"""Single values out of JSON, by the rules of protobuf."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from airegistry._convert.reading import UnreadableValueError

Read = Callable[[Any], Any]
"""Returns what a field takes for a value of JSON, or raises UnreadableValueError."""

_WHOLE = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?", re.ASCII)
_MAX_FLOAT = 3.4028235677973366e38
_URL_SAFE = str.maketrans("-_", "+/")


def scalar(field: FieldDescriptor) -> Read:
    """Return what reads a value of a field that is no message."""
    return _enum(field.enum_type) if field.enum_type is not None else _SCALARS[field.type]


def key(field: FieldDescriptor) -> Read:
    """Return what reads a key of a map: it is a text, whatever its kind."""
    return _bool_key if field.type == FieldDescriptor.TYPE_BOOL else scalar(field)


def _enum(kind: EnumDescriptor) -> Read:
    numbers = {value.name: value.number for value in kind.values}
    number = _whole(32)

    def read(value: Any) -> int:
        if type(value) is str:
            if value not in numbers:
                raise UnreadableValueError(f"is no {kind.name}")
            return numbers[value]
        whole: int = number(value)
        return whole

    return read


def _whole(bits: int, *, signed: bool = True) -> Read:
    """Return what reads a whole number, which may be a text: some readers of JSON have no numbers so large."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    problem = f"must be a whole number from {low} to {high}"

    def read(value: Any) -> int:
        kind = type(value)
        if (kind is str and _WHOLE.fullmatch(value)) or (kind is float and value.is_integer()):
            value = int(value)
        elif kind is not int:
            raise UnreadableValueError(problem)
        if not low <= value <= high:
            raise UnreadableValueError(problem)
        whole: int = value
        return whole

    return read


def _double(value: Any) -> float:
    kind = type(value)
    if kind is float or kind is int:
        return float(value)
    if kind is str:
        if value in _NO_NUMBERS:
            return _NO_NUMBERS[value]
        if _NUMBER.fullmatch(value):
            return float(value)
    raise UnreadableValueError("must be a number")


def _float(value: Any) -> float:
    number = _double(value)
    if _MAX_FLOAT <= abs(number) < float("inf"):
        raise UnreadableValueError("must be a number of 32 bits")
    return number


def _bool(value: Any) -> bool:
    if type(value) is not bool:
        raise UnreadableValueError("must be true or false")
    return value


def _bool_key(value: str) -> bool:
    if value not in {"true", "false"}:
        raise UnreadableValueError("must be true or false")
    return value == "true"


def _text(value: Any) -> str:
    if type(value) is not str:
        raise UnreadableValueError("must be a string")
    return value


def _bytes(value: Any) -> bytes:
    """Return the bytes of either kind of base64, padded or not."""
    text = _text(value).translate(_URL_SAFE).rstrip("=")
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (NoBase64, ValueError):
        raise UnreadableValueError("must be base64") from None


_NO_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_SCALARS: Mapping[int, Read] = {
    FieldDescriptor.TYPE_DOUBLE: _double,
    FieldDescriptor.TYPE_FLOAT: _float,
    FieldDescriptor.TYPE_BOOL: _bool,
    FieldDescriptor.TYPE_STRING: _text,
    FieldDescriptor.TYPE_BYTES: _bytes,
    **dict.fromkeys(
        (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_SINT32, FieldDescriptor.TYPE_SFIXED32), _whole(32)
    ),
    **dict.fromkeys(
        (FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_SINT64, FieldDescriptor.TYPE_SFIXED64), _whole(64)
    ),
    **dict.fromkeys((FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_FIXED32), _whole(32, signed=False)),
    **dict.fromkeys((FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED64), _whole(64, signed=False)),
}
