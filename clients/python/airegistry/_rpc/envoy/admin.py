"""Envoy's admin pages, over their Unix socket, as far as the program inside needs them."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from pathlib import Path

from airegistry._rpc.process import StartError

log = logging.getLogger(__name__)

_BETWEEN = 0.01
_LONGEST = 5.0
# Requests that run, and streams with something left to send.
_STREAMS = "^(http[.]server[.]downstream_rq_active|http2[.]streams_active)$"
_LISTENING = re.compile(rb"^server::(\S+:\d+)", re.MULTILINE)
_BUSY = re.compile(rb"_active: [1-9]")


class Admin:
    """The admin pages on *socket*, which is in the folder of this Envoy."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._left = False
        self._limits: set[asyncio.Timeout] = set()
        self.folder = socket.parent

    def leave(self) -> None:
        """Ask nothing from now on, nor wait for an answer: Envoy ends, and gives none any more."""
        self._left = True
        for limit in self._limits:
            limit.reschedule(0.0)

    async def ready(self) -> None:
        """Wait until Envoy takes connections; StartError when it ends instead."""
        while not _is_good(await self._ask("GET", "/ready")):
            if self._left:
                raise StartError("Envoy was told to end before it served")
            await asyncio.sleep(_BETWEEN)

    async def addresses(self) -> Sequence[str]:
        """Return where Envoy listens, with the ports that were taken; StartError when it does not say."""
        told = _LISTENING.findall(await self._ask("GET", "/listeners"))
        if not told:
            raise StartError("Envoy does not say where it listens")
        return [address.decode() for address in told]

    async def stop_listening(self) -> None:
        """Let Envoy take no new connections, and tell the peers of the open ones to go elsewhere."""
        if not _is_good(await self._ask("POST", "/drain_listeners?graceful&skip_exit")) and not self._left:
            log.warning("Envoy did not stop listening")

    async def idle(self) -> None:
        """Wait until Envoy has sent every answer to its end."""
        while _BUSY.search(await self._ask("GET", f"/stats?filter={_STREAMS}")):  # noqa: ASYNC110 - Envoy tells nobody by itself
            await asyncio.sleep(_BETWEEN)

    async def _ask(self, method: str, path: str) -> bytes:
        """Return an answer with its head; nothing when there is none."""
        if self._left:
            return b""
        try:
            async with asyncio.timeout(_LONGEST) as limit:
                self._limits.add(limit)
                try:
                    return await self._answer(method, path)
                finally:
                    self._limits.discard(limit)
        except (OSError, TimeoutError):
            return b""

    async def _answer(self, method: str, path: str) -> bytes:
        reader, writer = await asyncio.open_unix_connection(self._socket)
        try:
            writer.write(
                f"{method} {path} HTTP/1.1\r\nHost: admin\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
            return await reader.read()
        finally:
            writer.close()


def _is_good(answer: bytes) -> bool:
    return answer.startswith(b"HTTP/1.1 200 ")
