"""The server around the application: its address, its start and its end."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import uvicorn

from demo_backend.app import create_app
from demo_backend.models import trained_models
from demo_backend.running import Running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from demo_backend.settings import Behaviour, Settings

CUT_AFTER = 1
"""Seconds that connections get to close once no answer is running."""


class _Server(uvicorn.Server):
    """Leaves signals to its owner, and says when it is started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@asynccontextmanager
async def serve(settings: Settings, behaviour: Behaviour | None = None) -> AsyncIterator[str]:
    """Serve both models and yield the base URL, `http://host:port`.

    On the way out new requests are refused, running answers get `settings.drain` seconds, and what still
    runs is ended with an error. It answers as *behaviour* says at the time, without one as *settings* do. Raises OSError when
    the address cannot be taken.
    """
    listener = _listen(settings.host, settings.port)
    running = Running(settings.max_running)
    app = create_app(trained_models(), running, settings, behaviour or settings.behaviour)
    server = _Server(
        uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=CUT_AFTER,
        )
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve([listener]))
        await server.listening.wait()
        try:
            yield _url(listener)
        finally:
            await running.drain(settings.drain)
            server.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"http://{host}:{port}"
