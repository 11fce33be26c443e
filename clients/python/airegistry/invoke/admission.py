"""How many calls run at once, how many may wait, and what is said to the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from airegistry.errors import OverloadedError
from airegistry.invoke.budgets import Budget

_RETRY_AFTER = 1.0


class Admission:
    """Room for *limit* calls, and a queue for it in order of arrival.

    At most *queue_length* calls wait in it, each for at most *longest* seconds.
    """

    def __init__(self, limit: int, queue_length: int, longest: float) -> None:
        self._room = asyncio.Semaphore(limit)
        self._queue_length = queue_length
        self._longest = longest
        self.waiting = 0
        self.running = 0

    @asynccontextmanager
    async def slot(self, budget: Budget) -> AsyncIterator[None]:
        """Lend the room for one call.

        Raises OverloadedError at once when the queue is full too, or when the call waited too long; DeadlineExceededError
        when the caller's time ran out before that.
        """
        if self._room.locked():
            await self._queue(budget)
        else:
            await self._room.acquire()
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._room.release()

    async def _queue(self, budget: Budget) -> None:
        if self.waiting >= self._queue_length:
            raise self._full()
        left = budget.left
        self.waiting += 1
        try:
            async with asyncio.timeout(min(left, self._longest)):
                await self._room.acquire()
        except TimeoutError:
            raise (budget.spent() if left <= self._longest else self._full()) from None
        finally:
            self.waiting -= 1

    def _full(self) -> OverloadedError:
        return OverloadedError(
            f"{self.running} calls run and {self.waiting} wait; no more are taken", retry_after=_RETRY_AFTER
        )
