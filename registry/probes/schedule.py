"""Who is due next."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from itertools import count
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_SLACK = 64


class Schedule(Generic[K]):
    """Keys by the time at which each is due. The next one is found without looking at the others."""

    def __init__(self) -> None:
        self._due: dict[K, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, K]] = []
        # Tells equal times apart, so that keys are never compared.
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, key: K) -> bool:
        return key in self._due

    def put(self, key: K, due: float) -> None:
        """Make a key due at a time, and at no other."""
        number = next(self._numbers)
        self._due[key] = (due, number)
        heapq.heappush(self._heap, (due, number, key))
        if len(self._heap) > 2 * len(self._due) + _SLACK:
            self._heap = [(due, number, key) for key, (due, number) in self._due.items()]
            heapq.heapify(self._heap)

    def hasten(self, key: K, due: float) -> None:
        """Make a key due no later than at that time."""
        known = self._due.get(key)
        if known is None or due < known[0]:
            self.put(key, due)

    def drop(self, key: K) -> None:
        """Forget a key."""
        self._due.pop(key, None)

    def next_due(self) -> float | None:
        """Return when the next key is due; None when there is none."""
        while self._heap:
            due, number, key = self._heap[0]
            if self._due.get(key) == (due, number):
                return due
            # What a key was due at before, or one that was dropped.
            heapq.heappop(self._heap)
        return None

    def pop(self, now: float) -> K | None:
        """Take the next key off the schedule if it is due by now."""
        due = self.next_due()
        if due is None or due > now:
            return None
        _, _, key = heapq.heappop(self._heap)
        del self._due[key]
        return key
