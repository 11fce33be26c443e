"""A TCP relay that counts the bytes that clients send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass


@dataclass
class Relay:
    """Where it listens, and how much clients sent so far."""

    address: str = ""
    sent: int = 0


@asynccontextmanager
async def relay_to(target: str) -> AsyncIterator[Relay]:
    """Relay connections to *target*, `host:port`."""
    relay = Relay()
    host, _, port = target.rpartition(":")
    tasks: set[asyncio.Task[None]] = set()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, onward = await asyncio.open_connection(host, int(port))
        for source, sink, counted in ((reader, onward, True), (back, writer, False)):
            tasks.add(asyncio.create_task(pass_on(source, sink, counted=counted)))

    async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, counted: bool) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65_536):
                relay.sent += len(data) if counted else 0
                sink.write(data)
                await sink.drain()
        sink.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    relay.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield relay
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
