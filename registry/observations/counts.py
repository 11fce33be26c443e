"""Counters that are mostly zero: sorted keys and their counts, added and taken away exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from registry.observations.codes import CODE_BITS, CODES, Ints

_NONE: Ints = np.empty(0, np.int64)
# Zeros are swept out when they are more than half, and not for a few.
_FEW_ZEROS = 256


@dataclass(slots=True)
class Counts:
    """Counts by key; a key is the number of a target above the code of what is counted of it.

    `keys` is sorted and has each key once. What is added has no zeros, so that all of it is still there to be taken away;
    what was taken away leaves some.
    """

    keys: Ints
    counts: Ints

    @classmethod
    def empty(cls) -> Self:
        """Return what counts nothing."""
        return cls(_NONE, _NONE)

    @classmethod
    def of(cls, keys: Ints, counts: Ints) -> Self:
        """Return the counts of keys that come in any order and more than once, without those that are zero."""
        if not len(keys):
            return cls.empty()
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        sums = np.add.reduceat(counts[order], first)
        there = sums != 0
        return cls(ordered[first][there], sums[there])

    def __len__(self) -> int:
        return len(self.keys)

    def add(self, other: Counts) -> None:
        """Add *other* to these."""
        if not len(self.keys):
            self.keys, self.counts = other.keys.copy(), other.counts.copy()
            return
        at = np.searchsorted(self.keys, other.keys)
        known = self.keys[np.minimum(at, len(self.keys) - 1)] == other.keys
        self.counts[at[known]] += other.counts[known]
        if not known.all():
            fresh = ~known
            self.keys = np.insert(self.keys, at[fresh], other.keys[fresh])
            self.counts = np.insert(self.counts, at[fresh], other.counts[fresh])

    def take_away(self, other: Counts) -> None:
        """Take *other*, which was added before, out of these."""
        if not len(other.keys):
            return
        self.counts[np.searchsorted(self.keys, other.keys)] -= other.counts
        zeros = len(self.counts) - np.count_nonzero(self.counts)
        if zeros > _FEW_ZEROS and 2 * zeros > len(self.counts):
            self._keep(self.counts != 0)

    def numbers(self) -> Ints:
        """Return the numbers of the targets of which something is counted, in order."""
        found: Ints = np.unique(self.keys[self.counts != 0] >> CODE_BITS)
        return found

    def forget(self, numbers: Ints) -> None:
        """Drop what is counted of some targets."""
        self._keep(~np.isin(self.keys >> CODE_BITS, numbers))

    def of_targets(self, numbers: Ints) -> Iterator[tuple[list[int], list[int]]]:
        """Yield the codes that were counted of each target, in order, and their counts, of which some may be zero."""
        starts = np.searchsorted(self.keys, numbers << CODE_BITS).tolist()
        ends = np.searchsorted(self.keys, (numbers + 1) << CODE_BITS).tolist()
        for start, end in zip(starts, ends, strict=True):
            yield (self.keys[start:end] & (CODES - 1)).tolist(), self.counts[start:end].tolist()

    def _keep(self, which: np.typing.NDArray[np.bool_]) -> None:
        self.keys, self.counts = self.keys[which], self.counts[which]
