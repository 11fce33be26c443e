"""Messages as JSON, by the names and rules of protobuf, with writers that are made of the descriptors once."""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Callable, Mapping
from math import inf, isfinite
from typing import Any

import orjson
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

Convert = Callable[[Any], Any]

# Readers of JSON take no whole number beyond it for the same one.
_WHOLE = 2.0**53
_FLOAT = struct.Struct("<f")
_FLOAT_DIGITS = range(6, 10)


def dump(message: Message) -> bytes:
    """Return *message* as JSON. What has its default value is left out."""
    descriptor: Any = message.DESCRIPTOR
    return orjson.dumps(_message(descriptor)(message))


def _message(descriptor: Descriptor) -> Convert:
    if (convert := _known.get(descriptor.full_name)) is not None:
        return convert
    # Those of protobuf itself have rules of their own.
    return json_format.MessageToDict if descriptor.file.package == "google.protobuf" else _plain(descriptor)


def _plain(descriptor: Descriptor) -> Convert:
    """Return what makes an object of a message's fields."""
    fields: dict[int, tuple[str, Convert | None]] = {}

    def convert(message: Message) -> dict[str, Any]:
        shown = {}
        for field, value in message.ListFields():
            name, converted = fields[field.number]
            shown[name] = value if converted is None else converted(value)
        return shown

    # Before its fields are looked at: a message may hold others of its own type.
    _known[descriptor.full_name] = convert
    fields.update((field.number, (field.json_name, _field(field))) for field in descriptor.fields)
    return convert


def _field(field: FieldDescriptor) -> Convert | None:
    """Return what converts the value of a field; None where it stays as it is."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return _map(field.message_type)
    one = _one(field)
    if not field.is_repeated:
        return one
    return list if one is None else lambda values: [one(value) for value in values]


def _map(entry: Descriptor) -> Convert:
    key = _KEYS.get(entry.fields_by_name["key"].type, str)
    one = _one(entry.fields_by_name["value"])
    if one is None:
        return lambda values: {key(name): value for name, value in values.items()}
    return lambda values: {key(name): one(value) for name, value in values.items()}


def _one(field: FieldDescriptor) -> Convert | None:
    """Return what converts one value of a field, of which there may be several."""
    if field.message_type is not None:
        return _message(field.message_type)
    if field.enum_type is not None:
        names = {value.number: value.name for value in reversed(field.enum_type.values)}
        # A newer program may say one that is not known here.
        return lambda number: names.get(number, number)
    return _SCALARS.get(field.type)


def _double(value: float) -> float | int | str:
    if not isfinite(value):
        return _NO_NUMBERS[str(value)]
    return int(value) if -_WHOLE < value < _WHOLE and value.is_integer() else value


def _float(value: float) -> float | int | str:
    """Return the shortest number that is this one in 32 bits."""
    if not isfinite(value):
        return _double(value)
    shorter = (float(f"{value:.{digits}g}") for digits in _FLOAT_DIGITS)
    return _double(next((one for one in shorter if _in_32_bits(one) == value), value))


def _in_32_bits(value: float) -> float:
    try:
        kept: float = _FLOAT.unpack(_FLOAT.pack(value))[0]
    except OverflowError:
        return inf
    return kept


def _own(message: Any) -> Any:
    return message.ToJsonString()


_NO_NUMBERS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_KEYS: Mapping[int, Callable[[Any], str]] = {
    FieldDescriptor.TYPE_BOOL: lambda key: "true" if key else "false",
}
_SCALARS: Mapping[int, Convert] = {
    FieldDescriptor.TYPE_DOUBLE: _double,
    FieldDescriptor.TYPE_FLOAT: _float,
    FieldDescriptor.TYPE_BYTES: lambda value: b64encode(value).decode(),
    # Readers of JSON may take numbers for doubles.
    FieldDescriptor.TYPE_INT64: str,
    FieldDescriptor.TYPE_UINT64: str,
    FieldDescriptor.TYPE_SINT64: str,
    FieldDescriptor.TYPE_FIXED64: str,
    FieldDescriptor.TYPE_SFIXED64: str,
}
_known: dict[str, Convert] = {f"google.protobuf.{name}": _own for name in ("Duration", "FieldMask", "Timestamp")}
