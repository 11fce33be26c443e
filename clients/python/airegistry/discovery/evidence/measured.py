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
_MOST = 2**63 - 1
_NOTHING = Quantiles()

MINUTE, FIVE_MINUTES, HALF_HOUR, DAY = (seconds * _SECOND for seconds in (60, 300, 1_800, 86_400))
"""How long the windows are, in microseconds."""

_LENGTHS = (MINUTE, FIVE_MINUTES, HALF_HOUR, DAY)

SAYS_NOTHING = frozenset({
    ErrorClass.INVALID_REQUEST,
    ErrorClass.CONTEXT_LENGTH,
    ErrorClass.CONTENT_FILTER,
    ErrorClass.CREDENTIAL,
    ErrorClass.RATE_LIMITED,
})  # fmt: skip
"""Errors that say nothing of how reliable an endpoint is: they are the caller's, the credential's or the load's."""


class Window(NamedTuple):
    """One window. `last` is when its last attempt ended, in microseconds since 1970; `judged` are the attempts that say whether it works.

    Of each median comes first of how many values it is the median; of none it means nothing.
    """

    length: int
    last: int
    attempts: int
    judged: int
    failed: int
    limited: int
    tokens: int
    first_count: int
    first: float
    speed_count: int
    speed: float
    whole_count: int
    whole: float


_LAYOUT = struct.Struct("<8qdqdqd")


def microseconds(time: datetime) -> int:
    """Return an aware time as microseconds since 1970, exactly."""
    return (time - _EPOCH) // _MICROSECOND


class Measured:
    """The windows of a Performance. A window counts until its last attempt is as old as the window is long."""

    __slots__ = ("_packed",)

    def __init__(self, performance: Performance) -> None:
        self._packed = b"".join(
            _LAYOUT.pack(*window) for stats in performance.windows if (window := _window(stats, performance.time))
        )

    def __bool__(self) -> bool:
        return bool(self._packed)

    def at(self, moment: int) -> list[Window]:
        """Return the windows that still count at a moment, in microseconds since 1970; the shortest first."""
        every = map(Window._make, _LAYOUT.iter_unpack(self._packed))
        return [window for window in every if window.last + window.length > moment]


def _window(stats: WindowStats, end: datetime | None) -> Window | None:
    """Return a window of a length that is known, in which something ended; None for any other."""
    length, last = round((stats.window or 0) * _SECOND), stats.last_time or end
    if length not in _LENGTHS or last is None:
        return None
    errors = {error.error_class: error.count for error in stats.errors}
    unjudged = sum(count for error_class, count in errors.items() if error_class in SAYS_NOTHING)
    return Window(
        length,
        microseconds(last),
        _whole(stats.attempts),
        _whole(stats.attempts - unjudged),
        _whole(sum(errors.values()) - unjudged),
        _whole(errors.get(ErrorClass.RATE_LIMITED, 0)),
        _whole(stats.tokens),
        *_median(stats.time_to_first_token),
        *_median(stats.tokens_per_second),
        *_median(stats.duration),
    )


def _whole(count: int) -> int:
    return min(max(count, 0), _MOST)


def _median(quantiles: Quantiles | None) -> tuple[int, float]:
    """Return of how many values a median is, and the median; what cannot be one was not measured."""
    known = quantiles or _NOTHING
    if not (known.count > 0 and math.isfinite(known.p50) and known.p50 >= 0):
        return 0, 0.0
    return _whole(known.count), known.p50
