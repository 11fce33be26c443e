"""The requests being answered: how many there may be, and what ends one early."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from starlette.requests import ClientDisconnect

from demo_backend.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from starlette.types import Receive

T = TypeVar("T")


class Running:
    """Lends places to requests. There is no queue: without a free place a request is refused at once."""

    def __init__(self, limit: int) -> None:
        self.count = 0
        self._limit = limit
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = asyncio.Event()

    @contextmanager
    def lend(self) -> Iterator[None]:
        """Lend a place for the length of one answer."""
        if self._draining:
            raise _shutting_down()
        if self.count >= self._limit:
            message = f"This server answers at most {self._limit} requests at a time. Please retry."
            raise ApiError(429, message, code="rate_limit_exceeded", headers={"Retry-After": "1"})
        self.count += 1
        self._idle.clear()
        try:
            yield
        finally:
            self.count -= 1
            if self.count == 0:
                self._idle.set()

    async def finish(self, receive: Receive, work: Coroutine[None, None, T]) -> T:
        """Run *work*; cancel it at once when its client disconnects (ClientDisconnect) or the server closes (503)."""
        task = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(_disconnected(receive))
        closed = asyncio.ensure_future(self._closed.wait())
        try:
            await asyncio.wait((task, gone, closed), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise ClientDisconnect if gone.done() else _shutting_down()
        finally:
            for each in (task, gone, closed):
                each.cancel()
            await asyncio.gather(task, gone, closed, return_exceptions=True)

    async def drain(self, seconds: float) -> None:
        """Refuse what is new, let what runs finish for at most *seconds*, then end it."""
        self._draining = True
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            self._closed.set()
            await self._idle.wait()


def _shutting_down() -> ApiError:
    return ApiError(503, "The server is shutting down.", headers={"Retry-After": "1"})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
