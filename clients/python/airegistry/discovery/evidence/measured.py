"""What was measured of one candidate, packed: of a hundred thousand it is kept at once."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import NamedTuple, Self

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


class Told(NamedTuple):
    """How busy a holder said it is, 0 to 1, and when, in microseconds since 1970."""

    load: float
    time: float


# Doubles hold microseconds exactly for another 250 years, and no count is too large for them; most counts need less.
# The four lengths are among the numbers that 32 bits hold exactly, too.
_NARROW, _WIDE = struct.Struct("<fd4IdIdIdId"), struct.Struct("<13d")
_NARROWS = [struct.Struct("<" + "fd4IdIdIdId" * count) for count in range(len(_LENGTHS) + 1)]
_TOLD = struct.Struct("<2d")
_INFINITE = math.inf
_NO_MEDIAN = (0, 0.0)
_NARROW_MARK, _WIDE_MARK = b"n", b"w"


def microseconds(time: datetime) -> int:
    """Return an aware time as microseconds since 1970, exactly."""
    return (time - _EPOCH) // _MICROSECOND


def time_of(moment: float) -> datetime:
    """Return the time of a moment in microseconds since 1970."""
    return _EPOCH + int(moment) * _MICROSECOND


class Measured(bytes):
    """Windows, the shortest first, and the load that was told.

    A window counts until its last attempt is as old as the window is long, a load for five minutes.
    """

    __slots__ = ()

    @classmethod
    def of(cls, windows: Sequence[Window], told: Told | None = None) -> Self:
        """Pack windows, and a load behind them: it is shorter than any window, so its length tells whether there is one."""
        behind = b"" if told is None else _TOLD.pack(*told)
        try:
            return cls(_NARROW_MARK + _NARROWS[len(windows)].pack(*chain.from_iterable(windows)) + behind)
        except (struct.error, IndexError):
            return cls(_WIDE_MARK + b"".join([_WIDE.pack(*window) for window in windows]) + behind)

    def at(self, moment: int) -> list[Window]:
        """Return the windows that still count at a moment, in microseconds since 1970; the shortest first."""
        layout = _NARROW if self[:1] == _NARROW_MARK else _WIDE
        return counting(map(Window._make, layout.iter_unpack(self[1 : len(self) - self._behind()])), moment)

    def told_at(self, moment: int) -> Told | None:
        """Return the load that still counts at a moment, None when there is none."""
        if not self._behind():
            return None
        told = Told._make(_TOLD.unpack_from(self, len(self) - _TOLD.size))
        return told if told.time + FIVE_MINUTES > moment else None

    def _behind(self) -> int:
        """Return how many bytes there are behind the windows."""
        return (len(self) - 1) % (_NARROW.size if self[:1] == _NARROW_MARK else _WIDE.size)


def counting(windows: Iterable[Window], moment: int) -> list[Window]:
    """Return those of the windows that count at a moment, in microseconds since 1970."""
    return [window for window in windows if window[0] + window[1] > moment]


def told_of(performance: Performance) -> Told | None:
    """Return the load that was told; None when none was, or what is no share."""
    load, time = performance.load, performance.load_time
    if load is None or time is None or not 0 <= load <= 1:
        return None
    return Told(load, microseconds(time))


def windows_of(performance: Performance) -> list[Window]:
    """Return the windows of a length that is known in which something ended, the shortest first."""
    windows = []
    time, moment = None, 0
    for stats in performance.windows:
        length, last = _LENGTHS.get(stats.window or 0), stats.last_time or performance.time
        if length is None or last is None:
            continue
        # Mostly the last attempt of one window is that of all.
        if last != time:
            time, moment = last, microseconds(last)
        windows.append(_window(stats, length, moment))
    windows.sort()
    return windows


def _window(stats: WindowStats, length: float, last: float) -> Window:
    attempts = judged = stats.attempts
    failed = limited = 0
    if stats.errors:
        judged, failed, limited = _judged(stats)
    first_count, first = _median(stats.time_to_first_token)
    speed_count, speed = _median(stats.tokens_per_second)
    whole_count, whole = _median(stats.duration)
    seen = (length, last, attempts, judged, failed, limited, stats.tokens)
    # As `Window._make` does, but for looking whether there are enough of them.
    return tuple.__new__(Window, (*seen, first_count, first, speed_count, speed, whole_count, whole))


def _judged(stats: WindowStats) -> tuple[int, int, int]:
    """Return how many attempts say whether it works, how many of them failed, and how many were refused for their rate."""
    silent = failed = limited = 0
    for error in stats.errors:
        kind = error.error_class
        if kind is None or not _SILENT[kind]:
            failed += error.count
            continue
        silent += error.count
        if kind is ErrorClass.RATE_LIMITED:
            limited += error.count
    return max(0, stats.attempts - silent), failed, limited


def _median(quantiles: Quantiles | None) -> tuple[float, float]:
    """Return of how many values a median is, and the median; what cannot be one was not measured."""
    if quantiles is None:
        return _NO_MEDIAN
    count, middle = quantiles.count, quantiles.p50
    return (count, middle) if count > 0 and 0 <= middle < _INFINITE else _NO_MEDIAN
