"""Calls that wait for the time that a provider asked for."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

MOST = 16
"""So many calls wait for one endpoint: what comes back together must not be what it asked to be spared."""

_SPREAD = 0.1
"""By how much of itself a wait is drawn out at most, so that all who wait do not come back at once."""


class Pauses:
    """Lets calls wait, each for at most *longest* seconds, and a few of them for each endpoint."""

    def __init__(self, longest: float, rng: random.Random) -> None:
        self._longest = longest
        self._rng = rng
        self._waiting: Counter[str] = Counter()

    async def waited(self, name: str, seconds: float, *, left: float) -> bool:
        """Wait for an endpoint, and say so; at once False when that is too long, for this or for the time that is *left*."""
        wait = seconds * (1 + _SPREAD * self._rng.random())
        if seconds > self._longest or wait >= left or self._waiting[name] >= MOST:
            return False
        self._waiting[name] += 1
        try:
            await asyncio.sleep(wait)
        finally:
            self._waiting[name] -= 1
            if not self._waiting[name]:
                del self._waiting[name]
        return True
