"""How late this process is with what it has to do."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

_BEAT = 0.1
_BEATS = 5


class LoopLag:
    """Asks the event loop for a beat ten times a second, and notes how late each one comes.

    It is `strained` when the last five were all later than *bound* seconds: a single long step is no overload.
    """

    def __init__(self, bound: float) -> None:
        self._bound = bound
        self._late: deque[float] = deque(maxlen=_BEATS)
        self.seconds = 0.0
        """The least of the last lags."""
        self._handle: asyncio.TimerHandle | None = None

    @property
    def strained(self) -> bool:
        """Whether the process has more to do than it can."""
        return self.seconds > self._bound

    def note(self, late: float) -> None:
        """Take in how late a beat came."""
        self._late.append(late)
        if len(self._late) == _BEATS:
            self.seconds = min(self._late)

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure for the length of the block."""
        self._schedule(asyncio.get_running_loop())
        try:
            yield
        finally:
            if self._handle is not None:
                self._handle.cancel()

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + _BEAT
        self._handle = loop.call_at(due, self._beat, loop, due)

    def _beat(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self.note(max(0.0, loop.time() - due))
        self._schedule(loop)
