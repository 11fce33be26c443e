"""Messages into dataclasses."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from airegistry._convert.blanks import blank
from airegistry._convert.mirror import field_types, map_value
from airegistry._convert.wellknown import READ

Read = Callable[[Any, bool], Any]
"""Converts one field's value; the flag is `strict`. None in place of a Read: the value is taken as it is."""


class UnreadableValueError(Exception):
    """A value that means nothing: an unknown number of an enum, a time out of range. `path` grows on the way up."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.path = ""

    def below(self, step: str) -> UnreadableValueError:
        """Put a step before the path."""
        self.path = step + (f".{self.path}" if self.path and not self.path.startswith("[") else self.path)
        return self


class Reader:
    """Reads the messages of one descriptor into one dataclass."""

    __slots__ = ("_blank", "_cls", "_fields")

    _blank: Callable[[], Any]

    def __init__(self, cls: type) -> None:
        self._cls = cls
        self._fields: dict[FieldDescriptor, tuple[str, Read | None]] = {}

    def read(self, message: Any, strict: bool) -> Any:  # noqa: FBT001 - a Read
        """Convert a message. Fields that this version does not know are skipped."""
        made = self._blank()
        fields = self._fields
        for field, value in message.ListFields():
            name, convert = fields[field]
            if convert is None:
                setattr(made, name, value)
                continue
            try:
                setattr(made, name, convert(value, strict))
            except UnreadableValueError as error:
                raise error.below(name) from None
        made.__class__ = self._cls
        return made

    def learn(self, descriptor: Descriptor, made: _Readers) -> None:
        """Take over the fields; apart from the constructor, because a message may contain itself."""
        hints = field_types(self._cls, descriptor)
        self._blank = blank(self._cls)
        for field in descriptor.fields:
            self._fields[field] = (field.name, _field(field, hints[field.name], made))


_Readers = dict[tuple[type, Descriptor], Reader]
_READERS: _Readers = {}


def reader(cls: type, descriptor: Descriptor) -> Reader:
    """Return the one reader of messages of *descriptor* into *cls*."""
    known = _READERS.get((cls, descriptor))
    if known is None:
        made: _Readers = {}
        known = _reader(cls, descriptor, made)
        # Not before: another thread would meet a reader that does not know its fields yet.
        _READERS.update(made)
    return known


def _reader(cls: type, descriptor: Descriptor, made: _Readers) -> Reader:
    key = (cls, descriptor)
    known = _READERS.get(key) or made.get(key)
    if known is None:
        known = made[key] = Reader(cls)
        known.learn(descriptor, made)
    return known


def _field(field: FieldDescriptor, element: Any, made: _Readers) -> Read | None:
    values = map_value(field)
    if values is not None:
        return _map(_item(values, element, made))
    item = _item(field, element, made)
    return _list(item) if field.is_repeated else item


def _item(field: FieldDescriptor, element: Any, made: _Readers) -> Read | None:
    if field.enum_type is not None:
        return _enum(element)
    if field.message_type is None:
        return None
    special = READ.get(field.message_type.full_name)
    if special is not None:
        return _special(special)
    return _reader(element, field.message_type, made).read


def _special(convert: Callable[[Any], Any]) -> Read:
    def read(value: Any, strict: bool) -> Any:  # noqa: FBT001 - a Read
        try:
            return convert(value)
        except ValueError as error:
            if strict:
                raise UnreadableValueError(str(error)) from None
            return None

    return read


def _enum(enum: type[IntEnum]) -> Read:
    members = {int(member): member for member in enum}

    def read(number: int, strict: bool) -> IntEnum | None:  # noqa: FBT001 - a Read
        known = members.get(number)
        if known is None and strict:
            allowed = ", ".join(member.name for member in enum)
            raise UnreadableValueError(f"{number} is not one of {allowed}")
        return known

    return read


def _map(item: Read | None) -> Read:
    if item is None:
        return lambda value, _strict: dict(value)

    def read(value: Any, strict: bool) -> Any:  # noqa: FBT001 - a Read
        found = {}
        for key, entry in value.items():
            try:
                found[key] = item(entry, strict)
            except UnreadableValueError as error:
                raise error.below(f"[{key}]") from None
        return found

    return read


def _list(item: Read | None) -> Read:
    if item is None:
        return lambda value, _strict: tuple(value[:])

    def read(value: Any, strict: bool) -> Any:  # noqa: FBT001 - a Read
        found: list[Any] = []
        # A slice: to walk a list of protobuf's itself ends with an IndexError that is raised and caught.
        for entry in value[:]:
            try:
                converted = item(entry, strict)
            except UnreadableValueError as error:
                raise error.below(f"[{len(found)}]") from None
            # What means nothing to this version is left out.
            if converted is not None:
                found.append(converted)
        return tuple(found)

    return read
