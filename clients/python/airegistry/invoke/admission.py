"""How many calls run at once, how many may wait, and what is said to the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from airegistry.errors import OverloadedError
from airegistry.invoke.budgets import Budget

_RETRY_AFTER = 1.0
_LONGEST_RETRY_AFTER = 30.0
_WEIGHT = 0.2


class Admission:
    """Room for *limit* calls, and a queue for it in order of arrival.

    At most *queue_length* calls wait in it, each for at most *longest* seconds; one that would not be reached by then, at
    the pace of late, is refused at once. So is every call while the process is *strained*.
    """

    def __init__(
        self, limit: int, queue_length: int, longest: float, *, strained: Callable[[], bool] = lambda: False
    ) -> None:
        self._room = asyncio.Semaphore(limit)
        self._queue_length = queue_length
        self._longest = longest
        self._strained = strained
        self._pace = Pace(longest)
        self.waiting = 0
        self.running = 0

    def slot(self, budget: Budget) -> Slot:
        """Lend the room for one call.

        Raises OverloadedError at once when the queue is full too, or when the call waited too long; DeadlineExceededError
        when the caller's time ran out before that.
        """
        return Slot(self, budget)

    async def enter(self, budget: Budget) -> None:
        """Take the room for one call, as `slot` does; who got it must `leave`."""
        if self._strained():
            raise OverloadedError(
                "this process has more to do than it can; no more calls are taken", retry_after=_RETRY_AFTER
            )
        if self._room.locked():
            await self._queue(budget)
        else:
            await self._room.acquire()
        self.running += 1

    def leave(self) -> None:
        """Give the room of one call back."""
        self.running -= 1
        self._pace.freed(asyncio.get_running_loop().time(), waited_for=self.waiting > 0)
        self._room.release()

    async def _queue(self, budget: Budget) -> None:
        left = budget.left
        expected = self._pace.expected(self.waiting + 1, asyncio.get_running_loop().time())
        if self.waiting >= self._queue_length or expected > min(left, self._longest):
            raise self._full(expected)
        self.waiting += 1
        try:
            async with asyncio.timeout(min(left, self._longest)):
                await self._room.acquire()
        except TimeoutError:
            raise (budget.spent() if left <= self._longest else self._full(expected)) from None
        finally:
            self.waiting -= 1

    def _full(self, expected: float) -> OverloadedError:
        return OverloadedError(
            f"{self.running} calls run and {self.waiting} wait; no more are taken",
            retry_after=min(max(_RETRY_AFTER, expected), _LONGEST_RETRY_AFTER),
        )


class Slot:
    """The room of one call, for the length of a block. A class, as every call enters one."""

    __slots__ = ("_admission", "_budget")

    def __init__(self, admission: Admission, budget: Budget) -> None:
        self._admission = admission
        self._budget = budget

    def __aenter__(self) -> Awaitable[None]:
        return self._admission.enter(self._budget)

    async def __aexit__(self, *_exception: object) -> None:
        self._admission.leave()


class Pace:
    """How quickly room becomes free while somebody waits for it. What is older than *memory* seconds says nothing."""

    def __init__(self, memory: float) -> None:
        self._memory = memory
        self._last: float | None = None
        self._interval: float | None = None

    def freed(self, at: float, *, waited_for: bool) -> None:
        """Note that room became free."""
        if not waited_for:
            self._last = None
            return
        if self._last is not None:
            passed = at - self._last
            self._interval = passed if self._interval is None else self._interval + _WEIGHT * (passed - self._interval)
        self._last = at

    def expected(self, place: int, at: float) -> float:
        """Return how long who has the given place in the queue will most likely wait; 0 when nothing is known."""
        if self._interval is None or self._last is None or at - self._last > self._memory:
            return 0.0
        return place * self._interval
