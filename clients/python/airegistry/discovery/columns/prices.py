"""The prices of all rows for any amount of input: a plane of columns per price tier in use."""

from __future__ import annotations

from bisect import bisect_left, insort

import numpy as np
from numpy.typing import NDArray

from airegistry.discovery.columns.journal import Journal
from airegistry.discovery.rows.rates import Rates

_KINDS = 3
_MOST_PLANES = 8
_NO_TIERS: set[int] = set()


class Plane:
    """Nano-USD per 1,000,000 tokens of input, output and cached input by row, and where they are known."""

    def __init__(self, capacity: int) -> None:
        self.nanos: NDArray[np.int64] = np.zeros((_KINDS, capacity), np.int64)
        self.known: NDArray[np.bool_] = np.zeros((_KINDS, capacity), np.bool_)

    def write(self, row: int, prices: tuple[int | None, ...]) -> None:
        """Set the prices of a row."""
        for kind, nanos in enumerate(prices):
            self.nanos[kind, row] = nanos or 0
            self.known[kind, row] = nanos is not None

    def widened(self, capacity: int) -> Plane:
        """Return a copy with room for that many rows."""
        plane = Plane(capacity)
        plane.nanos[:, : self.nanos.shape[1]] = self.nanos
        plane.known[:, : self.known.shape[1]] = self.known
        return plane


class RateColumns:
    """Prices by row; `task` is what comes on top of the tokens. `journal` says which rows were written.

    Columns are lent: nobody else writes to them.
    """

    def __init__(self, capacity: int) -> None:
        self.task: NDArray[np.int64] = np.zeros(capacity, np.int64)
        # The highest price there ever was: no sum of costs can be larger than it allows.
        self.highest = 0
        self.journal = Journal()
        self._capacity = capacity
        # By the least number of input tokens that a plane is for. 0 is for calls below every tier, and always there.
        self._planes: dict[int, Plane] = {0: Plane(capacity)}
        self._thresholds: list[int] = []
        self._tiered: dict[int, Rates] = {}

    def grow(self, capacity: int) -> None:
        """Make room for that many rows."""
        self.task = np.concatenate([self.task, np.zeros(capacity - self._capacity, np.int64)])
        self._planes = {0: self._planes[0].widened(capacity)}
        self._capacity = capacity

    def write(self, row: int, rates: Rates) -> None:
        """Set the prices of a row."""
        self.task[row] = rates.task
        self._tiered.pop(row, None)
        thresholds = rates.thresholds if rates.tiered else _NO_TIERS
        if thresholds:
            self._tiered[row] = rates
            self._divide(thresholds)
        below = rates.at(0)
        for prices in (below, *(rates.at(threshold + 1) for threshold in thresholds)):
            self.highest = max(self.highest, rates.task, *[nanos or 0 for nanos in prices])
        for start, plane in self._planes.items():
            plane.write(row, rates.at(start) if thresholds else below)
        self.journal.add(row)

    def plane(self, total_input_tokens: int) -> Plane:
        """Return the prices for that much input."""
        below = bisect_left(self._thresholds, total_input_tokens)
        start = self._thresholds[below - 1] + 1 if below else 0
        if start not in self._planes:
            self._add_plane(start)
        return self._planes[start]

    def _add_plane(self, start: int) -> None:
        if len(self._planes) > _MOST_PLANES:
            del self._planes[next(key for key in self._planes if key)]
        plane = self._planes[0].widened(self._capacity)
        for row, rates in self._tiered.items():
            plane.write(row, rates.at(start))
        self._planes[start] = plane

    def _divide(self, thresholds: set[int]) -> None:
        for threshold in thresholds.difference(self._thresholds):
            insort(self._thresholds, threshold)
