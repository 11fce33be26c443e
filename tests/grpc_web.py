"""gRPC-Web by hand: messages with their length before them, the last of them the trailers."""

from __future__ import annotations

from collections.abc import Iterator

PROTO = "application/grpc-web+proto"
HEADERS = {"content-type": PROTO, "accept": PROTO, "x-grpc-web": "1"}
TRAILERS = 0x80
HEAD = 5


def frame(message: bytes, flag: int = 0) -> bytes:
    """Return *message* as it is sent."""
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


def frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the flag of each frame and what is in it."""
    while data:
        size = int.from_bytes(data[1:HEAD], "big")
        yield data[0], data[HEAD : HEAD + size]
        data = data[HEAD + size :]


def trailers_in(data: bytes) -> dict[str, str]:
    """Return the trailers that the last frame is."""
    return dict(line.split(":", 1) for line in data.decode().split("\r\n") if line)
