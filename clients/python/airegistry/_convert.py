"""Protobuf messages to frozen dataclasses and back.

A dataclass mirrors its message: same field names, absent is None (or empty, for text, lists and maps). So the conversion
is derived once per type from the message's descriptor instead of being written by hand, and a field that exists on one
side only is an error when the pair is first used (and in the tests, which use every pair).

Durations are `float` seconds, timestamps are aware `datetime` in UTC (microseconds), structs are plain dicts whose whole
numbers come back as int. An enum's zero is None. A number that an enum of ours does not know is None, or left out of a
list, unless the conversion is strict: then it is an error that names the field.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any, TypeVar, cast

from google.protobuf import duration_pb2, message_factory, struct_pb2, timestamp_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from airegistry.errors import ErrorStatus, InvalidArgumentError

T = TypeVar("T")
_Read = Callable[[Any, str, bool], Any]
_Write = Callable[[Any], Any]

ERROR_DOMAIN = "airegistry.dev"
"""The domain of every ErrorInfo of ours."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT_FLOAT = 2**53
# The bounds of google.protobuf.Duration, in seconds.
_MAX_DURATION = 315_576_000_000


def from_pb(cls: type[T], message: Message, *, path: str = "", strict: bool = False) -> T:
    """Convert *message* to the dataclass that mirrors it. *path* is where the message stands in the request."""
    return cast("T", _reader(cls, _descriptor(message))(message, path, strict))


def to_pb(value: Any, message: type[Message]) -> Any:
    """Convert a dataclass to the message that it mirrors."""
    return _writer(type(value), _descriptor(message))(value)


def duration_from_pb(message: duration_pb2.Duration) -> float:
    """Return the duration in seconds."""
    return message.seconds + message.nanos / 1e9


def duration_to_pb(seconds: float) -> duration_pb2.Duration:
    """Return *seconds* as a Duration, rounded to nanoseconds and cut to what a Duration can hold."""
    nanos = round(max(-_MAX_DURATION, min(seconds, _MAX_DURATION)) * 1e9)
    whole, rest = divmod(abs(nanos), 1_000_000_000)
    sign = -1 if nanos < 0 else 1
    return duration_pb2.Duration(seconds=sign * whole, nanos=sign * rest)


def timestamp_from_pb(message: timestamp_pb2.Timestamp) -> datetime:
    """Return the time in UTC; nanoseconds are cut to microseconds."""
    return _EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1000)


def timestamp_to_pb(time: datetime) -> timestamp_pb2.Timestamp:
    """Return the time as a Timestamp."""
    past = time - _EPOCH
    return timestamp_pb2.Timestamp(seconds=past.days * 86400 + past.seconds, nanos=past.microseconds * 1000)


def struct_from_pb(message: struct_pb2.Struct) -> dict[str, Any]:
    """Return the struct as a plain dict; whole numbers are int."""
    return {key: _value_from_pb(value) for key, value in message.fields.items()}


def struct_to_pb(value: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return a dict of JSON values as a Struct."""
    message = struct_pb2.Struct()
    message.update(dict(value))
    return message


def status_from_pb(message: status_pb2.Status) -> ErrorStatus:
    """Return the status as a value, with the reason of its ErrorInfo."""
    info = error_details_pb2.ErrorInfo()
    found = any(detail.Unpack(info) for detail in message.details if detail.Is(info.DESCRIPTOR))
    number = code_pb2.Code.ValueType(message.code)
    code = code_pb2.Code.Name(number) if number in code_pb2.Code.values() else "UNKNOWN"
    return ErrorStatus(code=code, reason=info.reason if found else "", message=message.message)


def status_to_pb(value: ErrorStatus) -> status_pb2.Status:
    """Return a status value as a google.rpc.Status with one ErrorInfo."""
    message = status_pb2.Status(code=code_pb2.Code.Value(value.code), message=value.message)
    message.details.add().Pack(error_details_pb2.ErrorInfo(reason=value.reason, domain=ERROR_DOMAIN))
    return message


def _value_from_pb(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) <= _EXACT_FLOAT else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return struct_from_pb(value.struct_value)
        case "list_value":
            return [_value_from_pb(item) for item in value.list_value.values]
    return None


_SPECIAL: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "google.protobuf.Duration": (duration_from_pb, duration_to_pb),
    "google.protobuf.Timestamp": (timestamp_from_pb, timestamp_to_pb),
    "google.protobuf.Struct": (struct_from_pb, struct_to_pb),
    "google.rpc.Status": (status_from_pb, status_to_pb),
}


def _descriptor(message: Message | type[Message]) -> Descriptor:
    return cast("Descriptor", message.DESCRIPTOR)


def _reader(cls: type, descriptor: Descriptor) -> _Read:
    """Return the function that reads a message of *descriptor* into *cls*."""
    known = _READERS.get((cls, descriptor))
    return known if known is not None else _READERS.setdefault((cls, descriptor), _build_reader(cls, descriptor))


def _writer(cls: type, descriptor: Descriptor) -> _Write:
    """Return the function that writes a *cls* as a message of *descriptor*."""
    known = _WRITERS.get((cls, descriptor))
    return known if known is not None else _WRITERS.setdefault((cls, descriptor), _build_writer(cls, descriptor))


_READERS: dict[tuple[type, Descriptor], _Read] = {}
_WRITERS: dict[tuple[type, Descriptor], _Write] = {}


def _build_reader(cls: type, descriptor: Descriptor) -> _Read:
    hints = _field_types(cls, descriptor)
    # Filled below, because a message may contain itself.
    readers: dict[int, tuple[str, _Read]] = {}

    def read(message: Any, path: str, strict: bool) -> Any:  # noqa: FBT001 - a _Read
        values = {}
        for field, value in message.ListFields():
            known = readers.get(field.number)
            if known is not None:
                name, read_field = known
                values[name] = read_field(value, f"{path}.{name}" if path else name, strict)
        return cls(**values)

    for field in descriptor.fields:
        readers[field.number] = (field.name, _field_reader(field, hints[field.name]))
    return read


def _build_writer(cls: type, descriptor: Descriptor) -> _Write:
    hints = _field_types(cls, descriptor)
    message_class = message_factory.GetMessageClass(descriptor)
    writers: list[tuple[str, Any, _Write]] = []

    def write(value: Any) -> Any:
        set_fields = {}
        for name, absent, write_field in writers:
            field_value = getattr(value, name)
            if field_value is None or (absent is not None and field_value == absent):
                continue
            set_fields[name] = write_field(field_value)
        return message_class(**set_fields)

    for field in descriptor.fields:
        # What a reader cannot tell from absent need not be written; a field with presence is written even when zero.
        absent = None if field.has_presence else _default(field)
        writers.append((field.name, absent, _field_writer(field, hints[field.name])))
    return write


def _default(field: FieldDescriptor) -> Any:
    if field.is_repeated:
        return () if _map_value(field) is None else {}
    return field.default_value


def _field_types(cls: type, descriptor: Descriptor) -> dict[str, Any]:
    """Return the type of one element of each field of *cls*, which must mirror *descriptor*."""
    ours = {field.name for field in dataclasses.fields(cls)}
    theirs = {field.name for field in descriptor.fields}
    if ours != theirs:
        raise TypeError(f"{cls.__name__} does not mirror {descriptor.full_name}: {sorted(ours ^ theirs)}")
    return {name: _element(hint) for name, hint in typing.get_type_hints(cls).items() if name in ours}


def _element(hint: Any) -> Any:
    """Strip `| None`, `tuple[…, ...]` and `Mapping[str, …]` from a type."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        (hint,) = (arg for arg in typing.get_args(hint) if arg is not type(None))
        return _element(hint)
    if origin is tuple:
        return _element(typing.get_args(hint)[0])
    if origin is not None and issubclass(origin, Mapping):
        return _element(typing.get_args(hint)[1])
    return hint


def _map_value(field: FieldDescriptor) -> FieldDescriptor | None:
    """Return the field of a map's values; None when *field* is not a map."""
    entry = field.message_type
    return entry.fields_by_name["value"] if entry is not None and entry.GetOptions().map_entry else None


def _field_reader(field: FieldDescriptor, element: Any) -> _Read:
    if (map_value := _map_value(field)) is not None:
        item = _item_reader(map_value, element)
        return lambda value, path, strict: {key: item(v, f"{path}[{key}]", strict) for key, v in value.items()}
    item = _item_reader(field, element)
    if not field.is_repeated:
        return item
    if field.enum_type is not None:
        # A number that this version does not know is left out, unless strict already raised.
        return lambda value, path, strict: tuple(
            known for i, v in enumerate(value) if (known := item(v, f"{path}[{i}]", strict)) is not None
        )
    if field.message_type is None:
        return lambda value, _path, _strict: tuple(value)
    return lambda value, path, strict: tuple(item(v, f"{path}[{i}]", strict) for i, v in enumerate(value))


def _item_reader(field: FieldDescriptor, element: Any) -> _Read:
    if field.message_type is not None:
        if (special := _SPECIAL.get(field.message_type.full_name)) is not None:
            read_special = special[0]
            return lambda value, _path, _strict: read_special(value)
        descriptor = field.message_type
        # Looked up at the first use: a message may contain itself.
        return lambda value, path, strict: _reader(element, descriptor)(value, path, strict)  # noqa: PLW0108 - late on purpose
    if field.enum_type is not None:
        return _enum_reader(element)
    return lambda value, _path, _strict: value


def _enum_reader(element: type[IntEnum]) -> _Read:
    members = {int(member): member for member in element}

    def read(value: int, path: str, strict: bool) -> IntEnum | None:  # noqa: FBT001 - a _Read
        known = members.get(value)
        if known is None and strict:
            allowed = ", ".join(member.name for member in element)
            raise InvalidArgumentError.of(path, f"{value} is not one of {allowed}")
        return known

    return read


def _field_writer(field: FieldDescriptor, element: Any) -> _Write:
    if (map_value := _map_value(field)) is not None:
        item = _item_writer(map_value, element)
        return lambda value: {key: item(v) for key, v in value.items()}
    item = _item_writer(field, element)
    if field.is_repeated:
        return lambda value: [item(v) for v in value]
    return item


def _item_writer(field: FieldDescriptor, element: Any) -> _Write:
    if field.message_type is None:
        return lambda value: value
    if (special := _SPECIAL.get(field.message_type.full_name)) is not None:
        return special[1]
    descriptor = field.message_type
    return lambda value: _writer(element, descriptor)(value)  # noqa: PLW0108 - late on purpose
