"""The rows that have one mark: changed a row at a time, read as bits."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort

import numpy as np

from airegistry.discovery.columns.bitsets import Bits, bits_at

_ALWAYS_FEW = 32
_SPARSE = 256
"""Of more rows than there are in all the rows may be so many times fewer to be listed."""

_MOST_FLIPPED = 512
_SINGLY = 4
_NO_ROWS: set[int] = set()


class RowSet:
    """A set of rows. Few are listed; many have a bit each.

    Setting a bit of an integer copies the integer, so the rows that changed are noted and taken in when somebody looks.
    """

    __slots__ = ("_bits", "_count", "_few", "_flipped")

    def __init__(self) -> None:
        self._count = 0
        self._few: array[int] | None = array("I")
        self._bits: Bits = 0
        # Nobody has flips while rows are listed, and an empty set is larger than all the rest.
        self._flipped: set[int] = _NO_ROWS

    def __len__(self) -> int:
        return self._count

    def add(self, row: int) -> None:
        """Take in a row that is not there."""
        self._count += 1
        few = self._few
        if few is None:
            self._flip(row)
            return
        insort(few, row)
        if len(few) > _ALWAYS_FEW and len(few) * _SPARSE > few[-1]:
            self._bits, self._few, self._flipped = _bits_of(few), None, set()

    def remove(self, row: int) -> None:
        """Take out a row that is there."""
        self._count -= 1
        if self._few is None:
            self._flip(row)
        else:
            del self._few[bisect_left(self._few, row)]

    def bits(self) -> Bits:
        """Return the rows."""
        if self._few is not None:
            return _bits_of(self._few)
        self.settle()
        return self._bits

    def settle(self) -> None:
        """Take in the rows that changed."""
        if self._flipped:
            self._bits ^= _bits_of(self._flipped)
            self._flipped.clear()

    def _flip(self, row: int) -> None:
        flipped = self._flipped
        if row in flipped:
            flipped.remove(row)
            return
        flipped.add(row)
        if len(flipped) > _MOST_FLIPPED:
            self.settle()


def _bits_of(rows: array[int] | set[int]) -> Bits:
    if len(rows) > _SINGLY:
        return bits_at(np.fromiter(rows, np.intp, len(rows)))
    bits = 0
    for row in rows:
        bits |= 1 << row
    return bits
