"""The request of one call: a message, or a stream of them."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable
from typing import Any

from airegistry._rpc.asgi.framing import HEAD, Frames
from airegistry._rpc.asgi.inbox import Inbox
from airegistry._rpc.asgi.refusing import wrong_number
from airegistry._rpc.carrier import Receive

# How long a caller may take to say that its one message was all, in seconds. Nearly all say it with the message.
_END_WAIT = 0.5


class Incoming(Inbox):
    """Reads the request of a call. Whatever follows the one message that is expected is not looked at, as in gRPC's core."""

    # Whether the task itself waits for the first event.
    listening = False
    _wanted = False
    # Whether the one message is there, so that nothing but the end of the request may follow.
    _has_message = False

    def __init__(self, receive: Receive, limit: int, encoding: bytes) -> None:
        super().__init__(receive)
        self._limit = limit
        self._encoding = encoding

    @abstractmethod
    def cancelled(self) -> bool:
        """Say whether the call is no more: the peer is gone, or it was ended."""

    def ask(self) -> None:
        """Find out whether the peer is still there, unless its request is waited for anyway."""
        if not self.listening:
            super().ask()

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
        body: bytes = event.get("body", b"")
        self._more = event.get("more_body", False)
        if body[:1] == b"\0" and int.from_bytes(body[1:HEAD], "big") == len(body) - HEAD <= self._limit:
            self._has_message = True
            return body[HEAD:]
        return await self._pieced_together(body)

    async def end_of_request(self) -> None:
        """Wait a little until a request ends whose message is there: Envoy makes an error of an answer that ends before."""
        if self._has_message and self._more:
            await self._pass_over_rest(_END_WAIT)

    def requests(self, read: Callable[[bytes], Any]) -> AsyncIterator[Any]:
        """Iterate over the messages of a streamed request as they come, each as *read* reads it."""
        # From now on, not from the first one that is read: the peer is asked for meanwhile.
        self._wanted = True
        return self._messages(read)

    async def _messages(self, read: Callable[[bytes], Any]) -> AsyncIterator[Any]:
        frames = Frames(self._limit, self._encoding)
        while True:
            while (message := frames.take()) is not None:
                yield read(message)
            if self._read_whole:
                break
            frames.feed((await self._next()).get("body", b""))
        frames.finish()

    async def _pieced_together(self, body: bytes) -> bytes:
        """Return the one message that begins with *body*."""
        self._wanted = True
        frames = Frames(self._limit, self._encoding)
        frames.feed(body)
        while (message := frames.take()) is None:
            if self._read_whole:
                frames.finish()
                raise wrong_number("no")
            frames.feed((await self._next()).get("body", b""))
        if not frames.empty:
            raise wrong_number("several")
        self._wanted, self._has_message = False, True
        return message
