"""How busy the holders of leases said they are: the latest of each, until its holder was silent for too long."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from registry.observations.delta import SLOT, Load, Target, keep_newest

LONGEST = 300.0
"""A load counts for no longer than this, in seconds, however long its lease lives: epochs are kept for longer."""
_MICROS = 1_000_000


def load_of(value: float | None, time: float, ttl: float) -> Load:
    """Return what was said with a heartbeat at *time*, in seconds, of a lease that lives for *ttl* without another one."""
    return Load(int(time * _MICROS), math.ceil((time + min(ttl, LONGEST)) / SLOT) * SLOT, value)


class Loads:
    """The latest loads as of a time that only moves on. Synchronous: it runs between awaits."""

    def __init__(self) -> None:
        self._known: dict[Target, Load] = {}
        # Some of those that should end then have said something since.
        self._ends: dict[int, set[Target]] = {}

    def __contains__(self, target: Target) -> bool:
        return target in self._known

    def get(self, target: Target) -> Load | None:
        """Return what was said last of *target*, None when that is over."""
        return self._known.get(target)

    def add(self, said: Mapping[Target, Load], time: float) -> None:
        """Take in what was *said*, unless it is over at *time*."""
        fresh = {target: load for target, load in said.items() if load.end > time}
        keep_newest(self._known, fresh)
        for target, load in fresh.items():
            self._ends.setdefault(load.end, set()).add(target)

    def advance(self, time: float) -> set[Target]:
        """Drop what is over at *time*; return whose it was."""
        gone: set[Target] = set()
        for end in [end for end in self._ends if end <= time]:
            gone |= {target for target in self._ends.pop(end) if (load := self._known.get(target)) and load.end <= time}
        self.forget(gone)
        return gone

    def due(self, time: float) -> bool:
        """Say whether something may be over at *time*."""
        return any(end <= time for end in self._ends)

    def forget(self, targets: Iterable[Target]) -> None:
        """Drop what some targets said."""
        for target in targets:
            self._known.pop(target, None)
