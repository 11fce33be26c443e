"""The end of a stream that is translated to JSON on its way: its error as a last message, since trailers get lost there."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from google.rpc import status_pb2

from airegistry._rpc.asgi.headers import Pairs
from airegistry._status import DETAILS_KEY

ERROR_FIELD = 536_870_911
"""The number of the field `error` that the messages of streams have for who translates them, and for nobody else."""


def last_words(trailers: Pairs) -> bytes:
    """Return the message that says what *trailers* say; nothing when they say that all is well."""
    said = dict(trailers)
    code = int(said.get(b"grpc-status", b"0"))
    if not code:
        return b""
    status = _status(code, said)
    return _TAG + _varint(len(status)) + status


def _status(code: int, said: Mapping[bytes, bytes]) -> bytes:
    details = said.get(DETAILS_KEY.encode())
    if details is not None:
        return b64decode(details + b"=" * (-len(details) % 4))
    message = unquote_to_bytes(said.get(b"grpc-message", b"")).decode(errors="replace")
    return status_pb2.Status(code=code, message=message).SerializeToString()


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - the seven bits of each byte
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


_TAG = _varint(ERROR_FIELD << 3 | 2)
