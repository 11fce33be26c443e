"""What is asked of every HTTP client that is measured."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

HEADERS = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Options:
    """What a client is opened with; empty means none. *proxy* may hold a user and a password."""

    connections: int = 256
    connect_timeout: float = 5.0
    ca_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    proxy: str = ""
    no_proxy: str = ""
    http2: bool = False


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    body: bytes


class Client(Protocol):
    """One pool of connections, and two ways to POST JSON by it."""

    async def whole(self, url: str, body: bytes) -> Answer:
        """Return the whole answer."""
        ...

    def pieces(self, url: str, body: bytes) -> AsyncIterator[bytes]:
        """Yield an answer as it comes. Closed before its end, the answer is given up."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class UnsupportedError(Exception):
    """The client has no way to say what an option asks for."""
