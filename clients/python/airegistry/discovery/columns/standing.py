"""What is usually wanted of everybody and mostly there: kept by who lacks it, so that a filter looks at those alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from airegistry.discovery.columns.masks import Mask
from airegistry.discovery.rows.row import Mark as Kind

WANTED = (Kind.IN_USE, Kind.USABLE, Kind.INVOCABLE, Kind.TAKES_TRAFFIC)
"""In the order in which it is looked for."""

_MANY = 16
"""Where more than one row of so many lacks something, all rows are looked at."""


class Standing:
    """By row the place of what it lacks first of WANTED, or none."""

    def __init__(self, capacity: int) -> None:
        self._lacks: NDArray[np.uint8] = np.full(capacity, len(WANTED), np.uint8)
        self._lacking: set[int] = set()
        self._listed: NDArray[np.intp] | None = None

    def grow(self, capacity: int) -> None:
        """Make room for that many rows."""
        more = np.full(capacity - len(self._lacks), len(WANTED), np.uint8)
        self._lacks = np.concatenate([self._lacks, more])

    def write(self, row: int, has: Sequence[bool]) -> None:
        """Note whether a row has each of WANTED; a row that is free has nothing noted, and lacks nothing."""
        lacks = has.index(False) if False in has else len(WANTED)
        if lacks == self._lacks[row]:
            return
        self._lacks[row] = lacks
        self._listed = None
        (self._lacking.discard if lacks == len(WANTED) else self._lacking.add)(row)

    def cut(self, left: Mask) -> tuple[Mask, list[int]]:
        """Return those of some rows that lack nothing, and how many of them lack first what stands at each place of WANTED."""
        if len(self._lacking) * _MANY > len(left):
            cut = self._lacks[left]
            kept = left & (self._lacks == len(WANTED))
        else:
            if self._listed is None:
                self._listed = np.fromiter(self._lacking, np.intp, len(self._lacking))
            rows = self._listed[left[self._listed]]
            if not rows.size:
                return left, []
            cut, kept = self._lacks[rows], left.copy()
            kept[rows] = False
        return kept, np.bincount(cut, minlength=len(WANTED))[: len(WANTED)].tolist()
