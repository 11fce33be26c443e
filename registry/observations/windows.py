"""The windows over which is told what was measured: they end now, and move on by slots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from airegistry.observations.performance import Performance, WindowStats
from registry.observations.codes import Ints
from registry.observations.counts import Counts
from registry.observations.delta import SLOT, Delta, Target, renumber
from registry.observations.loads import Loads
from registry.observations.stats import window_stats

SHAPES = ((60, 10), (300, 30), (1_800, 180), (86_400, 7_200))
"""How long each window and its slots are, in seconds."""
MINUTES_BACK, HOURS_BACK = 1_800 + 180, 86_400 + 7_200
"""How far back the rollups go that a window is made of after a start, in seconds."""
FROM_EPOCHS, FROM_MINUTES, FROM_HOURS = (0, 1), (2,), (3,)
"""Which windows are made of what: epochs that are in a rollup count in the others by that."""
_MICROS = 1_000_000
_NO_NUMBER = -1
_NOBODY: Ints = np.empty(0, np.int64)


@dataclass(slots=True)
class Window:
    """Counters of the slots that lie in one window, and their sum, which is exact: what leaves is taken away again."""

    length: int
    width: int
    first: int = 0
    slots: dict[int, Counts] = field(default_factory=dict)
    total: Counts = field(default_factory=Counts.empty)

    def advance(self, time: float) -> Ints:
        """Let the window end at *time*; return the numbers of the targets of which something left it."""
        self.first = self.first_at(time)
        gone = [slot for slot in self.slots if slot < self.first]
        left = _NOBODY
        for slot in gone:
            counts = self.slots.pop(slot)
            self.total.take_away(counts)
            left = np.union1d(left, counts.numbers())
        if not self.slots:
            self.total = Counts.empty()
        return left

    def add(self, slot: int, counts: Counts) -> None:
        """Add what ended in the *slot* of SLOT seconds, unless that is before the window."""
        own = slot * SLOT // self.width
        if own >= self.first:
            self.slots.setdefault(own, Counts.empty()).add(counts)
            self.total.add(counts)

    def first_at(self, time: float) -> int:
        """Return the first slot that lies in the window when it ends at *time*."""
        return int(time // self.width) - self.length // self.width + 1

    def forget(self, numbers: Ints) -> None:
        """Drop what is counted of some targets."""
        for counts in (self.total, *self.slots.values()):
            counts.forget(numbers)


class Windows:
    """What is known of every target as of one observation epoch. It follows from the deltas up to that epoch alone.

    Synchronous: it runs between awaits.
    """

    def __init__(self) -> None:
        self.begin(0, 0.0)

    def begin(self, epoch: int, time: float) -> None:
        """Forget everything; `fill` what was measured before *epoch*, which was at *time*."""
        self.epoch, self.time = epoch, time
        self._windows = tuple(Window(*shape) for shape in SHAPES)
        self._numbers: dict[Target, int] = {}
        self._targets: dict[int, Target] = {}
        # Microseconds since 1970.
        self._last: dict[int, int] = {}
        self._next = 0
        self._loads = Loads()
        for window in self._windows:
            window.advance(time)

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, target: Target) -> bool:
        return target in self._numbers

    @property
    def entries(self) -> int:
        """How many counters are held."""
        return sum(len(window.total) + sum(map(len, window.slots.values())) for window in self._windows)

    def fill(self, delta: Delta, which: Iterable[int]) -> None:
        """Add what was measured before to some of the windows."""
        self._add(delta, [self._windows[index] for index in which])

    def apply(self, epoch: int, time: float, delta: Delta) -> set[Target]:
        """Go on to the next epoch; return the targets of which something changed."""
        left = [window.advance(time) for window in self._windows]
        self.epoch, self.time = epoch, time
        silent = self._loads.advance(time)
        self._add(delta, self._windows)
        numbers = np.unique(np.concatenate(left)).tolist()
        return {self._targets[number] for number in numbers} | silent | set(delta.targets) | set(delta.loads)

    def due(self, time: float) -> bool:
        """Say whether something would leave a window, or a load end, by *time*."""
        return self._loads.due(time) or any(
            slot < window.first_at(time) for window in self._windows for slot in window.slots
        )

    def performance(self, target: Target) -> Performance:
        """Return what was measured of *target*."""
        (performance,) = self.performances((target,))
        return performance

    def performances(self, targets: Sequence[Target]) -> list[Performance]:
        """Return what was measured of each of *targets*, in their order."""
        time = datetime.fromtimestamp(self.time, UTC)
        # No key has a negative number.
        numbers = [self._numbers.get(target, _NO_NUMBER) for target in targets]
        told: list[list[WindowStats]] = [[] for _ in targets]
        lasts = [self._last_time(number) for number in numbers]
        for window in self._windows:
            counted = window.total.of_targets(np.array(numbers, np.int64))
            for (codes, counts), last, stats in zip(counted, lasts, told, strict=True):
                if codes and (found := window_stats(window.length, codes, counts, last)) is not None:
                    stats.append(found)
        return [
            Performance(target.name, tuple(stats), time, self.epoch, *self._load(target))
            for target, stats in zip(targets, told, strict=True)
        ]

    def load_known(self, target: Target) -> bool:
        """Say whether the holder of *target* said lately how busy it is, or that it says nothing of it any more."""
        return target in self._loads

    def known(self) -> tuple[Target, ...]:
        """Return the targets of which something may be known."""
        return tuple(self._numbers)

    def forget(self, targets: Iterable[Target]) -> None:
        """Drop what is known of some targets."""
        numbers = [self._numbers.pop(target) for target in targets if target in self._numbers]
        for number in numbers:
            self._last.pop(number, None)
            self._loads.forget((self._targets[number],))
            del self._targets[number]
        if numbers:
            for window in self._windows:
                window.forget(np.array(numbers, np.int64))

    def idle(self) -> set[Target]:
        """Return the targets of which nothing is known any more."""
        busy = {number for window in self._windows for number in window.total.numbers().tolist()}
        return {target for target, number in self._numbers.items() if number not in busy and target not in self._loads}

    def _load(self, target: Target) -> tuple[float | None, datetime | None]:
        load = self._loads.get(target)
        if load is None or load.value is None:
            return None, None
        return load.value, _time_of(load.time)

    def _last_time(self, number: int) -> datetime | None:
        """Return when the last attempt of all ended; it is in every window that has any."""
        last = self._last.get(number)
        return None if last is None else _time_of(last)

    def _add(self, delta: Delta, windows: Iterable[Window]) -> None:
        self._loads.add(delta.loads, self.time)
        for target in delta.loads:
            self._number(target)
        numbers = np.array([self._number(target) for target in delta.targets], np.int64)
        for number, time in zip(numbers.tolist(), delta.last, strict=True):
            self._last[number] = max(time, self._last.get(number, time))
        for slot, counts in delta.cells.items():
            numbered = renumber(counts, numbers)
            for window in windows:
                window.add(slot, numbered)

    def _number(self, target: Target) -> int:
        number = self._numbers.get(target)
        if number is None:
            # Never one that was used before: what is left of that target somewhere must not become this one's.
            number = self._numbers[target] = self._next
            self._targets[number] = target
            self._next += 1
        return number


def _time_of(moment: int) -> datetime:
    seconds, micros = divmod(moment, _MICROS)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)
