"""Dataclasses into messages."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from airegistry._convert.mirror import field_types, map_value
from airegistry._convert.wellknown import WRITE

Write = Callable[[Any], Any]
"""Converts one field's value. None in place of a Write: the value is taken as it is."""


class Writer:
    """Writes one dataclass as messages of one descriptor."""

    __slots__ = ("_descriptor", "_fields", "_message")

    def __init__(self, descriptor: Descriptor) -> None:
        self._descriptor = descriptor
        self._message = message_factory.GetMessageClass(descriptor)
        self._fields: list[tuple[str, Any, Write | None]] = []

    def write(self, value: Any) -> Any:
        """Convert a dataclass."""
        found = {}
        for name, absent, convert in self._fields:
            item = getattr(value, name)
            if item is None or item == absent:
                continue
            found[name] = item if convert is None else convert(item)
        return self._message(**found)

    def part(self, names: Collection[str]) -> Writer:
        """Return a writer of the named fields only."""
        part = Writer(self._descriptor)
        part._fields = [field for field in self._fields if field[0] in names]
        return part

    def learn(self, cls: type, descriptor: Descriptor) -> None:
        """Take over the fields; apart from the constructor, because a message may contain itself."""
        hints = field_types(cls, descriptor)
        for field in descriptor.fields:
            self._fields.append((field.name, _absent(field), _field(field, hints[field.name])))


_WRITERS: dict[tuple[type, Descriptor], Writer] = {}


def writer(cls: type, descriptor: Descriptor) -> Writer:
    """Return the one writer of *cls* as messages of *descriptor*."""
    known = _WRITERS.get((cls, descriptor))
    if known is None:
        known = _WRITERS[cls, descriptor] = Writer(descriptor)
        known.learn(cls, descriptor)
    return known


def _absent(field: FieldDescriptor) -> Any:
    """Return the value that need not be written; a field with presence is written even when zero."""
    if field.is_repeated:
        return () if map_value(field) is None else {}
    return None if field.has_presence else field.default_value


def _field(field: FieldDescriptor, element: Any) -> Write | None:
    values = map_value(field)
    if values is not None:
        return _map(_item(values, element))
    item = _item(field, element)
    if not field.is_repeated or item is None:
        return item
    return lambda value: [item(entry) for entry in value]


def _map(item: Write | None) -> Write:
    if item is None:
        return dict
    return lambda value: {key: item(entry) for key, entry in value.items()}


def _item(field: FieldDescriptor, element: Any) -> Write | None:
    if field.message_type is None:
        return None
    special = WRITE.get(field.message_type.full_name)
    return special if special is not None else writer(element, field.message_type).write
