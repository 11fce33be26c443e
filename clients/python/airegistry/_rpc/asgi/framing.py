"""Messages and the bytes that carry them: each is preceded by a flag (compressed or not) and its length.

The bytes may come cut anywhere. Nothing here is larger than the limit for one message and what was fed last.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from airegistry._rpc.asgi.refusing import internal, too_large

HEAD = 5
"""Bytes before each message: the flag, then the length, most significant byte first."""

# The `wbits` of zlib for what a header calls gzip, and deflate, which is the zlib format.
_WBITS: Mapping[bytes, int] = {b"gzip": 31, b"deflate": 15}
ENCODINGS: frozenset[bytes] = frozenset((*_WBITS, b"identity"))
"""How messages may be compressed, as `grpc-encoding` names it."""

# A tenth of the time of the default, for a few percent more bytes: the loop waits meanwhile.
_LEVEL = 1


def frame(message: bytes) -> bytes:
    """Return the bytes that carry *message*."""
    return b"".join((b"\0", len(message).to_bytes(4, "big"), message))


def compressed_frame(message: bytes) -> bytes:
    """Return the bytes that carry *message*, with gzip."""
    packed = zlib.compress(message, _LEVEL, _WBITS[b"gzip"])
    return b"".join((b"\1", len(packed).to_bytes(4, "big"), packed))


class Frames:
    """Takes messages out of the bytes of one stream. *encoding* is what the stream's head says of its compression."""

    __slots__ = ("_bytes", "_encoding", "_limit")

    def __init__(self, limit: int, encoding: bytes = b"identity") -> None:
        self._limit = limit
        self._encoding = encoding
        self._bytes = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream. Take its messages out before more of them come."""
        self._bytes += data

    def take(self) -> bytes | None:
        """Return the next message, None when it is not whole yet; ProtocolError for what is none."""
        held = self._bytes
        if len(held) < HEAD:
            return None
        size = int.from_bytes(held[1:HEAD], "big")
        # Before the message itself is waited for.
        if size > self._limit:
            raise too_large(size, self._limit)
        end = HEAD + size
        if len(held) < end:
            return None
        # A view would keep the buffer from shrinking.
        flag, message = held[0], bytes(held[HEAD:end])
        del held[:end]
        return self._plain(flag, message)

    def finish(self) -> None:
        """Say that the stream is over; ProtocolError when it ends inside a message."""
        if self._bytes:
            raise internal(f"the request ends inside a message: {_rest(self._bytes)}")

    @property
    def empty(self) -> bool:
        """Whether every byte that came was taken out."""
        return not self._bytes

    def _plain(self, flag: int, message: bytes) -> bytes:
        if flag == 0:
            return message
        if flag != 1:
            raise internal(f"Bad GRPC frame type 0x{flag:02x}")
        wbits = _WBITS.get(self._encoding)
        if wbits is None:
            raise internal("Compression bit set but no encoding configured")
        return _inflate(message, wbits, self._limit)


def _inflate(packed: bytes, wbits: int, limit: int) -> bytes:
    """Return what *packed* holds, and never make more of it than *limit* bytes, and one to know that there are more."""
    inflater = zlib.decompressobj(wbits)
    try:
        message = inflater.decompress(packed, limit + 1)
    except zlib.error:
        raise internal("Decompression failed due to data error") from None
    if len(message) > limit:
        raise too_large(f"more than {limit}", limit)
    if not inflater.eof or inflater.unused_data:
        raise internal("Decompression failed due to data error")
    return message


def _rest(held: bytearray) -> str:
    if len(held) < HEAD:
        return f"{len(held)} of the {HEAD} bytes that precede each"
    return f"{len(held) - HEAD} of its {int.from_bytes(held[1:HEAD], 'big')} bytes"
