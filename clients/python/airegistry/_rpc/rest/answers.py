"""Serialized answers as JSON. Most of an answer was in others before, and is not written again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property, partial
from typing import TypeAlias

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from airegistry._rpc.pieces import Pieces
from airegistry._rpc.rest.kept import Kept
from airegistry._rpc.rest.shells import shell
from airegistry._rpc.rest.writing import dump

Write: TypeAlias = Callable[[bytes], bytes]


class Answers:
    """Writes answers as JSON. That of the messages in them whose types are in *kept* is kept, by their bytes."""

    def __init__(self, kept: Collection[Descriptor]) -> None:
        self._kept = {one.full_name for one in kept}
        self._writers: dict[str, _Writer] = {}

    def writer(self, descriptor: Descriptor) -> Callable[[bytes | Pieces], bytes] | None:
        """Return what writes serialized messages of a type; None when nothing of them would be kept.

        Writing what is not kept takes longer than Envoy's transcoder does, and here everybody waits for it.
        """
        if not self._holds(descriptor):
            return None
        writer = self._writer(descriptor)
        return lambda answer: writer.assemble(answer) if type(answer) is Pieces else writer.write(answer)

    def _writer(self, descriptor: Descriptor) -> _Writer:
        name = descriptor.full_name
        if name not in self._writers:
            self._writers[name] = _Writer(descriptor, self._fields, kept=name in self._kept)
        return self._writers[name]

    def _fields(self, descriptor: Descriptor) -> dict[str, _Field]:
        return {
            field.name: _Field(field, self._writer(field.message_type))
            for field in descriptor.fields
            if field.message_type is not None
            and field.containing_oneof is None
            and not field.message_type.GetOptions().map_entry
            and self._holds(field.message_type)
        }

    def _holds(self, descriptor: Descriptor, above: frozenset[str] = frozenset()) -> bool:
        """Say whether messages of a type are kept, or hold such."""
        name = descriptor.full_name
        if name in self._kept or name in above:
            return name in self._kept
        inner = [field.message_type for field in descriptor.fields if field.message_type is not None]
        return any(self._holds(one, above | {name}) for one in inner)


class _Field:
    """A field whose messages are written each by itself."""

    def __init__(self, field: FieldDescriptor, writer: _Writer) -> None:
        self.writer = writer
        self._key = f'"{field.json_name}":'.encode()
        self._repeated = field.is_repeated

    def written(self, values: Sequence[bytes]) -> list[bytes]:
        """Return the field as a member of an object, cut at commas: so what is long is joined only once."""
        if not self._repeated:
            return [self._key + self.writer.write(b"".join(values))]
        return self.listed(list(map(self.writer.write, values)))

    def listed(self, values: list[bytes]) -> list[bytes]:
        """Return the same of values that are JSON already, which are changed."""
        values[0] = b"".join((self._key, b"[", values[0]))
        values[-1] += b"]"
        return values


class _Writer:
    """Writes the messages of one type: the fields that are written by themselves, then the rest."""

    def __init__(
        self, descriptor: Descriptor, fields: Callable[[Descriptor], dict[str, _Field]], *, kept: bool
    ) -> None:
        self._descriptor = descriptor
        self._fields_of = fields
        self._elements: dict[str, Kept] = {}
        self.write: Write = Kept(self.make).__getitem__ if kept else self.make

    def assemble(self, answer: Pieces) -> bytes:
        """Write a message that is in pieces; what was made of its elements is kept."""
        message = self._read(answer.head)
        members = self._members(message)
        if answer.elements:
            name = answer.field
            if name not in self._elements:
                self._elements[name] = Kept(partial(self._element, name))
            members += self._fields[name].listed(list(map(self._elements[name].__getitem__, answer.elements)))
        return _object(members, message)

    def make(self, data: bytes) -> bytes:
        """Write a message that is not kept."""
        message = self._read(data)
        return _object(self._members(message), message)

    def _element(self, name: str, element: bytes) -> bytes:
        (value,) = getattr(self._read(element), name)
        return self._fields[name].writer.make(value)

    def _members(self, message: Message) -> list[bytes]:
        """Take the fields that are written by themselves out of a message."""
        members: list[bytes] = []
        for name, field in self._fields.items():
            if values := getattr(message, name):
                members += field.written(values)
                message.ClearField(name)
        return members

    # When the first answer is written: most servers never write one.
    @cached_property
    def _fields(self) -> dict[str, _Field]:
        return self._fields_of(self._descriptor)

    @cached_property
    def _read(self) -> Callable[[bytes], Message]:
        if self._fields:
            return shell(self._descriptor, frozenset(self._fields)).FromString
        return message_factory.GetMessageClass(self._descriptor).FromString


def _object(members: list[bytes], rest: Message) -> bytes:
    """Return an object of *members* and what is in *rest*."""
    others = dump(rest)
    if not members:
        return others
    if others != b"{}":
        members.append(others[1:-1])
    members[0] = b"{" + members[0]
    members[-1] += b"}"
    return b",".join(members)
