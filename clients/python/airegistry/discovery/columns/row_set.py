"""The rows that have one mark: changed a row at a time, read as a mask."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort

import numpy as np

from airegistry.discovery.columns.masks import Mask, mask_at

_ALWAYS_FEW = 32
_SPARSE = 256
"""Of more rows than there are in all the rows may be so many times fewer to be listed."""


class RowSet:
    """A set of rows. Few are listed; many have a bit each."""

    __slots__ = ("_bits", "_count", "_few")

    def __init__(self) -> None:
        self._count = 0
        self._few: array[int] | None = array("I")
        # Of nobody, while rows are listed: an empty one is larger than all the rest.
        self._bits = _NO_BITS

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
            self._bits = bytearray(np.packbits(mask_at(few, few[-1] + 1), bitorder="little").tobytes())
            self._few = None

    def remove(self, row: int) -> None:
        """Take out a row that is there."""
        self._count -= 1
        if self._few is None:
            self._flip(row)
        else:
            del self._few[bisect_left(self._few, row)]

    def mask(self, capacity: int) -> Mask:
        """Return the rows, among as many as a table has room for."""
        if self._few is not None:
            return mask_at(self._few, capacity)
        bits = np.frombuffer(self._bits, np.uint8)
        # Cut or filled up to the capacity.
        return np.unpackbits(bits, count=capacity, bitorder="little").view(np.bool_)

    def has(self, row: int) -> bool:
        """Say whether a row is there."""
        if self._few is not None:
            return row in self._few
        return row >> 3 < len(self._bits) and bool(self._bits[row >> 3] >> (row & 7) & 1)

    def _flip(self, row: int) -> None:
        missing = (row >> 3) + 1 - len(self._bits)
        if missing > 0:
            self._bits.extend(bytes(missing))
        self._bits[row >> 3] ^= 1 << (row & 7)


_NO_BITS = bytearray()
