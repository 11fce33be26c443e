"""What the probes of this process did, for its metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

OUTCOMES = ("good", "poor", "bad", "unbelieved", "failed")
"""What a probe ends in: a level, a failure that the guard did not believe, or an error of our own."""


class Tally:
    """Counts. `done` is by outcome; the other two are as of now."""

    def __init__(self, by_health: Callable[[], Mapping[str, float]], guarding: Callable[[], bool]) -> None:
        self.done: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
        self.running = 0
        self.by_health = by_health
        self.guarding = guarding
