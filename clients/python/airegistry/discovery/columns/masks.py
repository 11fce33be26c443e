"""Sets of rows as masks: a boolean for every row that a table has room for.

At 10,000 rows to meet with another and to count takes a microsecond, and what is compared or walked along is a mask already.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
"""A set of rows. Rows that are not taken may be in it, where it says who has something *not*. What is lent is not written to."""


def mask_at(rows: Collection[int], capacity: int) -> Mask:
    """Return the rows of some numbers."""
    mask = np.zeros(capacity, np.bool_)
    mask[np.fromiter(rows, np.intp, len(rows))] = True
    return mask


def widened(mask: Mask, capacity: int) -> Mask:
    """Return a set with room for more rows, which are not in it."""
    return mask if len(mask) >= capacity else np.concatenate([mask, np.zeros(capacity - len(mask), np.bool_)])


def count_of(mask: Mask) -> int:
    """Return how many rows there are."""
    return int(np.count_nonzero(mask))


def rows_of(mask: Mask) -> NDArray[np.intp]:
    """Return the numbers of the rows in a set, in ascending order."""
    return mask.nonzero()[0]
