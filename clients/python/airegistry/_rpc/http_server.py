"""An ASGI application on uvicorn, in the loop and the task group of the program that owns it."""

from __future__ import annotations

import asyncio
import math
import random
import socket
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from airegistry._rpc.listening import join_address

MAX_HEAD_BYTES = 64 * 1024
"""How large the request line and the headers may grow beyond the piece that they begin in."""

KEEP_ALIVE = 75
"""Seconds for which a connection is kept without a request: longer than clients keep theirs.

Who closes first cannot know that a request is on its way, which is lost with the connection.
"""

_JOINED_BYTES = 64 * 1024
_AGE_JITTER = 0.1


class HttpServer:
    """A started server. `addresses` are where it listens, with the ports that were taken."""

    def __init__(self, server: _Server, serving: asyncio.Task[None], addresses: Sequence[str]) -> None:
        self._server = server
        self._serving = serving
        self.addresses = addresses

    async def close(self, drain: float) -> None:
        """Refuse new requests, and give the running ones *drain* seconds to end."""
        self._server.config.timeout_graceful_shutdown = drain  # type: ignore[assignment]  # a timeout; any number does
        self._server.should_exit = True
        await asyncio.wait([self._serving])
        self._server.close_listeners()


async def open_http_server(
    app: Any, listeners: Sequence[socket.socket], tasks: asyncio.TaskGroup, *, age: float | None = None
) -> HttpServer:
    """Serve the ASGI application *app* to all who come to *listeners*, which are the server's from now on.

    A connection that is older than about *age* seconds is closed after its next answer, which says so.
    """
    addresses = [join_address(*listener.getsockname()[:2]) for listener in listeners]
    config = uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", partial(_Protocol, age)),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE,
    )
    server = _Server(config)
    serving = tasks.create_task(server.serve(sockets=list(listeners)))
    try:
        await server.ready.wait()
    except BaseException:
        for listener in listeners:
            listener.close()
        raise
    return HttpServer(server, serving, addresses)


class _Protocol(HttpToolsProtocol):
    """Refuses a request whose head does not end, which uvicorn would keep all of, and closes old connections."""

    _in_head = False
    _head_bytes = 0

    def __init__(self, age: float | None, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._age = age
        self._old_at = math.inf

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._age is not None:
            # Those that came together need not come back together.
            self._old_at = time.monotonic() + self._age * random.uniform(1 - _AGE_JITTER, 1 + _AGE_JITTER)
        super().connection_made(cast("asyncio.Transport", _Joined(transport)))

    def data_received(self, data: bytes) -> None:
        continued = self._in_head
        super().data_received(data)
        if continued and self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.send_400_response("The request line and headers are too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()
        if time.monotonic() >= self._old_at:
            self.cycle.keep_alive = False


class _Joined:
    """A transport whose writes of one turn of the loop go out as one.

    Head and body of an answer are two writes, and each that reaches the kernel costs both sides as much as a small answer.
    """

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(data)
        self._size += len(data)
        if self._size > _JOINED_BYTES:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        waiting, self._waiting, self._size = self._waiting, [], 0
        if waiting and not self._transport.is_closing():
            self._transport.write(b"".join(waiting))


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    def close_listeners(self) -> None:
        """Close what a cancelled server left open; nothing after an orderly end."""
        for listening in self.servers:
            listening.close()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals to the program."""
        yield
