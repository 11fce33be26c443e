"""When to look again at what changes with time alone."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

_MOST_STALE = 1024


class Alarms:
    """A moment per name, as any kind of number. Setting one is cheap even where it moves on all the time.

    The heap has an entry at or before the moment of every name: one that comes too early is put back, so a moment that only
    ever moves on is entered once in a while instead of every time.
    """

    def __init__(self) -> None:
        self._moments: dict[str, float] = {}
        self._entered: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def __bool__(self) -> bool:
        return bool(self._heap)

    def rings(self, now: float) -> bool:
        """Say whether there may be names whose moment has come."""
        return bool(self._heap) and self._heap[0][0] <= now

    def set(self, name: str, moment: float | None) -> None:
        """Look at *name* again at a moment; None is never."""
        if moment is None:
            self._moments.pop(name, None)
            return
        self._moments[name] = moment
        entered = self._entered.get(name)
        if entered is None or moment < entered:
            self._enter(name, moment)

    def due(self, now: float) -> Iterator[str]:
        """Yield, and forget, the names whose moment has come; a name may be set again meanwhile."""
        while self._heap and self._heap[0][0] <= now:
            entered, name = heapq.heappop(self._heap)
            # An earlier entry of the name was made, and met, since.
            if self._entered.get(name) != entered:
                continue
            del self._entered[name]
            moment = self._moments.get(name)
            if moment is not None and moment <= now:
                del self._moments[name]
                yield name
            elif moment is not None:
                self._enter(name, moment)

    def _enter(self, name: str, moment: float) -> None:
        self._entered[name] = moment
        heapq.heappush(self._heap, (moment, name))
        if len(self._heap) > _MOST_STALE + 2 * len(self._entered):
            self._heap = sorted((entered, each) for each, entered in self._entered.items())
