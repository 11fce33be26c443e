"""When facts change by themselves: prices that begin or end, models that are deprecated or retired."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from airegistry.resources.model import Lifecycle, LifecycleStage
from airegistry.resources.prices import DailyWindow, PriceList


def stage_at(lifecycle: Lifecycle | None, at: datetime) -> LifecycleStage:
    """Return the stage of life at a time: the declared one, or a later one whose time has come."""
    if lifecycle is None:
        return LifecycleStage.ACTIVE
    stage = lifecycle.stage or LifecycleStage.ACTIVE
    if _reached(lifecycle.retire_time, at):
        return LifecycleStage.RETIRED
    if _reached(lifecycle.deprecate_time, at):
        return max(stage, LifecycleStage.DEPRECATED)
    return stage


def next_change(prices: PriceList | None, lifecycle: Lifecycle | None, after: datetime) -> datetime | None:
    """Return the first time after *after* at which what holds may be something else; None when it holds for good."""
    times = [*_price_times(prices, after), *_lifecycle_times(lifecycle)]
    return min((time for time in times if time > after), default=None)


def _reached(time: datetime | None, at: datetime) -> bool:
    return time is not None and time <= at


def _lifecycle_times(lifecycle: Lifecycle | None) -> Iterator[datetime]:
    for time in (lifecycle.deprecate_time, lifecycle.retire_time) if lifecycle else ():
        if time is not None:
            yield time


def _price_times(prices: PriceList | None, after: datetime) -> Iterator[datetime]:
    for schedule in prices.schedules if prices else ():
        for time in (schedule.start_time, schedule.end_time):
            if time is not None:
                yield time
        if schedule.daily_window is not None:
            yield from _window_times(schedule.daily_window, after)


def _window_times(window: DailyWindow, after: datetime) -> Iterator[datetime]:
    midnight = after.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for second in (window.start_second, window.end_second):
        today = midnight + timedelta(seconds=second)
        yield today
        yield today + timedelta(days=1)
