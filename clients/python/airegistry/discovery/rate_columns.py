"""The prices of all rows for any amount of input: a plane of columns per price tier in use."""

from __future__ import annotations

from bisect import bisect_left, insort

import numpy as np

from airegistry.discovery.rates import UNPRICED, Nanos, Rates

_PLANES = 8


class RateColumns:
    """Prices by row. A plane holds, in the four rows of `Rates.at`, the prices for one range of input tokens."""

    def __init__(self, capacity: int) -> None:
        # By the least number of input tokens that it is for. 0 is for calls below every tier, and always there.
        self._planes: dict[int, Nanos] = {0: _empty(capacity)}
        self._thresholds: list[int] = []
        self._tiered: dict[int, Rates] = {}

    def grow(self, capacity: int) -> None:
        """Make room for that many rows."""
        base = self._planes[0]
        self._planes = {0: np.concatenate([base, _empty(capacity - base.shape[1])], axis=1)}

    def write(self, row: int, rates: Rates) -> None:
        """Set the prices of a row."""
        self._tiered.pop(row, None)
        if rates.tiered:
            self._tiered[row] = rates
            self._divide(rates)
        for start, plane in self._planes.items():
            plane[:, row] = rates.at(start)

    def plane(self, total_input_tokens: int) -> Nanos:
        """Return the prices for that much input; they are lent, not given."""
        below = bisect_left(self._thresholds, total_input_tokens)
        start = self._thresholds[below - 1] + 1 if below else 0
        if start not in self._planes:
            self._add_plane(start)
        return self._planes[start]

    def _add_plane(self, start: int) -> None:
        if len(self._planes) > _PLANES:
            del self._planes[next(key for key in self._planes if key)]
        plane = self._planes[0].copy()
        for row, rates in self._tiered.items():
            plane[:, row] = rates.at(start)
        self._planes[start] = plane

    def _divide(self, rates: Rates) -> None:
        for price in (rates.input, rates.output, rates.cache_read):
            for tier in price.tiers if price else ():
                place = bisect_left(self._thresholds, tier.above)
                if self._thresholds[place : place + 1] != [tier.above]:
                    insort(self._thresholds, tier.above)


def _empty(capacity: int) -> Nanos:
    return np.repeat(np.array([UNPRICED.at(0)], np.int64).T, capacity, axis=1)
