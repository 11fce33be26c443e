"""JSON into messages, by the names and rules of protobuf, with readers that are made of the descriptors once.

Stricter than they have to be: a name that no field has is refused, for it is most likely misspelt.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import orjson
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from airegistry._convert.reading import UnreadableValueError
from airegistry._rpc.rest.scalars import Read, key, scalar
from airegistry.errors import InvalidArgumentError

Fill = Callable[[Any, Any], None]
"""Puts a value of JSON into an empty message."""


def load(data: bytes, message: Message, path: str = "") -> None:
    """Put what *data* says into *message*, which is empty; *path* is the field of the request that it is.

    Raises InvalidArgumentError, with the field, when it is no JSON, or says what the message does not have.
    """
    try:
        value = orjson.loads(data)
    except ValueError as error:
        raise InvalidArgumentError(f"the body is no JSON: {error}") from None
    try:
        descriptor: Any = message.DESCRIPTOR
        _filler(descriptor)(value, message)
    except UnreadableValueError as error:
        if path:
            error.below(path)
        problem = str(error)
        raise (InvalidArgumentError.of(error.path, problem) if error.path else _no_body(problem)) from None
    except RecursionError:
        raise _no_body("is nested too deeply") from None


def _no_body(problem: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"the body {problem}")


def _filler(descriptor: Descriptor) -> Fill:
    known = _known.get(descriptor.full_name)
    if known is not None:
        return known
    # Those of protobuf itself have rules of their own.
    return _own(descriptor) if descriptor.file.package == "google.protobuf" else _plain(descriptor)


def _plain(descriptor: Descriptor) -> Fill:
    """Return what fills a message from an object of its fields."""
    puts: dict[str, tuple[str, str, Read | None, Fill]] = {}

    def fill(value: Any, message: Any) -> None:
        if type(value) is not dict:
            raise UnreadableValueError("must be an object")
        for said, item in value.items():
            if said not in puts:
                raise UnreadableValueError("is no field").below(said[:100])
            name, json_name, read, put = puts[said]
            if said != json_name and json_name in value:
                raise UnreadableValueError("is said twice").below(name)
            try:
                if read is None:
                    put(item, message)
                elif item is not None:
                    setattr(message, name, read(item))
            except UnreadableValueError as error:
                raise error.below(name) from None

    for field in descriptor.fields:
        # Most fields are one value, and need nothing around it.
        read = scalar(field) if field.message_type is None and not (field.is_repeated or _shares(field)) else None
        puts[field.json_name] = puts[field.name] = (field.name, field.json_name, read, _putting(field))
    # Not before: another thread would meet one that does not know its fields yet.
    _known[descriptor.full_name] = fill
    return fill


def _own(descriptor: Descriptor) -> Fill:
    """Return what fills a message of protobuf's own, in the words that it has for it."""

    def fill(value: Any, message: Any) -> None:
        try:
            json_format.ParseDict(value, message)
        except (json_format.ParseError, ValueError, TypeError, AttributeError):
            raise UnreadableValueError(f"is no {descriptor.name}") from None

    _known[descriptor.full_name] = fill
    return fill


def _putting(field: FieldDescriptor) -> Fill:
    """Return what puts a field's value into its message. Null is a value where the type has one, and else unset."""
    put = _kind(field)
    if field.message_type is not None and field.message_type.full_name == "google.protobuf.Value":
        return put
    if (oneof := field.containing_oneof) is not None and _shares(field):
        return _one_of(put, oneof.name)

    def unless_null(value: Any, message: Any) -> None:
        if value is not None:
            put(value, message)

    return unless_null


def _shares(field: FieldDescriptor) -> bool:
    """Say whether a field is one of several of which one may be set."""
    return field.containing_oneof is not None and len(field.containing_oneof.fields) > 1


def _one_of(put: Fill, oneof: str) -> Fill:
    def alone(value: Any, message: Any) -> None:
        if value is not None:
            if (other := message.WhichOneof(oneof)) is not None:
                raise UnreadableValueError(f"must be unset when {other} is set")
            put(value, message)

    return alone


def _kind(field: FieldDescriptor) -> Fill:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return _map(field.name, field.message_type)
    if field.message_type is not None:
        return (_messages if field.is_repeated else _message)(field.name, field.message_type)
    return (_values if field.is_repeated else _value)(field.name, scalar(field))


def _message(name: str, descriptor: Descriptor) -> Fill:
    def put(value: Any, message: Any) -> None:
        part = getattr(message, name)
        # It is there also when it is empty.
        part.SetInParent()
        _filler(descriptor)(value, part)

    return put


def _messages(name: str, descriptor: Descriptor) -> Fill:
    def put(value: Any, message: Any) -> None:
        fill, add = _filler(descriptor), getattr(message, name).add
        _each(value, lambda item: fill(item, add()))

    return put


def _value(name: str, read: Read) -> Fill:
    def put(value: Any, message: Any) -> None:
        setattr(message, name, read(value))

    return put


def _values(name: str, read: Read) -> Fill:
    def put(value: Any, message: Any) -> None:
        append = getattr(message, name).append
        _each(value, lambda item: append(read(item)))

    return put


def _each(value: Any, take: Callable[[Any], None]) -> None:
    """Take the items of a list; an error says which of them it is about."""
    if type(value) is not list:
        raise UnreadableValueError("must be a list")
    for place, item in enumerate(value):
        try:
            take(item)
        except UnreadableValueError as error:
            raise error.below(f"[{place}]") from None


def _map(name: str, entry: Descriptor) -> Fill:
    read_key, values = key(entry.fields_by_name["key"]), entry.fields_by_name["value"]
    take = _taking(values)

    def put(value: Any, message: Any) -> None:
        if type(value) is not dict:
            raise UnreadableValueError("must be an object")
        parts = getattr(message, name)
        for said, item in value.items():
            try:
                take(parts, read_key(said), item)
            except UnreadableValueError as error:
                raise error.below(f"[{said[:100]!r}]") from None

    return put


def _taking(values: FieldDescriptor) -> Callable[[Any, Any, Any], None]:
    """Return what takes a value of a map under its key."""
    if (kind := values.message_type) is not None:
        # A part is there as soon as it is asked for.
        return lambda parts, at, item: _filler(kind)(item, parts[at])
    read = scalar(values)
    return lambda parts, at, item: operator.setitem(parts, at, read(item))


_known: dict[str, Fill] = {}
