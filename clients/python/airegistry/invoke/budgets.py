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
        self._lapse = "the caller's deadline passed"

    def cap(self, total: float) -> None:
        """Allow *total* seconds from the start at most."""
        if self._started + total < self._ends:
            self._ends = self._started + total
            self._lapse = f"the call took longer than its total timeout of {total:g} s"

    @property
    def left(self) -> float:
        """How many seconds are left; never negative."""
        return max(0.0, self._ends - self._now())

    def within(self, seconds: float, lapse: str) -> Bound:
        """Bound a wait by *seconds* and by what is left of the call.

        Raises ProviderTimeoutError with the words of *lapse* when the wait took too long, DeadlineExceededError when the
        call did.
        """
        return Bound(self, seconds, lapse)

    def spent(self) -> DeadlineExceededError:
        """Return the error that says whose time ran out."""
        return DeadlineExceededError(self._lapse)


class Bound:
    """The block of one wait. A class, because every call enters a few of them, and a generator takes three times as long."""

    __slots__ = ("_budget", "_lapse", "_left", "_seconds", "_timeout")

    def __init__(self, budget: Budget, seconds: float, lapse: str) -> None:
        self._budget = budget
        self._seconds = seconds
        self._lapse = lapse

    async def __aenter__(self) -> None:
        self._left = self._budget.left
        if self._left <= 0:
            raise self._budget.spent()
        self._timeout = asyncio.timeout(min(self._seconds, self._left))
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, error, frames)
        except TimeoutError:
            self._raise()
        if isinstance(error, TimeoutError):
            self._raise()

    def _raise(self) -> NoReturn:
        if self._left <= self._seconds:
            raise self._budget.spent() from None
        raise ProviderTimeoutError(self._lapse) from None
