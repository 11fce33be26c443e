"""Which rows have a value: one column of text facts, such as regions, where a row may have several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from operator import or_

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
"""One boolean per row of a table."""

# A set of row numbers takes about as much memory per row as this many rows of a mask.
_ROWS_PER_SET_ENTRY = 40


class Postings:
    """The rows of each value: a set of row numbers where they are few, a mask where they are many.

    Masks are lent, not given: a caller must not write to one.
    """

    def __init__(self, capacity: int) -> None:
        self._rows: dict[str, set[int] | Mask] = {}
        self._none: Mask = np.zeros(capacity, np.bool_)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def grow(self, capacity: int) -> None:
        """Make room for that many rows."""
        more = capacity - len(self._none)
        self._none = np.zeros(capacity, np.bool_)
        for value, rows in self._rows.items():
            if not isinstance(rows, set):
                self._rows[value] = np.concatenate([rows, np.zeros(more, np.bool_)])

    def add(self, value: str, row: int) -> None:
        """Say that a row has the value."""
        rows = self._rows.get(value)
        if rows is None:
            self._rows[value] = {row}
        elif not isinstance(rows, set):
            rows[row] = True
        else:
            rows.add(row)
            if len(rows) * _ROWS_PER_SET_ENTRY > len(self._none):
                self._rows[value] = self.mask(value)

    def discard(self, value: str, row: int) -> None:
        """Say that a row, which had the value, no longer has it."""
        rows = self._rows[value]
        if isinstance(rows, set):
            rows.discard(row)
            empty = not rows
        else:
            rows[row] = False
            empty = not rows.any()
        if empty:
            del self._rows[value]

    def mask(self, value: str) -> Mask:
        """Return which rows have the value."""
        rows = self._rows.get(value)
        if rows is None:
            return self._none
        if not isinstance(rows, set):
            return rows
        mask = self._none.copy()
        mask[list(rows)] = True
        return mask

    def any_of(self, values: Iterable[str]) -> Mask:
        """Return which rows have one of the values."""
        masks = [self.mask(value) for value in values if value in self._rows]
        return reduce(or_, masks) if masks else self._none
