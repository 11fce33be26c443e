"""What a server says of one request: what comes of it, and that its peer left."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import MutableMapping
from typing import Any

from airegistry._rpc.carrier import Receive

Event = MutableMapping[str, Any]


class Inbox(ABC):
    """Asks the server for what comes, one event at a time, and only when somebody wants it.

    The futures of pyvoy must not be cancelled: it sets their results later, and the loop would log that. So whoever may be
    cancelled waits for futures of our own.
    """

    # Of the class until they change: most requests need none of them.
    asked_at = 0.0
    # Whether what still comes of the request is wanted.
    _wanted = True
    # Whether more of the request may come.
    _more = True
    _event: Event | None = None
    _pull: asyncio.Future[Event] | None = None
    _reader: asyncio.Future[None] | None = None
    _rest: asyncio.Future[None] | None = None

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    @abstractmethod
    def peer_left(self) -> None:
        """Do what there is to do when the peer is gone."""

    def ask(self) -> None:
        """Find out whether the peer is still there.

        What comes instead is kept, and nothing more is asked for until it is read.
        """
        if self._pull is None and self._event is None:
            self._ask()

    def let_go(self) -> None:
        """Want nothing more."""
        # A future of the server's own ends with its stream.
        if isinstance(self._pull, asyncio.Task):
            self._pull.cancel()

    @property
    def _read_whole(self) -> bool:
        """Whether the whole request was read."""
        return not self._more and self._event is None

    async def _pass_over_rest(self, seconds: float) -> None:
        """Take what still comes of a request that is not wanted any more, until its end, or for so long."""
        loop = asyncio.get_running_loop()
        self._rest = rest = loop.create_future()
        timer = loop.call_later(seconds, _complete, rest)
        if self._pull is None:
            self._ask()
        try:
            await rest
        finally:
            timer.cancel()

    async def _next(self) -> Event:
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
        return event

    def _ask(self) -> None:
        event = self._receive()
        pull = self._pull = event if isinstance(event, asyncio.Future) else asyncio.ensure_future(event)
        pull.add_done_callback(self._arrived)

    def _arrived(self, pull: asyncio.Future[Event]) -> None:
        self._pull = None
        if pull.cancelled():
            return
        if pull.exception() is not None or (event := pull.result())["type"] == "http.disconnect":
            self._more = False
            self.peer_left()
        elif self._more:
            self._more = event.get("more_body", False)
            if self._wanted:
                self._deliver(event)
        if self._rest is not None:
            self._go_on_with(self._rest)

    def _go_on_with(self, rest: asyncio.Future[None]) -> None:
        if not self._more:
            _complete(rest)
        elif not rest.done():
            self._ask()

    def _deliver(self, event: Event) -> None:
        self._event = event
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def _complete(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
