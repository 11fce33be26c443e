"""Envoy's admin pages, over their Unix socket, as far as the program inside needs them."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

log = logging.getLogger(__name__)

_BETWEEN = 0.01
_LONGEST = 5.0


class Admin:
    """The admin pages on *socket*, which is in the folder of this Envoy."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self.folder = socket.parent

    async def ready(self) -> None:
        """Wait until Envoy takes connections."""
        while not await self._ask("GET", "/ready"):  # noqa: ASYNC110 - Envoy tells nobody by itself
            await asyncio.sleep(_BETWEEN)

    async def stop_listening(self) -> None:
        """Let Envoy take no new connections, and tell the peers of the open ones to go elsewhere."""
        if not await self._ask("POST", "/drain_listeners?graceful&skip_exit"):
            log.warning("Envoy did not stop listening")

    async def _ask(self, method: str, path: str) -> bool:
        """Say whether a page answers 200."""
        try:
            async with asyncio.timeout(_LONGEST):
                return await self._status(method, path) == b"200"
        except (OSError, TimeoutError, IndexError):
            return False

    async def _status(self, method: str, path: str) -> bytes:
        reader, writer = await asyncio.open_unix_connection(self._socket)
        try:
            writer.write(
                f"{method} {path} HTTP/1.1\r\nHost: admin\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
            return (await reader.readline()).split()[1]
        finally:
            writer.close()
