"""What was noted, on its way to the registry: what waits, and the batches that were not answered yet."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from airegistry.invocations.invocation import Attempt
from airegistry.invoke.observer import Circumstances

MAX_BATCH = 2_000
"""Observations in one batch, the registry's bound."""

MAX_UNDER_WAY = 8
"""Batches that may wait for an answer at once."""

MAX_APART = 64
"""So far may their numbers be apart, the registry's bound: it remembers no more of them."""

Note = tuple[Attempt, Circumstances, datetime]
"""An attempt and when it ended. What that says is worked out in the background: an attempt costs its call a microsecond."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is sent until it is answered, always the same."""

    number: int
    notes: tuple[Note, ...]
    dropped_count: int


class Backlog:
    """At most *kept* notes. No I/O and no clock.

    When there are more, the oldest of those that wait are dropped, and counted. What is in a batch is kept: it may have been
    counted by the registry already, so that nobody could say whether it was lost.
    """

    def __init__(self, kept: int) -> None:
        self.dropped = 0
        self._kept = kept
        self._waiting: deque[Note] = deque()
        self._under_way: dict[int, Batch] = {}
        self._sent = 0
        self._number = 0
        self._untold = 0

    def __len__(self) -> int:
        return len(self._waiting) + self._sent

    @property
    def waiting(self) -> int:
        """How many are in no batch yet."""
        return len(self._waiting)

    def add(self, note: Note) -> None:
        """Keep one more; drop the oldest when that is too many."""
        self._waiting.append(note)
        if len(self._waiting) + self._sent > self._kept:
            self._waiting.popleft()
            self._drop(1)

    def next(self) -> Batch | None:
        """Return the next batch to send; None when nothing waits, or too many batches have no answer."""
        if not self._waiting or len(self._under_way) >= MAX_UNDER_WAY:
            return None
        if self._under_way and self._number + 1 - next(iter(self._under_way)) >= MAX_APART:
            return None
        self._number += 1
        count = min(len(self._waiting), MAX_BATCH)
        batch = Batch(self._number, tuple(self._waiting.popleft() for _ in range(count)), self._untold)
        self._untold = 0
        self._under_way[batch.number] = batch
        self._sent += count
        return batch

    def answered(self, batch: Batch) -> None:
        """Forget a batch that the registry has."""
        del self._under_way[batch.number]
        self._sent -= len(batch.notes)

    def refused(self, batch: Batch) -> None:
        """Give up a batch that the registry will never take; the next one says that it was dropped."""
        self.answered(batch)
        self._untold += batch.dropped_count
        self._drop(len(batch.notes))

    def _drop(self, count: int) -> None:
        self.dropped += count
        self._untold += count
