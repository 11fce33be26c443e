"""Who has something to do at which time, looked at by a clock that ticks: one timer for each of them would take longer."""

from __future__ import annotations

from collections import defaultdict
from typing import Generic, TypeVar

T = TypeVar("T")


class Deadlines(Generic[T]):
    """Keeps each with its deadline, by ticks of so many seconds. Deadlines are seconds, by any clock that goes on."""

    def __init__(self, tick: float) -> None:
        self._tick = tick
        self._ticks: dict[T, int] = {}
        self._due: defaultdict[int, set[T]] = defaultdict(set)
        self._passed = 0

    def __len__(self) -> int:
        return len(self._ticks)

    def add(self, one: T, deadline: float) -> None:
        """Keep one until its deadline. One that is over already passes with the next tick."""
        tick = self._ticks[one] = max(self._after(deadline), self._passed + 1)
        self._due[tick].add(one)

    def remove(self, one: T) -> None:
        """Forget one, which may have passed."""
        tick = self._ticks.pop(one, None)
        if tick is not None:
            self._due[tick].discard(one)
            if not self._due[tick]:
                del self._due[tick]

    def passed(self, now: float) -> list[T]:
        """Take out those whose deadline is over, a tick later at most."""
        tick = self._after(now) - 1
        ticks = range(self._passed + 1, tick + 1)
        # After a while without any there are fewer deadlines than ticks.
        due = ticks if len(ticks) < len(self._due) else sorted(self._due)
        self._passed = max(self._passed, tick)
        passed = [one for at in due if at <= tick for one in self._due.pop(at, ())]
        for one in passed:
            del self._ticks[one]
        return passed

    def _after(self, moment: float) -> int:
        return int(moment / self._tick) + 1
