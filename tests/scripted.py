"""Servers that send what a script says, byte for byte, and calls of them by the transport."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from airegistry.dialects.exchange import HttpCall
from airegistry.invoke.transport import Reply, Transport
from tests.ports import free_port

OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = OK + b"content-length: 4\r\n\r\ndone"


PATIENCE = 10.0
"""Seconds for what a machine on its own does at once: to connect, and to hear that a connection ended."""

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Wire:
    """A provider that says bytes. It counts connections, and notes when one ended."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.connections = 0
        self.ended = asyncio.Event()
        self.url = ""
        self._serving: set[asyncio.Task[None]] = set()

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._serving.add(asyncio.ensure_future(self._serve(reader, writer)))

    async def close(self) -> None:
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._script(reader, writer)
        except ConnectionError:
            pass
        finally:
            self.ended.set()
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def wire(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    made = Wire(script)
    server = await asyncio.start_server(made.serve, "127.0.0.1", free_port(), ssl=tls)
    made.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield made
        await made.close()


def says(*answers: bytes, close: bool = False) -> Script:
    """Answer each request with the next of *answers*, and close after the last if so told."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await asked(reader)
            writer.write(answer)
            await writer.drain()
        if not close:
            await reader.read()

    return script


async def asked(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0]))


def call(url: str, body: bytes = b"{}") -> HttpCall:
    return HttpCall("POST", f"{url}/chat", {"content-type": "application/json"}, body)


async def body_of(transport: Transport, url: str, connect_timeout: float = PATIENCE) -> bytes:
    async with transport.send(call(url), connect_timeout=connect_timeout) as reply:
        return await reply.body()


async def rest_of(reply: Reply) -> bytes:
    parts = []
    while part := await reply.chunk():
        parts.append(part)
    return b"".join(parts)
