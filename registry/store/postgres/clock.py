"""The database's clock, as this process knows it."""

from __future__ import annotations

import time

_OUTDATED = 30.0


class DatabaseClock:
    """What the database's clock shows, at least: an answer is always older than its arrival.

    Between answers the monotonic clock goes on. The least delayed answer of late counts.
    """

    def __init__(self) -> None:
        self._offset = float("-inf")
        self._read_at = 0.0

    def __call__(self) -> float:
        """Return seconds since 1970."""
        return time.monotonic() + self._offset

    def read(self, database: float) -> None:
        """Take in what the database said, on arrival."""
        now = time.monotonic()
        offset = database - now
        if offset > self._offset or now - self._read_at > _OUTDATED:
            self._offset, self._read_at = offset, now
