"""Serialized answers that are not joined yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final


@final
class Pieces:
    """A serialized message in pieces: *head*, which has nothing of the repeated field *field*, and the *elements* of that.

    An element comes with its tag and its length. It is best the same object in every answer that it is in: what was made of it
    before is then found without hashing it anew.
    """

    __slots__ = ("_joined", "_size", "elements", "field", "head")

    def __init__(self, head: bytes, field: str, elements: Sequence[bytes]) -> None:
        self.head = head
        self.field = field
        self.elements = elements
        self._size = sum(map(len, elements), len(head))
        self._joined: bytes | None = None

    def __len__(self) -> int:
        """How many bytes the message has."""
        return self._size

    def joined(self) -> bytes:
        """Return the serialized message."""
        if self._joined is None:
            self._joined = b"".join((self.head, *self.elements))
        return self._joined
