"""Good and bad outcomes of the last while."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

_SLICES = 10


class Window:
    """Counts over a rolling stretch of time, kept in slices: what is older than the stretch drops out slice by slice."""

    def __init__(self, length: float, now: Callable[[], float]) -> None:
        self._slice_length = length / _SLICES
        self._now = now
        # (number of the slice, outcomes, harmed ones), oldest first.
        self._slices: deque[list[int]] = deque()

    def add(self, *, harmed: bool) -> None:
        """Count one outcome."""
        number = int(self._now() / self._slice_length)
        if not self._slices or self._slices[-1][0] != number:
            self._slices.append([number, 0, 0])
        self._slices[-1][1] += 1
        self._slices[-1][2] += harmed

    def clear(self) -> None:
        """Forget everything."""
        self._slices.clear()

    @property
    def volume(self) -> int:
        """How many outcomes there were."""
        self._drop_old()
        return sum(outcomes for _, outcomes, _ in self._slices)

    @property
    def harmed(self) -> int:
        """How many of them were bad."""
        self._drop_old()
        return sum(harmed for _, _, harmed in self._slices)

    def _drop_old(self) -> None:
        oldest = int(self._now() / self._slice_length) - _SLICES + 1
        while self._slices and self._slices[0][0] < oldest:
            self._slices.popleft()
