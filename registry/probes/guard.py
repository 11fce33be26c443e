"""Whether so much is out of reach at once that it must be us."""

from __future__ import annotations

SHARE = 0.5
LEAST = 5
"""When more than this share of the addresses, and at least so many, cannot be connected to at once, it is more likely our
own network that is gone: a laptop without one may hold thousands of endpoints."""

GONE_AFTER = 3
"""Failures in a row after which an address is gone; it says nothing of our network any more."""


class Guard:
    """Addresses (`host:port`) by how often in a row they could not be connected to, as of the last probe of each."""

    def __init__(self) -> None:
        self._streaks: dict[str, int] = {}
        self._failing = 0
        self._gone = 0

    @property
    def active(self) -> bool:
        """Whether what cannot be connected to is not believed to be down."""
        return self._failing >= LEAST and self._failing > (len(self._streaks) - self._gone) * SHARE

    def note(self, address: str, *, connected: bool) -> bool:
        """Take in a result; say whether it is to be believed."""
        streak = self._streaks.get(address, 0)
        if connected:
            self._set(address, 0)
            return True
        self._set(address, max(streak, 1))
        if self.active:
            return False
        self._set(address, min(streak + 1, GONE_AFTER))
        return True

    def presume_gone(self, address: str) -> None:
        """Take an address that nobody here has tried yet for gone: others have found that out."""
        if address not in self._streaks:
            self._set(address, GONE_AFTER)

    def forget(self, address: str) -> None:
        """Leave an address out from now on."""
        if address in self._streaks:
            self._set(address, 0)
            del self._streaks[address]

    def _set(self, address: str, streak: int) -> None:
        before = self._streaks.get(address, 0)
        self._failing += (0 < streak < GONE_AFTER) - (0 < before < GONE_AFTER)
        self._gone += (streak >= GONE_AFTER) - (before >= GONE_AFTER)
        self._streaks[address] = streak
