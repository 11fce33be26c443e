"""What was measured of one candidate, packed: of a hundred thousand it is kept at once."""

from __future__ import annotations

import math
import struct
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from airegistry.observations.performance import Performance, Quantiles, WindowStats
from airegistry.resources.route import ErrorClass

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = 1_000_000

MINUTE, FIVE_MINUTES, HALF_HOUR, DAY = (seconds * _SECOND for seconds in (60, 300, 1_800, 86_400))
"""How long the windows are, in microseconds."""

_LENGTHS = {60.0: MINUTE, 300.0: FIVE_MINUTES, 1_800.0: HALF_HOUR, 86_400.0: DAY}

SAYS_NOTHING = frozenset({
    ErrorClass.INVALID_REQUEST,
    ErrorClass.CONTEXT_LENGTH,
    ErrorClass.CONTENT_FILTER,
    ErrorClass.CREDENTIAL,
    ErrorClass.RATE_LIMITED,
    ErrorClass.TASK_DECLINED,
})  # fmt: skip
"""Errors that say nothing of how reliable an endpoint is: they are the caller's, the task's, the credential's or the load's."""

# By the number of the class, for a set of enums is slow to ask.
_SILENT = [number in SAYS_NOTHING for number in range(max(ErrorClass) + 1)]


class Window(NamedTuple):
    """One window. `last` is when its last attempt ended, in microseconds since 1970; `judged` are the attempts that say whether it works.

    Of each median comes first of how many values it is the median; of none it means nothing.
    """

    length: float
    last: float
    attempts: float
    judged: float
    failed: float
    limited: float
    tokens: float
    first_count: float
    first: float
    speed_count: float
    speed: float
    whole_count: float
    whole: float


# Doubles hold microseconds exactly for another 250 years, and no count is too large for them.
_LAYOUT = struct.Struct("<13d")


def microseconds(time: datetime) -> int:
    """Return an aware time as microseconds since 1970, exactly."""
    return (time - _EPOCH) // _MICROSECOND


def time_of(moment: float) -> datetime:
    """Return the time of a moment in microseconds since 1970."""
    return _EPOCH + int(moment) * _MICROSECOND


class Measured:
    """The windows of a Performance. A window counts until its last attempt is as old as the window is long."""

    __slots__ = ("_packed",)

    def __init__(self, performance: Performance) -> None:
        end = performance.time
        windows = sorted([window for stats in performance.windows if (window := _window(stats, end))])
        self._packed = b"".join([_LAYOUT.pack(*window) for window in windows])

    def __bool__(self) -> bool:
        return bool(self._packed)

    def at(self, moment: int) -> list[Window]:
        """Return the windows that still count at a moment, in microseconds since 1970; the shortest first."""
        return [Window._make(each) for each in _LAYOUT.iter_unpack(self._packed) if each[0] + each[1] > moment]


def _window(stats: WindowStats, end: datetime | None) -> tuple[float, ...] | None:
    """Return the fields of a window of a length that is known, in which something ended; None for any other."""
    length, last = _LENGTHS.get(stats.window or 0), stats.last_time or end
    if length is None or last is None:
        return None
    silent = failed = limited = 0
    for error in stats.errors:
        kind = error.error_class
        if kind is None or not _SILENT[kind]:
            failed += error.count
            continue
        silent += error.count
        if kind is ErrorClass.RATE_LIMITED:
            limited += error.count
    judged = max(0, stats.attempts - silent)
    return (
        *(length, microseconds(last), stats.attempts, judged, failed, limited, stats.tokens),
        *_median(stats.time_to_first_token),
        *_median(stats.tokens_per_second),
        *_median(stats.duration),
    )


def _median(quantiles: Quantiles | None) -> tuple[float, float]:
    """Return of how many values a median is, and the median; what cannot be one was not measured."""
    if quantiles is None or quantiles.count <= 0 or not 0 <= quantiles.p50 < math.inf:
        return 0, 0.0
    return quantiles.count, quantiles.p50
