"""The clock that leases and timestamps go by."""

from __future__ import annotations

import time

# Goes on while the machine sleeps, which the monotonic clock of Linux does not.
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SteadyClock:
    """The wall clock, read once; from there on the boot clock. Setting the wall clock ends no lease."""

    def __init__(self) -> None:
        self._offset = time.time() - _boot_time()

    def __call__(self) -> float:
        """Return seconds since 1970."""
        return self._offset + _boot_time()


def _boot_time() -> float:
    return time.clock_gettime(_BOOT_CLOCK)
