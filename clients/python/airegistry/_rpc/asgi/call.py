"""One call carried by an ASGI server."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Mapping
from functools import cached_property
from typing import Any

from airegistry._rpc.asgi.ending import ending
from airegistry._rpc.asgi.framing import compressed_frame, frame
from airegistry._rpc.asgi.headers import CONTENT_TYPE, Pairs, metadata_of, peer_of
from airegistry._rpc.asgi.inbox import Event
from airegistry._rpc.asgi.incoming import Incoming
from airegistry._rpc.asgi.last_words import last_words
from airegistry._rpc.carrier import Receive, Send
from airegistry._rpc.service import write

# What may be on its way to the carrier before the handler waits until all of it is taken: each wait is a round trip between
# threads, which takes more than a message does.
_AHEAD = 16
_AHEAD_BYTES = 64 * 1024

_START: Event = {"type": "http.response.start", "status": 200, "headers": [CONTENT_TYPE], "trailers": True}
_START_GZIP: Event = {**_START, "headers": [CONTENT_TYPE, (b"grpc-encoding", b"gzip")]}
_END: Event = {"type": "http.response.body", "body": b""}
_OK: Event = {"type": "http.response.trailers", "headers": [(b"grpc-status", b"0")]}
_JSON = (b"content-type", b"application/json")


class AsgiCall(Incoming):
    """A call carried by an ASGI server. `task` is the handler's, and set before anything happens.

    Answers longer than *compress_above* go out compressed; None compresses nothing.
    """

    task: asyncio.Task[Any]
    principal = ""
    deadline: float | None = None
    # Whether the caller speaks JSON, and somebody in between translates.
    translated = False
    gone = False
    ended: Exception | None = None
    _begun = False
    _over = False
    _room: asyncio.Future[None] | None = None
    _closing: asyncio.Future[None] | None = None

    def __init__(
        self,
        scope: Mapping[str, Any],
        receive: Receive,
        send: Send,
        *,
        limit: int,
        encoding: bytes = b"identity",
        compress_above: int | None = None,
    ) -> None:
        super().__init__(receive, limit, encoding)
        self.method: str = scope["path"]
        self.began = self.asked_at = time.monotonic()
        # Not the scope: it is larger than all that is here.
        self._headers: Pairs = scope["headers"]
        self._client = scope.get("client")
        self._send = send
        self._compress_above = compress_above
        # What the carrier was given since it last had taken everything, and how much that is.
        self._given: list[asyncio.Future[None]] = []
        self._given_bytes = 0

    @cached_property
    def metadata(self) -> Mapping[str, str | bytes]:
        """The caller's metadata; ProtocolError when a `-bin` value is no base64."""
        return metadata_of(self._headers)

    @property
    def peer(self) -> str:
        """Where the call comes from."""
        return peer_of(self._client)

    def time_left(self) -> float | None:
        """Return the seconds until the caller's deadline."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def cancelled(self) -> bool:
        """Say whether the peer is gone, or the call was ended."""
        return self.gone or self.ended is not None

    async def send(self, message: Any) -> None:
        """Send a message of the answer; return when the carrier has room for the next."""
        if self.cancelled():
            raise asyncio.CancelledError
        if not self._begun:
            await self._begin()
        sent = self._give(write(message))
        if sent is not None:
            await self._wait_for(sent)
        elif not self._has_room():
            await self._emptied()

    def ask(self) -> None:
        """Find out whether the peer is still there, and let go of what it took: a silent stream holds nothing."""
        self._forget_what_is_taken()
        super().ask()

    def ready(self) -> bool:
        """Say whether `send_now` may be called."""
        return self._begun and self._has_room() and not self._over and not self.cancelled()

    def send_now(self, message: bytes) -> None:
        """Send a serialized message without waiting."""
        sent = self._give(message)
        if sent is not None:
            # A server without futures takes messages in their order, too.
            self._given.append(asyncio.ensure_future(sent))

    def end(self, error: Exception) -> None:
        """End the call with *error* now, even while it waits in `send`."""
        if self._over or self.cancelled():
            return
        self.ended = error
        self._interrupt()

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
        try:
            await self._send(self._start)
            await self._send({"type": "http.response.body", "body": self._framed(message)})
            await self.end_of_request()
            await self._send(_OK)
        except OSError:
            # The peer is gone.
            pass

    async def finish_in_json(self, answer: bytes) -> None:
        """Answer a translated call with what is JSON already, and is passed on as it is; all is well."""
        if self.cancelled():
            raise asyncio.CancelledError
        self._over = True
        headers = [_JSON, (b"content-length", b"%d" % len(answer)), *_OK["headers"]]
        await self.end_of_request()
        # The peer may be gone.
        with contextlib.suppress(OSError):
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
            await self._send({"type": "http.response.body", "body": answer})

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
        await self.end_of_request()
        # The server may raise one where the peer is gone.
        with contextlib.suppress(OSError):
            if self._begun:
                await self._send(self._end(trailers))
                await self._send({"type": "http.response.trailers", "headers": trailers})
            else:
                await self._send({**_START, "headers": [CONTENT_TYPE, *trailers], "trailers": False})
                await self._send(_END)

    def release(self) -> None:
        """Let go of what a call holds beyond its handler."""
        self._over = True
        self.let_go()
        for sent in self._given:
            # Looked at, so that the loop does not tell of one that failed because the peer had left.
            sent.add_done_callback(_look)

    @property
    def _start(self) -> Event:
        return _START if self._compress_above is None else _START_GZIP

    def _end(self, trailers: Pairs) -> Event:
        if not self.translated:
            return _END
        words = last_words(trailers)
        return {**_END, "body": frame(words)} if words else _END

    def _framed(self, message: bytes) -> bytes:
        if self._compress_above is None or len(message) <= self._compress_above:
            return frame(message)
        return compressed_frame(message)

    async def _begin(self) -> None:
        self._begun = True
        await self._send(self._start)

    async def _wait_for(self, sent: Awaitable[None]) -> None:
        """Wait for what is sent by a server that has no futures."""
        try:
            await sent
        except OSError:
            self.peer_left()
            raise asyncio.CancelledError from None

    def _give(self, message: bytes) -> Awaitable[None] | None:
        """Give a message to the carrier; return what to wait for when that is no future."""
        body = self._framed(message)
        sent = self._send({"type": "http.response.body", "body": body, "more_body": True})
        if not isinstance(sent, asyncio.Future):
            return sent
        self._given.append(sent)
        self._given_bytes += len(body)
        return None

    def _has_room(self) -> bool:
        """Say whether the carrier may be given more."""
        self._forget_what_is_taken()
        return len(self._given) <= _AHEAD and self._given_bytes <= _AHEAD_BYTES

    async def _emptied(self) -> None:
        """Wait until all is taken; the peer's end cancels the handler."""
        # Not for the future itself: pyvoy sets its result even when a handler was cancelled that waited for it.
        room = self._room = asyncio.get_running_loop().create_future()

        def taken(_: object) -> None:
            if not room.done():
                room.set_result(None)

        self._given[-1].add_done_callback(taken)
        await room
        self._forget()

    def _forget_what_is_taken(self) -> None:
        # Looked at, not told: a callback for each message would take as long as all else about it. The carrier takes
        # messages in their order: what came last tells of all.
        if self._given and self._given[-1].done():
            self._forget()

    def _forget(self) -> None:
        """Forget what was given, all of which is taken."""
        failed = [sent for sent in self._given if not sent.cancelled() and sent.exception() is not None]
        self._given.clear()
        self._given_bytes = 0
        if failed:
            self.peer_left()

    def _interrupt(self) -> None:
        if self.listening:
            # The task waits for the server itself, which tells it that the call is over when the answer is out.
            assert self.ended is not None  # noqa: S101 - nobody else learns that the peer left
            self._closing = asyncio.ensure_future(self.close(ending(self.ended, self.method)[1]))
        elif asyncio.current_task() is self.task:
            # Who cancels itself and ends before it waits again is cancelled nevertheless, and the app with it.
            asyncio.get_running_loop().call_soon(self._cancel)
        else:
            self._cancel()

    def _cancel(self) -> None:
        if not self._over:
            self.task.cancel()


def _look(sent: asyncio.Future[None]) -> None:
    if not sent.cancelled():
        sent.exception()
