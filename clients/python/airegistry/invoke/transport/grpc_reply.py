"""What a gRPC server answers, as the reply that calls read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airegistry.errors import MalformedAnswerError, ProviderError
from airegistry.invoke.transport.proxies import Proxies

_AHEAD: Final = 16
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class GrpcSettings:
    """Bounds of what is kept open and what is taken in."""

    max_channels: int
    keep_alive: float
    max_answer_bytes: int
    max_stream_bytes: int
    ca_file: Path | None
    proxies: Proxies | None


class GrpcReply:
    """A provider's answer in JSON, with the status that HTTP would have for it. Header names are lower case."""

    def __init__(self, settings: GrpcSettings, headers: Mapping[str, str], status: int = _OK) -> None:
        self.status = status
        self.headers = headers
        self._settings = settings
        self._taken = 0
        self._ready: asyncio.Queue[bytes | ProviderError] = asyncio.Queue(_AHEAD)
        self._ended = False
        self._failure: ProviderError | None = None

    async def put(self, piece: bytes | ProviderError) -> None:
        """Add the next piece, once there is room for it; an empty one, or an error, is the last."""
        await self._ready.put(piece)

    async def chunk(self) -> bytes:
        """Return all pieces that are ready, waiting for the first; empty at the end. May be cancelled and called again."""
        ready: list[bytes] = []
        while not self._ended and (not ready or not self._ready.empty()):
            piece = await self._ready.get()
            if isinstance(piece, ProviderError):
                self._failure = piece
            self._ended = not piece or self._failure is not None
            if isinstance(piece, bytes):
                ready.append(piece)
        # What came before a failure is passed on first.
        if not ready and self._failure is not None:
            raise self._failure
        return self._counted(b"".join(ready))

    def _counted(self, data: bytes) -> bytes:
        self._taken += len(data)
        if self._taken > self._settings.max_stream_bytes:
            raise MalformedAnswerError(f"the answer has more than {self._settings.max_stream_bytes} bytes")
        return data

    async def body(self) -> bytes:
        """Return the whole body."""
        pieces = []
        while piece := await self.chunk():
            pieces.append(piece)
        return b"".join(pieces)

    async def beginning(self) -> bytes:
        """Return as much of the body as an error needs, which is all of it."""
        return await self.body()

    async def drain(self) -> None:
        """Do nothing: a stream that ended left nothing behind."""
