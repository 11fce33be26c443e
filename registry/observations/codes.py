"""What is counted of a target, as numbers: each code is one counter.

A distribution is a run of counters, one for each bin. There are 18 bins between a value and its double, all about as wide
for their size. Which one a value is in is read out of its bits, without a logarithm: the exponent, and the first ten bits of
the mantissa by a table. What is told of a bin is within 2 % of everything in it. Counters are whole numbers, so what is
counted apart and added in any order is equal.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

ATTEMPTS, CANCELED, COSTED, TOKENS = 0, 1, 2, 3
COST_LOW, COST_HIGH = 4, 5
"""A cost is counted in two parts, the bits below and from COST_SHIFT, so that no sum of them overflows."""
COST_SHIFT = 32
ERRORS = 32
"""The first of the counters of errors; its number is the class, and 0 is that nobody said."""
MAX_ERROR_CLASS = 63

PER_DOUBLING = 18
BINS = 40 * PER_DOUBLING
FIRST_TOKEN, DURATION, SPEED = 128, 128 + BINS, 128 + 2 * BINS
"""The first bins of the three distributions."""
CODE_BITS = 12
CODES = 1 << CODE_BITS

_MANTISSA_BITS = 10
_PARTS = 1 << _MANTISSA_BITS
LEAST, MOST = 2.0**-20, 2.0**20 * (1 - 1 / (2 * _PARTS))
"""What a distribution tells apart; what is less or more counts as these."""

_SHIFT = 52 - _MANTISSA_BITS
_FIRST = int(np.float64(LEAST).view(np.int64)) >> 52


def _edge(place: int) -> int:
    """Return where a bin begins, in parts of the value that is doubled: whole numbers, so that it is exact everywhere."""
    return next(part for part in range(_PARTS, 2 * _PARTS + 1) if part**PER_DOUBLING >= _PARTS**PER_DOUBLING << place)


_EDGES = [_edge(place) for place in range(PER_DOUBLING + 1)]
_PLACES: Ints = np.repeat(np.arange(PER_DOUBLING), np.diff(_EDGES)).astype(np.int64)


def bins_of(values: Floats) -> Ints:
    """Return the bin of each value."""
    kept: Floats = np.clip(values, LEAST, MOST)
    bits = kept.view(np.int64) >> _SHIFT
    bins: Ints = ((bits >> _MANTISSA_BITS) - _FIRST) * PER_DOUBLING + _PLACES[bits & (_PARTS - 1)]
    return bins


def value_of(bin_: int) -> float:
    """Return what is told of the values in a bin: as far from its ends as can be, for their size."""
    doublings, place = divmod(bin_, PER_DOUBLING)
    start, end = _EDGES[place] / _PARTS, _EDGES[place + 1] / _PARTS
    return float(LEAST * 2**doublings * (2 * start * end / (start + end)))


VALUES: tuple[float, ...] = tuple(value_of(bin_) for bin_ in range(BINS))
"""What is told of every bin."""
