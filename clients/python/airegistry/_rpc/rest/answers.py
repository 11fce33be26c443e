"""Serialized answers as JSON. Most of an answer was in others before, and is not written again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from airegistry._rpc.rest.kept import Kept
from airegistry._rpc.rest.shells import shell
from airegistry._rpc.rest.writing import dump

Write: TypeAlias = Callable[[bytes], bytes]


class Answers:
    """Writes answers as JSON. That of the messages in them whose types are in *kept* is kept, by their bytes."""

    def __init__(self, kept: Collection[Descriptor]) -> None:
        self._kept = {one.full_name for one in kept}
        self._writers: dict[str, Write] = {}

    def writer(self, descriptor: Descriptor) -> Write | None:
        """Return what writes serialized messages of a type; None when nothing of them would be kept.

        Writing what is not kept takes longer than Envoy's transcoder does, and here everybody waits for it.
        """
        return self._writer(descriptor) if self._holds(descriptor) else None

    def _writer(self, descriptor: Descriptor) -> Write:
        name = descriptor.full_name
        if name not in self._writers:
            write = _Writer(descriptor, self._pieces)
            self._writers[name] = Kept(write).__getitem__ if name in self._kept else write
        return self._writers[name]

    def _pieces(self, descriptor: Descriptor) -> list[_Piece]:
        return [
            _Piece(field.name, f'"{field.json_name}":'.encode(), self._writer(field.message_type), field.is_repeated)
            for field in descriptor.fields
            if field.message_type is not None
            and field.containing_oneof is None
            and not field.message_type.GetOptions().map_entry
            and self._holds(field.message_type)
        ]

    def _holds(self, descriptor: Descriptor, above: frozenset[str] = frozenset()) -> bool:
        """Say whether messages of a type are kept, or hold such."""
        name = descriptor.full_name
        if name in self._kept or name in above:
            return name in self._kept
        inner = [field.message_type for field in descriptor.fields if field.message_type is not None]
        return any(self._holds(one, above | {name}) for one in inner)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A field whose messages are written each by itself."""

    name: str
    key: bytes
    write: Write
    repeated: bool

    def written(self, values: Sequence[bytes]) -> list[bytes]:
        """Return the field as a member of an object, cut at commas: so what is long is joined only once."""
        if not self.repeated:
            return [self.key + self.write(b"".join(values))]
        written = list(map(self.write, values))
        written[0] = b"".join((self.key, b"[", written[0]))
        written[-1] += b"]"
        return written


class _Writer:
    """Writes the messages of one type: the pieces in them, then the rest."""

    def __init__(self, descriptor: Descriptor, pieces: Callable[[Descriptor], list[_Piece]]) -> None:
        self._descriptor = descriptor
        self._pieces_of = pieces

    def __call__(self, data: bytes) -> bytes:
        message = self._read(data)
        members: list[bytes] = []
        for piece in self._pieces:
            if values := getattr(message, piece.name):
                members += piece.written(values)
                message.ClearField(piece.name)
        rest = dump(message)
        if not members:
            return rest
        if rest != b"{}":
            members.append(rest[1:-1])
        members[0] = b"{" + members[0]
        members[-1] += b"}"
        return b",".join(members)

    # When the first answer is written: most servers never write one.
    @cached_property
    def _pieces(self) -> list[_Piece]:
        return self._pieces_of(self._descriptor)

    @cached_property
    def _read(self) -> Callable[[bytes], Message]:
        if self._pieces:
            return shell(self._descriptor, frozenset(piece.name for piece in self._pieces)).FromString
        return message_factory.GetMessageClass(self._descriptor).FromString
