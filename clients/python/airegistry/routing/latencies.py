"""How long endpoints took of late to begin their answers, as this process measured it."""

from __future__ import annotations

import math
from collections.abc import Callable

ENOUGH = 5
"""So many answers make a measurement."""

_MEMORY = 30.0
"""After this many seconds without an answer the next one counts about two thirds."""

_LEAST = 0.1
"""How much any new answer counts."""

_FORGET = 300.0
_MANY = 4096


class Latencies:
    """A moving average for each endpoint, of streams and of whole answers apart. Newer answers count more."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        # (average, when it was last told, answers); the one told last stands last.
        self._known: dict[tuple[str, bool], tuple[float, float, int]] = {}

    def note(self, name: str, seconds: float, *, stream: bool) -> None:
        """Take in how long one answer of an endpoint took to begin."""
        now = self._now()
        average, at, count = self._known.pop((name, stream), (seconds, now, 0))
        weight = max(1 / (count + 1), _LEAST, 1 - math.exp((at - now) / _MEMORY))
        self._known[name, stream] = (average + weight * (seconds - average), now, count + 1)
        if len(self._known) > _MANY:
            del self._known[next(iter(self._known))]

    def of(self, name: str, *, stream: bool) -> float | None:
        """Return the average in seconds; None while too few answers were measured, or none for some minutes."""
        average, at, count = self._known.get((name, stream), (0.0, -math.inf, 0))
        return average if count >= ENOUGH and self._now() - at <= _FORGET else None
