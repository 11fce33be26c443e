"""Protobuf messages to frozen dataclasses and back.

A dataclass mirrors its message: same field names, absent is None (or empty, for text, lists and maps). So the conversion
is derived once per type from the message's descriptor instead of being written by hand, and a field that exists on one
side only is an error when the pair is first used (and in the tests, which use every pair).

Durations are `float` seconds, timestamps are aware `datetime` in UTC (microseconds), structs are plain dicts whose whole
numbers come back as int. An enum's zero is None. A number that an enum of ours does not know, a time or a duration that is
none, is None, or left out of a list, unless the conversion is strict: then it is an error that names the field.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from google.protobuf.message import Message

from airegistry._convert.reading import UnreadableValueError, reader
from airegistry._convert.wellknown import (
    ERROR_DOMAIN,
    duration_from_pb,
    duration_to_pb,
    status_from_pb,
    status_to_pb,
    struct_from_pb,
    struct_to_pb,
    timestamp_from_pb,
    timestamp_to_pb,
)
from airegistry._convert.writing import part_writer, writer
from airegistry.errors import InvalidArgumentError

__all__ = [
    "ERROR_DOMAIN",
    "duration_from_pb",
    "duration_to_pb",
    "from_pb",
    "part_to_pb",
    "status_from_pb",
    "status_to_pb",
    "struct_from_pb",
    "struct_to_pb",
    "timestamp_from_pb",
    "timestamp_to_pb",
    "to_pb",
]

T = TypeVar("T")


def from_pb(cls: type[T], message: Message, *, path: str = "", strict: bool = False) -> T:
    """Convert *message* to the dataclass that mirrors it. *path* is where the message stands in the request."""
    descriptor: Any = message.DESCRIPTOR
    try:
        made: T = reader(cls, descriptor).read(message, strict)
    except UnreadableValueError as error:
        field = error.below(path).path if path else error.path
        raise InvalidArgumentError.of(field, str(error)) from None
    return made


def to_pb(value: Any, message: type[Message]) -> Any:
    """Convert a dataclass to the message that it mirrors."""
    descriptor: Any = message.DESCRIPTOR
    made = message()
    writer(type(value), descriptor)(value, made)
    return made


def part_to_pb(cls: type, message: type[Message], names: Collection[str]) -> Callable[[Any], Any]:
    """Return what converts only the named fields of a dataclass, for who reads no others."""
    return part_writer(cls, message, names)
