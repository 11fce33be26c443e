"""The calls that run: when their deadlines come, and whether their peers left."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import Protocol

from airegistry._rpc.asgi.refusing import expired
from airegistry._rpc.deadlines import Deadlines

# How often is looked, in seconds. One timer for all calls: one for each takes a tenth of what a call takes.
_TICK = 0.025
# A peer is asked for at most so often, and so many at a time: 5 µs for each.
_INTERVAL = 0.05
_AT_ONCE = 100


class Watched(Protocol):
    """A call as this module knows it. `deadline` and `asked_at` are monotonic seconds."""

    deadline: float | None
    asked_at: float

    def ask(self) -> None:
        """Find out whether the peer is still there; must not wait."""
        ...

    def end(self, error: Exception) -> None:
        """End the call with *error* now."""
        ...


class Running:
    """The calls that run. Who passes its deadline is ended, within a moment.

    A server like pyvoy tells of a peer that left only when it is asked, so each call is asked in its turn; one that is over
    sooner is never asked. However many there are, asking takes a fiftieth of a core at most: with many thousands of streams
    it is noticed some seconds later that a peer left, or at the next message to it.
    """

    def __init__(self) -> None:
        # In the order in which they were asked, or began.
        self._calls: OrderedDict[Watched, None] = OrderedDict()
        self._deadlines: Deadlines[Watched] = Deadlines(_TICK)
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Watched]:
        return iter(tuple(self._calls))

    def add(self, call: Watched) -> None:
        """Take a call that just began."""
        self._calls[call] = None
        if call.deadline is not None:
            self._deadlines.add(call, call.deadline)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_TICK, self._tick)

    def remove(self, call: Watched) -> None:
        """Forget a call that is over."""
        del self._calls[call]
        if call.deadline is not None:
            self._deadlines.remove(call)

    def _tick(self) -> None:
        self._timer = None
        now = time.monotonic()
        for call in self._deadlines.passed(now):
            call.end(expired())
        self._ask_some(now)
        if self._calls:
            self._timer = asyncio.get_running_loop().call_later(_TICK, self._tick)

    def _ask_some(self, now: float) -> None:
        for _ in range(min(_AT_ONCE, len(self._calls))):
            call = next(iter(self._calls))
            if now - call.asked_at < _INTERVAL:
                return
            call.asked_at = now
            self._calls.move_to_end(call)
            call.ask()
