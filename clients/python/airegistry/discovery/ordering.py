"""Rows from the best to the worst, kept in step with totals that change one by one."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]
Totals = NDArray[np.float64]

_LEAST_STRAYS = 64
_STRAYS = 128
"""Of so many times fewer rows than there are the totals may have changed before they are sorted in."""

_FIRST_STRIDE = 128


class Ordering:
    """Rows by their totals, ties by name: the best of any selection are the first selected ones.

    Rows whose totals changed stay where they are and are passed over: they stray. They have an order of their own, of which only
    those matter that are as good as the last one found. When there are too many of them they are merged in, which is a
    pass over all rows, but no sorting.
    """

    def __init__(self, rows: Rows, totals: Totals, name_numbers: NDArray[np.int64]) -> None:
        self._order = _sorted(rows, -totals, name_numbers)
        self._keys = np.sort(-totals)
        self._bound = max(_LEAST_STRAYS, len(rows) // _STRAYS)
        self._strays: dict[int, float] = {}
        # By key alone: of equal ones, the numbers of the names decide, which may change meanwhile.
        self._sorted_strays: list[tuple[float, int]] = []

    def move(self, changed: Iterable[tuple[int, float]], name_numbers: NDArray[np.int64]) -> None:
        """Give rows that changed or are new their totals; a row that is there no more has NaN."""
        for row, total in changed:
            before = self._strays.get(row, math.nan)
            if before == before:  # noqa: PLR0124 - NaN is not; a call to tell takes as long as all the rest
                del self._sorted_strays[bisect_left(self._sorted_strays, (before, row))]
            self._strays[row] = -total
            if total == total:  # noqa: PLR0124 - the same
                insort(self._sorted_strays, (-total, row))
        # Not before: among rows of equal totals, those that changed may stand where their names do not belong any more.
        if len(self._strays) > self._bound:
            self._merge(name_numbers)

    def best(self, mask: NDArray[np.bool_], limit: int, name_numbers: NDArray[np.int64]) -> list[int]:
        """Return the best of the rows at which a mask is true."""
        places = self._walk(mask, limit)
        rows: list[int] = self._order[places].tolist()
        last = float(self._keys[places[-1]]) if len(places) == limit else math.inf
        near = []
        for key, row in self._sorted_strays:
            if key > last:
                break
            if mask[row]:
                near.append((key, int(name_numbers[row]), row))
        if not near:
            return rows
        own = zip(self._keys[places].tolist(), name_numbers[rows].tolist(), rows, strict=True)
        return [row for _, _, row in sorted((*own, *near))[:limit]]

    def _walk(self, mask: NDArray[np.bool_], limit: int) -> list[int]:
        """Return where in the order the first rows in a mask are, but for those that stray."""
        order, strays, found = self._order, self._strays, list[int]()
        start, stride = 0, _FIRST_STRIDE
        while start < len(order):
            rows = order[start : start + stride]
            hits = mask[rows].nonzero()[0]
            for place, row in zip(hits.tolist(), rows[hits].tolist(), strict=True):
                if row not in strays:
                    found.append(place + start)
                    if len(found) == limit:
                        return found
            start, stride = start + stride, stride * 4
        return found

    def _merge(self, name_numbers: NDArray[np.int64]) -> None:
        strays, keys = np.array(list(self._strays)), np.array(list(self._strays.values()))
        stale = np.zeros(len(name_numbers), np.bool_)
        stale[strays] = True
        kept = ~stale[self._order]
        order, old_keys = self._order[kept], self._keys[kept]
        there = ~np.isnan(keys)
        strays, keys = strays[there], keys[there]
        ranks = np.lexsort((name_numbers[strays], keys))
        strays, keys = strays[ranks], keys[ranks]
        places = np.searchsorted(old_keys, keys)
        for at in (np.searchsorted(old_keys, keys, "right") > places).nonzero()[0].tolist():
            end = int(np.searchsorted(old_keys, keys[at], "right"))
            number = name_numbers[strays[at]]
            places[at] = bisect_left(order, number, int(places[at]), end, key=name_numbers.__getitem__)
        self._order, self._keys = np.insert(order, places, strays), np.insert(old_keys, places, keys)
        self._strays.clear()
        self._sorted_strays.clear()


def _sorted(rows: Rows, keys: Totals, name_numbers: NDArray[np.int64]) -> Rows:
    """Return rows by their keys, ties by name; sorting by both at once takes three times as long."""
    by_key = np.argsort(keys)
    order, sorted_keys = rows[by_key], keys[by_key]
    same = sorted_keys[1:] == sorted_keys[:-1]
    tied = np.zeros(len(order), np.bool_)
    tied[1:] |= same
    tied[:-1] |= same
    equal = order[tied]
    if equal.size:
        order[tied] = equal[np.lexsort((name_numbers[equal], sorted_keys[tied]))]
    return order
