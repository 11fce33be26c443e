"""An HTTP proxy on loopback that notes what it is asked for."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from tests.ports import free_port

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

ENOUGH = 64 * 1024
NAMES: Mapping[str, str] = {"provider.example": "127.0.0.1"}
"""Names that only the proxy knows."""


def named(url: str) -> str:
    """Return the URL of a server on this machine by a name that only the proxy knows."""
    return url.replace("127.0.0.1", "provider.example").replace("localhost", "provider.example")


class Proxy:
    """Passes requests without TLS on, and opens ways for those with it. With a password it lets nobody else in."""

    def __init__(self, password: str = "", answer: bytes = b"") -> None:
        self._password = password
        self._answer = answer
        self.port = 0
        self.asked: list[str] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://user:{self._password}@127.0.0.1:{self.port}" if self._password else self.bare_url

    @property
    def bare_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    await self._one(head, reader, writer)
        finally:
            writer.close()

    async def _one(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = head.decode().strip().split("\r\n")
        method, target, _ = first.split(" ")
        self.asked.append(f"{method} {target}")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if self._answer:
            writer.write(self._answer)
            raise ConnectionError
        if self._password and headers.get("proxy-authorization") != self._allowed():
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
        elif method == "CONNECT":
            await self._open(target, reader, writer)
        else:
            await self._forward(target, headers, body, writer)

    def _allowed(self) -> str:
        return f"Basic {base64.b64encode(f'user:{self._password}'.encode()).decode()}"

    async def _open(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = target.rpartition(":")
        try:
            up, down = await asyncio.open_connection(NAMES.get(host, host), int(port))
        except OSError:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pump(reader, down), _pump(up, writer))
        raise ConnectionError

    async def _forward(
        self, target: str, headers: Mapping[str, str], body: bytes, writer: asyncio.StreamWriter
    ) -> None:
        host, _, path = target.removeprefix("http://").partition("/")
        name, _, port = host.partition(":")
        up, down = await asyncio.open_connection(NAMES.get(name, name), int(port or 80))
        own = {name: value for name, value in headers.items() if not name.startswith("proxy-")}
        lines = "".join(f"{name}: {value}\r\n" for name, value in own.items())
        down.write(f"POST /{path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        # The provider ends each answer with its connection.
        try:
            while data := await up.read(ENOUGH):
                writer.write(data)
        finally:
            down.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        with suppress(ConnectionError):
            while data := await source.read(ENOUGH):
                sink.write(data)
                await sink.drain()
    finally:
        sink.close()


@asynccontextmanager
async def proxy(password: str = "", *, answer: bytes = b"") -> AsyncIterator[Proxy]:
    """Run a proxy; with an *answer* it says that to every request."""
    running = Proxy(password, answer)
    async with listening(running.serve) as running.port:
        yield running


@asynccontextmanager
async def listening(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve connections on the port that is lent; none of them outlives the block."""
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def served() -> None:
            await serve(reader, writer)

        def over(task: asyncio.Task[None]) -> None:
            # Also where it was cancelled before it began.
            writer.close()
            tasks.discard(task)

        task = asyncio.ensure_future(served())
        tasks.add(task)
        task.add_done_callback(over)

    server = await asyncio.start_server(accept, "127.0.0.1", free_port(), ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        running = list(tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await server.wait_closed()
        # What was closed is let go of in the loop's next turn.
        await asyncio.sleep(0)
