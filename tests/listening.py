"""Waiting for a server that is a process of its own."""

import asyncio
from contextlib import suppress


async def until_listening(address: str) -> None:
    """Wait until somebody takes connections at *address*, `host:port`; not for long."""
    host, _, port = address.rpartition(":")
    async with asyncio.timeout(30):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection(host, int(port))
                writer.close()
                return
            await asyncio.sleep(0.02)
