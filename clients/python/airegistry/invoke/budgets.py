"""How much time a call has left, and each phase of it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

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

    @asynccontextmanager
    async def within(self, seconds: float, lapse: str) -> AsyncIterator[None]:
        """Bound a wait by *seconds* and by what is left of the call.

        Raises ProviderTimeoutError with the words of *lapse* when the wait took too long, DeadlineExceededError when the
        call did.
        """
        left = self.left
        if left <= 0:
            raise self.spent()
        try:
            async with asyncio.timeout(min(seconds, left)):
                yield
        except TimeoutError:
            if left <= seconds:
                raise self.spent() from None
            raise ProviderTimeoutError(lapse) from None

    def spent(self) -> DeadlineExceededError:
        """Return the error that says whose time ran out."""
        return DeadlineExceededError(self._lapse)
