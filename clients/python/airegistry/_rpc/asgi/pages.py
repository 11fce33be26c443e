"""HTTP pages behind a server like pyvoy: they are told when their callers leave, as the specification of ASGI says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable

from airegistry._rpc.asgi.inbox import Event, Inbox
from airegistry._rpc.asgi.running import Running
from airegistry._rpc.carrier import AsgiApp, Receive, Send

_GONE: Event = {"type": "http.disconnect"}


class Pages:
    """Serves the ASGI application *app*.

    After the end of a request pyvoy answers `receive` at once, and again and again, that the request is over. The
    application's `receive` waits there until the caller left; and sending to one that left does nothing.
    """

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self._running = Running()

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = _Request(receive, send, bodiless=scope["method"] == "HEAD")
        self._running.add(request)
        try:
            await self._app(scope, request.receive, request.send)
        finally:
            self._running.remove(request)
            request.let_go()


class _Request(Inbox):
    """One request of a page."""

    deadline: float | None = None

    def __init__(self, receive: Receive, send: Send, *, bodiless: bool) -> None:
        super().__init__(receive)
        self.asked_at = time.monotonic()
        self._send = send
        self._bodiless = bodiless
        self._gone = False
        self._left: asyncio.Future[Event] | None = None

    def receive(self) -> Awaitable[Event]:
        """Return what comes of the request, then, when it comes to that, that the caller left."""
        if not (self._gone or self._read_whole):
            return self._next()
        # A future, not a coroutine: nearly every page waits for this while it works, and needs no task for it.
        left = self._left
        if left is None or left.done():
            left = self._left = asyncio.get_running_loop().create_future()
            if self._gone:
                left.set_result(_GONE)
        return left

    async def send(self, event: Event) -> None:
        """Send a part of the answer, unless nobody is there to take it."""
        if self._gone:
            # Who sends and sends must not keep those waiting who would stop it.
            await asyncio.sleep(0)
            return
        if self._bodiless and event["type"] == "http.response.body":
            # pyvoy sends all that it is given, and the caller would take it for its next answer.
            event = {**event, "body": b""}
        try:
            sent = self._send(event)
            if isinstance(sent, asyncio.Future):
                # Not cancelled with who waits for it, see Inbox; and looked at, whoever still waits.
                sent.add_done_callback(_look_at)
                sent = asyncio.shield(sent)
            await sent
        except OSError:
            self.peer_left()

    def end(self, error: Exception) -> None:
        """Do nothing: a page has no deadline."""

    def peer_left(self) -> None:
        """Tell the application, when it asks."""
        self._gone = True
        self._deliver(_GONE)
        if self._left is not None and not self._left.done():
            self._left.set_result(_GONE)


def _look_at(sent: asyncio.Future[None]) -> None:
    if not sent.cancelled():
        sent.exception()
