"""When facts change by themselves: prices that begin or end, models that are deprecated or retired."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from airegistry.resources.model import Lifecycle, LifecycleStage
from airegistry.resources.prices import DailyWindow, PriceList


def stage_at(lifecycle: Lifecycle | None, at: datetime) -> LifecycleStage:
    """Return the stage of life at a time: the declared one, or a later one whose time has come."""
    if lifecycle is None:
        return LifecycleStage.ACTIVE
    stage = lifecycle.stage or LifecycleStage.ACTIVE
    if lifecycle.retire_time is not None and lifecycle.retire_time <= at:
        return LifecycleStage.RETIRED
    if lifecycle.deprecate_time is not None and lifecycle.deprecate_time <= at:
        return max(stage, LifecycleStage.DEPRECATED)
    return stage


def next_lifecycle_change(lifecycle: Lifecycle | None, after: datetime) -> datetime | None:
    """Return the next time at which the stage of life may change; None when it is for good."""
    return earliest(*_coming(_lifecycle_times(lifecycle), after)) if lifecycle else None


def next_price_change(prices: PriceList | None, after: datetime) -> datetime | None:
    """Return the next time at which other prices may be in force; None when they are for good."""
    return earliest(*_coming(_price_times(prices, after), after)) if prices else None


def earliest(*times: datetime | None) -> datetime | None:
    """Return the first of some times; None is never."""
    return min((time for time in times if time is not None), default=None)


def _coming(times: Iterable[datetime | None], after: datetime) -> Iterator[datetime]:
    return (time for time in times if time is not None and time > after)


def _lifecycle_times(lifecycle: Lifecycle) -> tuple[datetime | None, ...]:
    return lifecycle.deprecate_time, lifecycle.retire_time


def _price_times(prices: PriceList, after: datetime) -> Iterator[datetime | None]:
    for schedule in prices.schedules:
        yield schedule.start_time
        yield schedule.end_time
        if schedule.daily_window is not None:
            yield from _window_times(schedule.daily_window, after)


def _window_times(window: DailyWindow, after: datetime) -> Iterator[datetime]:
    midnight = after.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for second in (window.start_second, window.end_second):
        today = midnight + timedelta(seconds=second)
        yield today
        yield today + timedelta(days=1)
