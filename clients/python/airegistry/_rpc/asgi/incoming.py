"""What comes from the peer of one call: its request, and that it left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, MutableMapping
from typing import Any

from airegistry._rpc.asgi.framing import HEAD, Frames
from airegistry._rpc.asgi.refusing import wrong_number
from airegistry._rpc.carrier import Receive

Event = MutableMapping[str, Any]


class Incoming:
    """Asks the server for what comes, one event at a time, and only when somebody wants it.

    The futures of pyvoy must not be cancelled: it sets their results later, and the loop would log that. So whoever may be
    cancelled waits for futures of our own.
    """

    # Of the class until they change: most calls need none of them.
    _streamed = False
    # Whether more of the request may come.
    _more = True
    # Whether the task itself waits for the first event.
    listening = False
    _event: Event | None = None
    _pull: asyncio.Future[Event] | None = None
    _reader: asyncio.Future[None] | None = None

    def __init__(self, receive: Receive, limit: int, encoding: bytes) -> None:
        self._receive = receive
        self._limit = limit
        self._encoding = encoding

    def peer_left(self) -> None:
        """Do what there is to do when the peer is gone."""
        raise NotImplementedError

    def cancelled(self) -> bool:
        """Say whether the call is no more: the peer is gone, or it was ended."""
        raise NotImplementedError

    async def request(self) -> bytes:
        """Return the one message that the request is; ProtocolError when it is none."""
        # No future of our own here: nearly every call comes this way, with its message whole in the first event.
        self.listening = True
        event = await self._receive()
        self.listening = False
        if event["type"] == "http.disconnect":
            self.peer_left()
        if self.cancelled():
            raise asyncio.CancelledError
        body: bytes = event["body"]
        self._more = event.get("more_body", False)
        if body[:1] == b"\0" and int.from_bytes(body[1:HEAD], "big") == len(body) - HEAD <= self._limit:
            return body[HEAD:]
        return await self._pieced_together(body)

    async def requests(self, read: Callable[[bytes], Any]) -> AsyncIterator[Any]:
        """Yield the messages of a streamed request as they come, each as *read* reads it."""
        self._streamed = True
        frames = Frames(self._limit, self._encoding)
        while True:
            while (message := frames.take()) is not None:
                yield read(message)
            if not self._more and self._event is None:
                break
            frames.feed(await self._next())
        frames.finish()

    def ask(self) -> None:
        """Find out whether the peer is still there. What comes instead is kept, and nothing more is asked for until it is read."""
        if self._pull is None and self._event is None and not self.listening:
            self._ask()

    def let_go(self) -> None:
        """Want nothing more."""
        # A future of the server's own ends with its stream.
        if isinstance(self._pull, asyncio.Task):
            self._pull.cancel()

    async def _pieced_together(self, body: bytes) -> bytes:
        """Return the one message that begins with *body*."""
        self._streamed = True
        frames = Frames(self._limit, self._encoding)
        frames.feed(body)
        while (message := frames.take()) is None:
            if not self._more and self._event is None:
                frames.finish()
                raise wrong_number("no")
            frames.feed(await self._next())
        if not frames.empty:
            raise wrong_number("several")
        self._streamed = False
        return message

    async def _next(self) -> bytes:
        """Return what comes next of the request."""
        if self._event is None:
            if self._pull is None:
                self._ask()
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        event, self._event = self._event, None
        assert event is not None  # noqa: S101 - the reader was woken by it
        body: bytes = event["body"]
        return body

    def _ask(self) -> None:
        self._pull = asyncio.ensure_future(self._receive())
        self._pull.add_done_callback(self._arrived)

    def _arrived(self, pull: asyncio.Future[Event]) -> None:
        self._pull = None
        if pull.cancelled():
            return
        if pull.exception() is not None or (event := pull.result())["type"] == "http.disconnect":
            self.peer_left()
        elif self._more:
            self._more = event.get("more_body", False)
            # Whatever follows the one message that was expected is not looked at; gRPC's core does not either.
            if self._streamed:
                self._event = event
                if self._reader is not None and not self._reader.done():
                    self._reader.set_result(None)
