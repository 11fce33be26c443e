"""Bodies that a provider compressed although it was asked not to."""

from __future__ import annotations

import zlib

from airegistry.errors import MalformedAnswerError

_PIECE = 256 * 1024
_KINDS = {"gzip": 47, "x-gzip": 47, "deflate": 47}
_PLAIN = ("", "identity")


class Inflater:
    """Turns pieces of a compressed body into pieces of what it says, none of them large."""

    def __init__(self, window: int) -> None:
        self._inflate = zlib.decompressobj(window)

    def feed(self, data: bytes) -> bytes:
        """Return what *data* says, or as much of it as is taken at once; the rest is `more`."""
        try:
            return self._inflate.decompress(data, _PIECE)
        except zlib.error:
            raise MalformedAnswerError("the answer says that it is compressed, and is not") from None

    @property
    def more(self) -> bytes:
        """What was fed and is still to be fed again."""
        return self._inflate.unconsumed_tail

    def close(self) -> None:
        """Check that the compressed body came to its end."""
        if not self._inflate.eof:
            raise MalformedAnswerError("the compressed answer ends too early")


class Unreadable:
    """Stands for an encoding that is not known: an error as soon as there is something to read, and not before."""

    more = b""

    def feed(self, _data: bytes) -> bytes:
        """Refuse it."""
        raise MalformedAnswerError("the answer is compressed in a way that was not asked for")

    def close(self) -> None:
        """Nothing was read."""


def inflater(encoding: str) -> Inflater | Unreadable | None:
    """Return what undoes a content encoding; None when there is nothing to undo."""
    name = encoding.strip().lower()
    if name in _PLAIN:
        return None
    return Inflater(_KINDS[name]) if name in _KINDS else Unreadable()
