"""What was measured, by name, for as long as there is somebody of that name."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from airegistry.discovery.evidence.measured import Measured, told_of, windows_of
from airegistry.observations.performance import Performance

MOST_EARLY = 65_536
"""Of so many names that are not registered (yet) is remembered what was measured; beyond, the oldest is forgotten."""


class Evidence:
    """The latest Performance of each name. What is told of a name before the name is registered waits for it."""

    def __init__(self) -> None:
        self._held: dict[str, Measured] = {}
        self._early: dict[str, Measured] = {}

    def __len__(self) -> int:
        return len(self._held) + len(self._early)

    def get(self, name: str) -> Measured | None:
        """Return what was measured of a registered name."""
        return self._held.get(name)

    def take(self, performance: Performance, *, registered: bool) -> Measured | None:
        """Know what was measured now, and return it; nothing, and no load, is what forgets a name."""
        name, windows, told = performance.name, windows_of(performance), told_of(performance)
        self._early.pop(name, None)
        if not windows and told is None:
            self._held.pop(name, None)
            return None
        measured = Measured.of(windows, told)
        if registered:
            self._held[name] = measured
        else:
            self._early[name] = measured
            if len(self._early) > MOST_EARLY:
                del self._early[next(iter(self._early))]
        return measured

    def arrived(self, name: str) -> None:
        """Note that a name is registered."""
        early = self._early.pop(name, None)
        if early is not None:
            self._held[name] = early

    def left(self, name: str) -> None:
        """Note that a name is registered no more."""
        self._held.pop(name, None)

    def restrict(self, names: Iterable[str]) -> None:
        """Note that these names are registered and no others."""
        there = set(names)
        everything = {**self._held, **self._early}
        self._early = {name: measured for name, measured in self._early.items() if name not in there}
        self._held = {name: measured for name, measured in everything.items() if name in there}

    def clear(self) -> Collection[str]:
        """Forget everything, and return of which registered names something was known."""
        names = tuple(self._held)
        self._held.clear()
        self._early.clear()
        return names
