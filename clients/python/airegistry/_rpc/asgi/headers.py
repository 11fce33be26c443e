"""What the heads and trailers of calls say: deadlines, metadata, statuses."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from grpc import StatusCode

from airegistry._rpc.asgi.refusing import internal
from airegistry._status import DETAILS_KEY

Pairs = Iterable[tuple[bytes, bytes]]

CONTENT_TYPE = (b"content-type", b"application/grpc")
TRANSLATED = b"x-envoy-original-path"
"""What Envoy's transcoder adds to a call that it made of JSON; nobody else can: Envoy takes it off what comes from outside."""

_SECONDS: Mapping[bytes, float] = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
# The protocol has 8; the core takes more, and nobody lives for longer.
_MAX_TIMEOUT_DIGITS = 20
# What belongs to the carrier. gRPC's core hides the same.
_HIDDEN = frozenset({b"content-type", b"host", b"te"})
_HIDDEN_PREFIXES = (b"grpc-", b":")
_UNESCAPED = "".join(chr(c) for c in range(0x20, 0x7F) if chr(c) != "%")


def is_grpc(content_type: bytes) -> bool:
    """Say whether *content_type* is gRPC's. What its messages are made of is not looked at, as in gRPC's own servers."""
    kind = content_type.partition(b";")[0].strip().lower()
    return kind == b"application/grpc" or kind.startswith(b"application/grpc+")


def timeout_of(value: bytes) -> float:
    """Return the seconds that `grpc-timeout` says; ProtocolError when it says nothing."""
    unit = _SECONDS.get(value[-1:])
    digits = value[:-1]
    if unit is None or not digits.isdigit() or len(digits) > _MAX_TIMEOUT_DIGITS:
        raise internal("Error parsing 'grpc-timeout' metadata")
    return int(digits) * unit


def metadata_of(headers: Pairs) -> dict[str, str | bytes]:
    """Return the caller's metadata: of a repeated key the last value, and bytes for keys that end in `-bin`."""
    metadata: dict[str, str | bytes] = {}
    for name, value in headers:
        if name in _HIDDEN or name.startswith(_HIDDEN_PREFIXES):
            continue
        key = name.decode("latin-1")
        metadata[key] = _binary(key, value) if name.endswith(b"-bin") else value.decode("latin-1")
    return metadata


def peer_of(client: tuple[str, int] | None) -> str:
    """Return the address of a peer as gRPC writes it: `ipv4:127.0.0.1:1234`, `ipv6:%5B::1%5D:1234`."""
    if client is None:
        return "unknown"
    host, port = client
    return f"ipv6:%5B{host}%5D:{port}" if ":" in host else f"ipv4:{host}:{port}"


def status_trailers(code: StatusCode, message: str, details: bytes = b"") -> list[tuple[bytes, bytes]]:
    """Return what ends a call: its code, its message, and the serialized google.rpc.Status where there is one."""
    number: int = code.value[0]
    trailers = [(b"grpc-status", b"%d" % number), (b"grpc-message", _escaped(message))]
    if details:
        trailers.append((DETAILS_KEY.encode(), b64encode(details).rstrip(b"=")))
    return trailers


def _escaped(message: str) -> bytes:
    return quote(message, safe=_UNESCAPED, errors="replace").encode("ascii")


def _binary(key: str, value: bytes) -> bytes:
    # Whoever stands in between may have joined repeated keys with commas.
    last = value.rpartition(b",")[2].strip()
    try:
        # Peers may leave the padding out; what is too much is ignored only here.
        return b64decode(last.rstrip(b"=") + b"=" * (-len(last.rstrip(b"=")) % 4), validate=True)
    except binascii.Error:
        raise internal(f"Error parsing '{key}' metadata: illegal base64 encoding") from None
