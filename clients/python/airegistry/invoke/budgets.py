"""How much time a call has left, and each phase of it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from types import TracebackType
from typing import NoReturn

from airegistry.errors import DeadlineExceededError, ProviderTimeoutError


class Budget:
    """The time of one call: what the caller has left, and no more than its policy allows. All in seconds."""

    def __init__(self, deadline: float | None, now: Callable[[], float]) -> None:
        self._now = now
        self._started = now()
        self._ends = math.inf if deadline is None else self._started + max(0.0, deadline)
        self._total: float | None = None

    def cap(self, total: float) -> None:
        """Allow *total* seconds from the start at most."""
        if self._started + total < self._ends:
            self._ends = self._started + total
            self._total = total

    @property
    def left(self) -> float:
        """How many seconds are left; never negative."""
        return max(0.0, self._ends - self._now())

    def within(self, seconds: float, lapse: Callable[[], str]) -> Bound:
        """Bound a wait by *seconds* and by what is left of the call, for the length of a block.

        Raises ProviderTimeoutError with the words of *lapse* when the wait took too long, DeadlineExceededError when the
        call did.
        """
        return Bound(self, seconds, lapse)

    def spent(self) -> DeadlineExceededError:
        """Return the error that says whose time ran out."""
        if self._total is None:
            return DeadlineExceededError("the caller's deadline passed")
        return DeadlineExceededError(f"the call took longer than its total timeout of {self._total:g} s")


class Bound:
    """The block of one wait.

    It does what `asyncio.timeout` does, in half the time: every call enters some, a stream one for each of its pieces.
    """

    __slots__ = ("_budget", "_canceled_before", "_lapse", "_left", "_over", "_seconds", "_task", "_timer")

    def __init__(self, budget: Budget, seconds: float, lapse: Callable[[], str]) -> None:
        self._budget = budget
        self._seconds = seconds
        self._lapse = lapse

    def __enter__(self) -> None:
        self._left = self._budget.left
        if self._left <= 0:
            raise self._budget.spent()
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("only a task can be bound in time")
        self._task = task
        self._canceled_before = task.cancelling()
        self._over = False
        self._timer = loop.call_later(min(self._seconds, self._left), self._end)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _frames: TracebackType | None
    ) -> None:
        self._timer.cancel()
        # Who was cancelled by somebody else too, meanwhile, ends as such.
        if self._over and self._task.uncancel() <= self._canceled_before and kind is asyncio.CancelledError:
            self._raise()
        if isinstance(error, TimeoutError):
            self._raise()

    def _end(self) -> None:
        self._over = True
        self._task.cancel()

    def _raise(self) -> NoReturn:
        if self._left <= self._seconds:
            raise self._budget.spent() from None
        raise ProviderTimeoutError(self._lapse()) from None
