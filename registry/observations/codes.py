"""What is counted of a target, as numbers: each code is one counter.

A distribution is a run of counters, one for each bin. A bin is the exponent of a float and the first five bits of its
mantissa: 32 bins between a value and its double, cut out of the bits themselves, without a logarithm. The middle of a bin
is within 1/64 of everything in it. Counters are whole numbers, so what is counted apart and added in any order is equal.
"""

from __future__ import annotations

from typing import Any, TypeAlias

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

BINS = 1280
FIRST_TOKEN, DURATION, SPEED = 128, 128 + BINS, 128 + 2 * BINS
"""The first bins of the three distributions."""
CODE_BITS = 12
CODES = 1 << CODE_BITS

LEAST, MOST = 2.0**-20, 2.0**20 * (1 - 2.0**-6)
"""What a distribution tells apart; what is less or more counts as these."""

_SHIFT = 52 - 5
_FIRST = int(np.float64(LEAST).view(np.int64)) >> _SHIFT


def bins_of(values: Floats) -> Ints:
    """Return the bin of each value."""
    kept: Floats = np.clip(values, LEAST, MOST)
    return (kept.view(np.int64) >> _SHIFT) - _FIRST


def value_of(bin_: int) -> float:
    """Return the middle of a bin."""
    edges: Any = (np.array([bin_, bin_ + 1], np.int64) + _FIRST) << _SHIFT
    return float(edges.view(np.float64).sum() / 2)


MIDDLES: tuple[float, ...] = tuple(value_of(bin_) for bin_ in range(BINS))
"""The middle of every bin."""
