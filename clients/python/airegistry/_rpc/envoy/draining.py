"""HTTP pages that come to an end: new requests are refused, running ones are waited for."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

from airegistry._rpc.carrier import AsgiApp, Receive, Send

_STOPPING = b"the server is stopping\n"
_HEADERS = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", str(len(_STOPPING)).encode()),
    (b"retry-after", b"1"),
]


class DrainingPages:
    """Serves the ASGI application *app* until it is drained."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self._running: set[asyncio.Task[Any]] = set()
        self._stopping = False

    async def drain(self, seconds: float) -> None:
        """Refuse new requests, give the running ones so many seconds, then cut them; return when none is left."""
        self._stopping = True
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if self._stopping:
            await send({"type": "http.response.start", "status": 503, "headers": _HEADERS})
            await send({"type": "http.response.body", "body": _STOPPING})
            return
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a server runs each request in one
        self._running.add(task)
        try:
            await self._app(scope, receive, send)
        finally:
            self._running.discard(task)
