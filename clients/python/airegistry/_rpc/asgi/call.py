"""One call carried by an ASGI server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import Any

from airegistry._rpc.asgi.ending import EXPIRED, ending
from airegistry._rpc.asgi.framing import compressed_frame, frame
from airegistry._rpc.asgi.headers import CONTENT_TYPE, Pairs, metadata_of, peer_of
from airegistry._rpc.asgi.incoming import Event, Incoming, Receive
from airegistry._rpc.service import write

Send = Callable[[Event], Awaitable[None]]

# How many messages may be on their way to the carrier before the handler waits for one of them to be taken.
_AHEAD = 0

_START: Event = {"type": "http.response.start", "status": 200, "headers": [CONTENT_TYPE], "trailers": True}
_START_GZIP: Event = _START | {"headers": [CONTENT_TYPE, (b"grpc-encoding", b"gzip")]}
_END: Event = {"type": "http.response.body", "body": b""}
_OK: Event = {"type": "http.response.trailers", "headers": [(b"grpc-status", b"0")]}


class AsgiCall(Incoming):
    """A call carried by an ASGI server; the task that makes it is the handler's.

    Answers longer than *compress_above* go out compressed; None compresses nothing.
    """

    principal = ""
    gone = False
    ended: Exception | None = None
    _begun = False
    _over = False
    _waiting = 0
    _room: asyncio.Future[None] | None = None
    _deadline: float | None = None
    _timer: asyncio.TimerHandle | None = None
    _closing: asyncio.Future[None] | None = None

    def __init__(  # noqa: PLR0913 - what a server gives, and what the app knows of the call
        self,
        method: str,
        scope: Mapping[str, Any],
        receive: Receive,
        send: Send,
        *,
        limit: int,
        encoding: bytes = b"identity",
        compress_above: int | None = None,
    ) -> None:
        super().__init__(receive, limit, encoding)
        self.method = method
        self.began = self.asked_at = time.monotonic()
        self._scope = scope
        self._send = send
        self._compress_above = compress_above
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a server runs the app in one
        self._task = task

    @cached_property
    def metadata(self) -> Mapping[str, str | bytes]:
        """The caller's metadata; ProtocolError when a `-bin` value is no base64."""
        return metadata_of(self._scope["headers"])

    @property
    def peer(self) -> str:
        """Where the call comes from."""
        return peer_of(self._scope.get("client"))

    def time_left(self) -> float | None:
        """Return the seconds until the caller's deadline."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def cancelled(self) -> bool:
        """Say whether the peer is gone, or the call was ended."""
        return self.gone or self.ended is not None

    async def send(self, message: Any) -> None:
        """Send a message of the answer; return when the carrier has room for the next."""
        if self.cancelled():
            raise asyncio.CancelledError
        if not self._begun:
            await self._begin()
        sent = self._send({"type": "http.response.body", "body": self._framed(write(message)), "more_body": True})
        if not isinstance(sent, asyncio.Future):
            await self._or_gone(sent)
            if self.gone:
                raise asyncio.CancelledError
            return
        # Not waited for itself: pyvoy sets its result even when a handler was cancelled that waited for it.
        sent.add_done_callback(self._taken)
        self._waiting += 1
        if self._waiting > _AHEAD:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def end(self, error: Exception) -> None:
        """End the call with *error* now, even while it waits in `send`."""
        if self._over or self.cancelled():
            return
        self.ended = error
        self._interrupt()

    def expire_after(self, seconds: float) -> None:
        """End the call when its deadline comes."""
        self._deadline = time.monotonic() + seconds
        self._timer = asyncio.get_running_loop().call_later(seconds, self.end, EXPIRED)

    def peer_left(self) -> None:
        """Cancel the handler: nobody waits for it any more."""
        if not (self._over or self.gone):
            self.gone = True
            self._interrupt()

    async def finish(self, message: bytes) -> None:
        """Answer with the one message, and all is well."""
        if self.cancelled():
            raise asyncio.CancelledError
        self._over = True
        await self._send(self._start)
        await self._or_gone(self._send({"type": "http.response.body", "body": self._framed(message)}))
        await self._or_gone(self._send(_OK))

    async def finish_sending(self) -> None:
        """Say that every message was sent, and all is well."""
        if self.cancelled():
            raise asyncio.CancelledError
        await self.close(_OK["headers"])

    async def close(self, trailers: Pairs) -> None:
        """End the call with *trailers*, unless it is over."""
        if self._over:
            return
        self._over = True
        if self._begun:
            await self._or_gone(self._send(_END))
            await self._or_gone(self._send({"type": "http.response.trailers", "headers": trailers}))
        else:
            await self._send(_START | {"headers": [CONTENT_TYPE, *trailers], "trailers": False})
            await self._or_gone(self._send(_END))

    def release(self) -> None:
        """Let go of what a call holds beyond its handler."""
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self.let_go()

    @property
    def _start(self) -> Event:
        return _START if self._compress_above is None else _START_GZIP

    def _framed(self, message: bytes) -> bytes:
        if self._compress_above is None or len(message) <= self._compress_above:
            return frame(message)
        return compressed_frame(message)

    async def _begin(self) -> None:
        self._begun = True
        await self._send(self._start)

    async def _or_gone(self, sent: Awaitable[None]) -> None:
        """Wait for what is sent; the server may raise an OSError where the peer is gone."""
        try:
            await sent
        except OSError:
            self.peer_left()

    def _taken(self, sent: asyncio.Future[None]) -> None:
        self._waiting -= 1
        if not sent.cancelled() and sent.exception() is not None:
            self.peer_left()
        elif self._room is not None and not self._room.done():
            self._room.set_result(None)

    def _interrupt(self) -> None:
        if self.listening:
            # The task waits for the server itself, which tells it that the call is over when the answer is out.
            assert self.ended is not None  # noqa: S101 - nobody else learns that the peer left
            self._closing = asyncio.ensure_future(self.close(ending(self.ended, self.method)[1]))
            return
        self._task.cancel()
        if self._room is not None:
            # Whichever task waits there: a handler may have several.
            self._room.cancel()
