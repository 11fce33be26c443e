"""The clocks that all parts of a gateway go by."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clocks:
    """`monotonic` measures lengths in seconds, `seconds` tells the time since 1970."""

    monotonic: Callable[[], float] = time.monotonic
    seconds: Callable[[], float] = time.time

    def wall(self) -> datetime:
        """Return the time of day."""
        return datetime.fromtimestamp(self.seconds(), UTC)
