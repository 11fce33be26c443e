"""HTTP providers on loopback that behave as a test tells them, mostly badly."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.ports import free_port

TOKENS = ("One", " two", " three", " four")
USAGE = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}


class Peer:
    """One request as the provider sees it, and the way to answer it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.path = ""
        self.headers: dict[str, str] = {}
        self.raw = b""
        self.body: dict[str, Any] = {}
        self.gone = asyncio.Event()
        self.gone_at = 0.0

    async def read(self) -> bool:
        """Read the request; False when the connection ends instead."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
        first, *lines = head.decode().strip().split("\r\n")
        self.path = first.split(" ")[1]
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.raw = await self._reader.readexactly(int(self.headers.get("content-length", "0")))
        form = self.headers.get("content-type", "").startswith("multipart/")
        self.body = {} if form else json.loads(self.raw or b"{}")
        return True

    async def head(self, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in (headers or {}).items())]
        await self.send("\r\n".join([*lines, "Connection: close", "", ""]).encode())

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def reply(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        await self.head(
            status, {"content-length": str(len(body)), "content-type": "application/json", **(headers or {})}
        )
        await self.send(body)

    async def event(self, value: object) -> None:
        await self.send(event_bytes(value))

    async def until_gone(self) -> None:
        """Wait for the caller to hang up, and note when."""
        while await self._reader.read(1024):
            pass
        self.gone_at = time.monotonic()
        self.gone.set()

    def reset(self) -> None:
        sock: socket.socket = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


Behaviour = Callable[[Peer], Awaitable[None]]

LEAVING = 10.0
"""Seconds within which a provider hears that its caller went away, on a busy machine; all else that ends a call comes later."""


class Provider:
    """A server; each request takes the next behaviour, and the last one stays."""

    def __init__(self, behaviours: Sequence[Behaviour]) -> None:
        self._behaviours = list(behaviours)
        self.seen: list[Peer] = []
        self.asked = asyncio.Event()
        self.connected = 0
        self.url = ""

    def behave(self, *behaviours: Behaviour) -> None:
        self._behaviours = list(behaviours)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self.connected += 1
        try:
            if not await peer.read():
                return
            self.seen.append(peer)
            self.asked.set()
            behaviour = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
            await behaviour(peer)
        except ConnectionError:
            peer.gone_at = time.monotonic()
            peer.gone.set()
        finally:
            self.connected -= 1
            writer.close()


@asynccontextmanager
async def provider(*behaviours: Behaviour, tls: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[Provider]:
    """Run a provider, on a free port where none is given."""
    running = Provider(behaviours)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(running.take(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", port or free_port(), ssl=tls)
    running.url = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield running
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def event_bytes(value: object) -> bytes:
    return b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n"


def chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "up-1", "object": "chat.completion.chunk", "created": 1, "model": "served", "choices": [choice]}


async def ok(peer: Peer) -> None:
    """A whole answer, of the kind that was asked for."""
    if "input" in peer.body:
        await _embeddings(peer)
    elif peer.body.get("stream"):
        await stream_head(peer)
        for token in TOKENS:
            await peer.event(chunk({"content": token}))
        await finish(peer)
    else:
        message = {"role": "assistant", "content": "".join(TOKENS)}
        answer = {"id": "up-1", "object": "chat.completion", "created": 1, "model": "served", "usage": USAGE}
        answer["choices"] = [{"index": 0, "message": message, "finish_reason": "stop"}]
        await peer.reply(200, json.dumps(answer).encode())


async def stream_head(peer: Peer) -> None:
    await peer.head(200, {"content-type": "text/event-stream"})
    await peer.event(chunk({"role": "assistant", "content": ""}))


async def finish(peer: Peer) -> None:
    await peer.event(chunk({}, "stop"))
    await peer.event({**chunk({}), "choices": [], "usage": USAGE})
    await peer.event(b"[DONE]")


async def _embeddings(peer: Peer) -> None:
    count = len(peer.body["input"]) if isinstance(peer.body["input"], list) else 1
    vectors = [{"object": "embedding", "index": i, "embedding": [0.5, float(i)]} for i in range(count)]
    usage = {"prompt_tokens": 3, "total_tokens": 3}
    await peer.reply(200, json.dumps({"object": "list", "data": vectors, "model": "served", "usage": usage}).encode())


def status(number: int, /, message: str = "no", headers: Mapping[str, str] | None = None, **fields: str) -> Behaviour:
    """An error with the body that OpenAI sends."""

    async def behave(peer: Peer) -> None:
        error = {"message": message, "type": "error", "param": None, "code": None, **fields}
        await peer.reply(number, json.dumps({"error": error}).encode(), headers)

    return behave


async def html(peer: Peer) -> None:
    """A page with status 200, as a captive portal or a broken proxy sends."""
    await peer.reply(200, b"<html><body>Welcome</body></html>", {"content-type": "text/html"})


async def reset_before_headers(peer: Peer) -> None:
    peer.reset()


async def hang_before_headers(peer: Peer) -> None:
    await peer.until_gone()


async def hang_before_first_token(peer: Peer) -> None:
    await stream_head(peer)
    await peer.until_gone()


async def hang_in_the_middle(peer: Peer) -> None:
    await stream_head(peer)
    for token in TOKENS[:2]:
        await peer.event(chunk({"content": token}))
    await peer.until_gone()


async def truncated(peer: Peer) -> None:
    """Some tokens, then a clean end of the connection."""
    if not peer.body.get("stream"):
        await peer.head(200, {"content-length": "1000", "content-type": "application/json"})
        await peer.send(b'{"id": "up-1", "choices": [')
        return
    await stream_head(peer)
    for token in TOKENS[:2]:
        await peer.event(chunk({"content": token}))


async def truncated_before_first_token(peer: Peer) -> None:
    await stream_head(peer)


async def error_inside(peer: Peer) -> None:
    """An error in the middle of an answer with status 200."""
    await stream_head(peer)
    await peer.event(chunk({"content": TOKENS[0]}))
    # So that the error comes by itself, and what came before it is on its way.
    await asyncio.sleep(0.02)
    await peer.event({"error": {"message": "the engine crashed", "type": "server_error", "code": 500}})


def slow_first_token(seconds: float) -> Behaviour:
    async def behave(peer: Peer) -> None:
        await stream_head(peer)
        await asyncio.sleep(seconds)
        for token in TOKENS:
            await peer.event(chunk({"content": token}))
        await finish(peer)

    return behave


def paced(seconds: float) -> Behaviour:
    """A token at a time."""

    async def behave(peer: Peer) -> None:
        await stream_head(peer)
        for token in TOKENS:
            await peer.event(chunk({"content": token}))
            await asyncio.sleep(seconds)
        await finish(peer)

    return behave
