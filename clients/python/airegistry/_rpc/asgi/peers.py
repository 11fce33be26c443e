"""The calls that run, and whose peers left: a server like pyvoy tells that only when it is asked."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import Protocol

# How often calls are asked, each at most once in so many seconds, and how many at a time: 5 µs for each.
_TICK = 0.025
_INTERVAL = 0.05
_AT_ONCE = 100


class Asked(Protocol):
    """A call that can be asked."""

    asked_at: float

    def ask(self) -> None:
        """Find out whether the peer is still there; must not wait."""
        ...

    def end(self, error: Exception) -> None:
        """End the call with *error* now."""
        ...


class Running:
    """The calls that run. Each is asked in its turn whether its peer left.

    A call that is over sooner is never asked. However many there are, asking takes a fiftieth of a core at most; the peers
    of many thousands of streams are missed a few seconds later, or at the next message to them.
    """

    def __init__(self) -> None:
        # In the order in which they were asked, or began.
        self._calls: OrderedDict[Asked, None] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Asked]:
        return iter(tuple(self._calls))

    def add(self, call: Asked) -> None:
        """Take a call that just began."""
        self._calls[call] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_TICK, self._tick)

    def remove(self, call: Asked) -> None:
        """Forget a call that is over."""
        del self._calls[call]

    def _tick(self) -> None:
        self._timer = None
        if self._calls:
            self._timer = asyncio.get_running_loop().call_later(_TICK, self._tick)
            self._ask_some()

    def _ask_some(self) -> None:
        now = time.monotonic()
        for _ in range(min(_AT_ONCE, len(self._calls))):
            call = next(iter(self._calls))
            if now - call.asked_at < _INTERVAL:
                return
            call.asked_at = now
            self._calls.move_to_end(call)
            call.ask()
