"""A server that says bytes as a trial tells it, and notes what becomes of its connections."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.proxies import listening

OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = OK + b"content-length: 4\r\n\r\ndone"


class Seen:
    """What the server saw."""

    def __init__(self) -> None:
        self.url = ""
        self.connections = 0
        self.open = 0
        self.most = 0
        self.requests = 0
        self.asked = asyncio.Event()
        self.gone = asyncio.Event()
        self.gone_at = 0.0
        self.sent = 0


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Seen], Awaitable[None]]


@asynccontextmanager
async def peer(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Seen]:
    """Run the server; each connection follows the script from its beginning."""
    seen = Seen()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        seen.open += 1
        seen.most = max(seen.most, seen.open)
        try:
            await script(reader, writer, seen)
        except (ConnectionError, asyncio.IncompleteReadError):
            seen.gone_at = time.perf_counter()
            seen.gone.set()
        finally:
            seen.open -= 1

    async with listening(serve, tls) as port:
        seen.url = f"http{'s' if tls else ''}://{'localhost' if tls else '127.0.0.1'}:{port}"
        yield seen


async def request(reader: asyncio.StreamReader, seen: Seen) -> bytes:
    """Read a request, and count it."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    body = await reader.readexactly(int(length or 0))
    seen.requests += 1
    seen.asked.set()
    return head + body


async def until_gone(reader: asyncio.StreamReader) -> None:
    """Wait for the client to hang up."""
    while await reader.read(65536):
        pass
    raise ConnectionResetError


def answers(*pieces: bytes, close: bool = False) -> Script:
    """Answer each request with the next piece, the last one again and again; or close after the last."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
        for piece in pieces:
            await request(reader, seen)
            writer.write(piece)
        while not close:
            await request(reader, seen)
            writer.write(pieces[-1])

    return script


def pours(head: bytes, piece: bytes, most: int) -> Script:
    """Answer with a head and then the same piece again and again, up to so many bytes, counting what the client takes."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
        await request(reader, seen)
        writer.write(head)
        while seen.sent < most:
            writer.write(piece)
            await writer.drain()
            seen.sent += len(piece)
        await until_gone(reader)

    return script
