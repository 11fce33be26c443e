"""Dataclasses into messages.

A dataclass is written by a function made for it, two lines for most fields, as a person would write them: nothing is looked
up or decided while it runs. `source` returns its text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from airegistry._convert.mirror import field_types, map_value
from airegistry._convert.wellknown import WRITE

Write = Callable[[Any, Any], None]
"""Puts a value into an empty message."""

_Writers = dict[tuple[type, Descriptor], Write]
_WRITERS: _Writers = {}


def writer(cls: type, descriptor: Descriptor) -> Write:
    """Return the one function that writes *cls* into messages of *descriptor*."""
    known = _WRITERS.get((cls, descriptor))
    if known is None:
        made: _Writers = {}
        known = _writer(cls, descriptor, made)
        # Not before: another thread would meet a writer that does not know its parts yet.
        _WRITERS.update(made)
    return known


def part_writer(cls: type, message: type[Message], names: Collection[str]) -> Callable[[Any], Any]:
    """Return what makes a message of the named fields only."""
    descriptor: Any = message.DESCRIPTOR
    fields = [field for field in descriptor.fields if field.name in names]
    write = _compiled(descriptor, fields)
    _link(write, fields, field_types(cls, descriptor), {})

    def part(value: Any) -> Message:
        made = message()
        write(value, made)
        return made

    return part


def source(fields: Collection[FieldDescriptor]) -> str:
    """Return the text of the function that writes *fields*.

    A field with presence is written unless it is None, any other unless it is what the wire has by default.
    """
    lines = [line for field in fields for line in _lines(field)]
    return "\n    ".join(("def write(value, message):", *(lines or ("pass",)))) + "\n"


def _lines(field: FieldDescriptor) -> Iterator[str]:
    item = f"item := value.{field.name}"
    yield f"if ({item}) is not None:" if field.has_presence else f"if {item}:"
    yield from (f"    {line}" for line in _puts(field))


def _puts(field: FieldDescriptor) -> tuple[str, ...]:
    name, values = field.name, map_value(field)
    if values is not None:
        put = "parts[key] = each" if values.message_type is None else f"write_{name}(each, parts[key])"
        return (f"parts = message.{name}", "for key, each in item.items():", f"    {put}")
    if field.message_type is None:
        return (f"message.{name}.extend(item)" if field.is_repeated else f"message.{name} = item",)
    if field.is_repeated:
        return (f"add = message.{name}.add", "for each in item:", f"    write_{name}(each, add())")
    # A part that is empty is there all the same.
    return (f"part = message.{name}", "part.SetInParent()", f"write_{name}(item, part)")


def _writer(cls: type, descriptor: Descriptor, made: _Writers) -> Write:
    key = (cls, descriptor)
    known = _WRITERS.get(key) or made.get(key)
    if known is None:
        known = made[key] = _compiled(descriptor, descriptor.fields)
        # After it is known: a message may contain itself.
        _link(known, descriptor.fields, field_types(cls, descriptor), made)
    return known


def _compiled(descriptor: Descriptor, fields: Collection[FieldDescriptor]) -> Write:
    names: dict[str, Any] = {}
    # A text of ours: nothing in it comes from outside but the names in our own protos.
    exec(compile(source(fields), f"<writes {descriptor.full_name}>", "exec"), names)  # noqa: S102 - see above
    write: Write = names["write"]
    return write


def _link(write: Any, fields: Collection[FieldDescriptor], hints: dict[str, Any], made: _Writers) -> None:
    """Give a function the writers of its fields that are messages, by the names that its text calls them."""
    for field in fields:
        part = (map_value(field) or field).message_type
        if part is not None:
            special = WRITE.get(part.full_name)
            write.__globals__[f"write_{field.name}"] = special or _writer(hints[field.name], part, made)
