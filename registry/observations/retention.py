"""How long what was measured is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from registry.observations.rollups import DAYS, HOURS, MINUTES

FOLD_AFTER = 20.0
"""How old an epoch is, in seconds, when it goes into the rollups."""
KEEP_EPOCHS = 480.0
"""How long the epochs themselves are kept: the windows of 1 and of 5 minutes are made of them."""
KEEP_MARKS = 2 * 86_400.0
"""How long a batch is remembered after it was counted: longer than any observation in it can still count."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long rollups are kept, in seconds. Those that windows are made of after a start are kept in any case."""

    minutes: float = 2 * 86_400.0
    hours: float = 31 * 86_400.0
    days: float = 400 * 86_400.0

    def oldest(self, now: float) -> Oldest:
        """Return what may stay at *now*."""
        return Oldest(
            epochs=now - KEEP_EPOCHS,
            marks=now - KEEP_MARKS,
            rollups={
                MINUTES: int(now - max(self.minutes, 3_600.0)),
                HOURS: int(now - max(self.hours, 2 * 86_400.0)),
                DAYS: int(now - max(self.days, 2 * 86_400.0)),
            },
        )


@dataclass(frozen=True, slots=True)
class Oldest:
    """From when on things are kept, in seconds since 1970: epochs and marks by when they were made, rollups by their start."""

    epochs: float
    marks: float
    rollups: Mapping[int, int]
