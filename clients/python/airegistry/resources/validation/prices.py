"""The rules for prices."""

from __future__ import annotations

from airegistry.errors import FieldViolation
from airegistry.resources.prices import DailyWindow, Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.validation.model import check_provenance
from airegistry.resources.validation.rules import Violations, each, whole

_DAY = 86_400


def check_prices(prices: PriceList | None, path: str) -> Violations:
    """Yield what is wrong with a price list."""
    if prices is not None:
        yield from each(prices.schedules, f"{path}.schedules", _check_schedule, most=64)
        yield from check_provenance(prices.provenance, f"{path}.provenance")


def _check_schedule(schedule: PriceSchedule, path: str) -> Violations:
    priced: set[PriceBucket] = set()
    for i, price in enumerate(schedule.prices):
        where = f"{path}.prices[{i}]"
        if price.bucket is None:
            yield FieldViolation(f"{where}.bucket", "is required")
        elif price.bucket in priced:
            yield FieldViolation(f"{where}.bucket", f"{price.bucket.name} has a price already in this schedule")
        else:
            priced.add(price.bucket)
        yield from _check_price(price, where)
    yield from _check_window(schedule.daily_window, f"{path}.daily_window")


def _check_price(price: Price, path: str) -> Violations:
    yield from whole(price.nanos, f"{path}.nanos")
    below = -1
    for i, tier in enumerate(price.tiers):
        where = f"{path}.tiers[{i}]"
        yield from whole(tier.nanos, f"{where}.nanos")
        yield from whole(tier.above, f"{where}.above")
        if 0 <= tier.above <= below:
            yield FieldViolation(f"{where}.above", "must be larger than that of the tier before")
        below = max(below, tier.above)


def _check_window(window: DailyWindow | None, path: str) -> Violations:
    if window is not None:
        yield from whole(window.start_second, f"{path}.start_second", high=_DAY - 1)
        yield from whole(window.end_second, f"{path}.end_second", high=_DAY)
