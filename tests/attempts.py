"""Performances as a registry tells them, from attempts that are written down one by one."""

from bisect import bisect_right
from datetime import timedelta
from typing import NamedTuple

from airegistry.observations.performance import WINDOWS, ErrorCount, Performance, Quantiles, WindowStats
from airegistry.resources.route import ErrorClass


class Attempt(NamedTuple):
    """One attempt: when it ended, how it failed, and the seconds to its first token."""

    time: object
    error: ErrorClass | None
    first: float


def quantiles(values):
    values = sorted(values)
    if not values:
        return None
    middle, last = values[len(values) // 2], values[-1]
    return Quantiles(len(values), middle, last, last)


class Attempts:
    """The attempts of one name, in the order of their times."""

    def __init__(self, name):
        self.name = name
        self.times = []
        self.attempts = []

    def add(self, time, error=None, first=0.5):
        self.times.append(time)
        self.attempts.append(Attempt(time, error, first))

    def performance(self, at):
        windows = [self._window(seconds, at) for seconds in WINDOWS]
        return Performance(self.name, tuple(window for window in windows if window.attempts), at)

    def _window(self, seconds, at):
        inside = self.attempts[bisect_right(self.times, at - timedelta(seconds=seconds)) :]
        failed = [each.error for each in inside if each.error is not None]
        return WindowStats(
            window=seconds,
            attempts=len(inside),
            errors=tuple(ErrorCount(error, failed.count(error)) for error in sorted(set(failed))),
            time_to_first_token=quantiles(each.first for each in inside if each.error is None),
            last_time=inside[-1].time if inside else None,
        )


def measured(name, at, *errors, attempts=0, first=0.5, **facts):
    """Return a performance of so many attempts that ended just now, in all windows; those of *errors* failed."""
    counts = {error: errors.count(error) for error in dict.fromkeys(errors)}
    window = {
        "attempts": attempts,
        "errors": tuple(ErrorCount(error, count) for error, count in counts.items()),
        "time_to_first_token": Quantiles(attempts - len(errors), first) if attempts > len(errors) else None,
        "last_time": at,
    }
    return Performance(name, tuple(WindowStats(seconds, **(window | facts)) for seconds in WINDOWS), at)
