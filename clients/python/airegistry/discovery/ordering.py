"""Rows from the best to the worst, kept in step with totals that change one by one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

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

    Rows whose totals changed stay where they are and are passed over: they stray. They are looked at apart, until there
    are so many of them that they are merged in, which is a pass over all rows, but no sorting.
    """

    def __init__(self, rows: Rows, totals: Totals, name_numbers: NDArray[np.int64]) -> None:
        self._order = _sorted(rows, -totals, name_numbers)
        self._keys = np.sort(-totals)
        self._bound = max(_LEAST_STRAYS, len(rows) // _STRAYS)
        self._slots: dict[int, int] = {}
        self._strays: Rows = np.zeros(self._bound, np.intp)
        self._stray_keys: Totals = np.zeros(self._bound)

    def move(self, changed: Sequence[tuple[int, float]], name_numbers: NDArray[np.int64]) -> None:
        """Give rows that changed or are new their totals; a row that is there no more has NaN."""
        slots = self._slots
        missing = len(slots) + len(changed) - len(self._strays)
        if missing > 0:
            self._strays = np.concatenate([self._strays, np.zeros(missing, np.intp)])
            self._stray_keys = np.concatenate([self._stray_keys, np.zeros(missing)])
        for row, total in changed:
            slot = slots.setdefault(row, len(slots))
            self._strays[slot], self._stray_keys[slot] = row, -total
        # Not before: among rows of equal totals, those that changed may stand where their names do not belong any more.
        if len(slots) > self._bound:
            self._merge(name_numbers)

    def best(self, mask: NDArray[np.bool_], limit: int, name_numbers: NDArray[np.int64]) -> Rows:
        """Return the best of the rows at which a mask is true; the mask is used up."""
        strays = self._strays[: len(self._slots)]
        hits = mask[strays].nonzero()[0]
        if hits.size:
            mask[strays] = False
        places = self._walk(mask, limit)
        found = self._order[places]
        if not hits.size:
            return found
        keys, own = self._stray_keys[hits], self._keys[places]
        if len(own) == limit:
            near = keys <= own[-1]
            if not near.any():
                return found
            hits, keys = hits[near], keys[near]
        rows = np.concatenate([found, strays[hits]])
        return rows[np.lexsort((name_numbers[rows], np.concatenate([own, keys])))[:limit]]

    def _walk(self, mask: NDArray[np.bool_], limit: int) -> Rows:
        """Return where in the order the first rows in a mask are."""
        order, found = self._order, []
        start, stride = 0, _FIRST_STRIDE
        while limit > 0 and start < len(order):
            places = mask[order[start : start + stride]].nonzero()[0][:limit]
            found.append(places + start if start else places)
            limit -= len(places)
            start, stride = start + stride, stride * 4
        return found[0] if len(found) == 1 else np.concatenate([np.empty(0, np.intp), *found])

    def _merge(self, name_numbers: NDArray[np.int64]) -> None:
        strays, keys = self._strays[: len(self._slots)], self._stray_keys[: len(self._slots)]
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
        self._slots.clear()


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
