"""How long to wait before trying again."""

from __future__ import annotations

import random

FIRST = 0.2
MOST = 10.0
# 2 to this power is beyond every limit, and no float overflow.
_MOST_DOUBLINGS = 30


class Backoff:
    """Exponential, with full jitter: callers that failed together do not come back together.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    def __init__(self, *, first: float = FIRST, most: float = MOST, rng: random.Random | None = None) -> None:
        self._first = first
        self._most = most
        self._rng = rng or random.Random()
        self.failures = 0

    def next(self, *, at_least: float | None = None) -> float:
        """Return the seconds to wait after another failure; *at_least* is what the server asked for."""
        limit = min(self._most, self._first * 2 ** min(self.failures, _MOST_DOUBLINGS))
        self.failures += 1
        return max(self._rng.uniform(0, limit), at_least or 0.0)

    def reset(self) -> None:
        """Note that it worked."""
        self.failures = 0
