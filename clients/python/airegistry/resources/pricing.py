"""Which prices hold for a call, and what an amount of usage costs under them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from airegistry.resources.prices import DailyWindow, Price, PriceBucket, PriceList, PriceSchedule

_MILLION = 1_000_000
_THOUSAND = 1_000

UNITS: Mapping[PriceBucket, int] = {
    bucket: _MILLION for bucket in PriceBucket if bucket.name.endswith(("_TOKENS", "_CHARACTERS"))
} | {
    PriceBucket.REQUESTS: _THOUSAND,
    PriceBucket.WEB_SEARCHES: _THOUSAND,
    PriceBucket.STORAGE_SEARCHES: _THOUSAND,
    PriceBucket.INPUT_TEXT_MESSAGES: _THOUSAND,
    PriceBucket.INPUT_DOCUMENT_PAGES: _THOUSAND,
    PriceBucket.INPUT_ANNOTATED_DOCUMENT_PAGES: _THOUSAND,
    PriceBucket.INPUT_AUDIO_HOURS: 1,
    PriceBucket.AUDIO_HOURS: 1,
    PriceBucket.OUTPUT_IMAGES: 1,
    PriceBucket.AGENT_TASKS: 1,
    PriceBucket.COMPUTE_SECONDS: 1,
}
"""How many of what is counted one price is for."""

PARTS = _MILLION
"""In how many parts of a nano-USD amounts are counted: then each is a whole number, and none is rounded."""

_PARTS_EACH: Mapping[PriceBucket, int] = {bucket: PARTS // unit for bucket, unit in UNITS.items()}


def in_force(prices: PriceList, at: datetime, variant: Mapping[str, str] | None = None) -> Mapping[PriceBucket, Price]:
    """Return the prices that hold at a time for calls with the properties *variant*, by bucket.

    The last schedule whose conditions all hold wins as a whole; empty when none holds.
    """
    schedule = schedule_in_force(prices, at, variant)
    return by_bucket(schedule) if schedule is not None else {}


def schedule_in_force(
    prices: PriceList, at: datetime, variant: Mapping[str, str] | None = None
) -> PriceSchedule | None:
    """Return the schedule by which `in_force` goes; None when none holds."""
    for schedule in reversed(prices.schedules):
        if _holds(schedule, at, variant):
            return schedule
    return None


def by_bucket(schedule: PriceSchedule) -> Mapping[PriceBucket, Price]:
    """Return the prices of a schedule by what they are for."""
    return {price.bucket: price for price in schedule.prices if price.bucket is not None}


def nanos_for(price: Price, total_input_tokens: int) -> int | None:
    """Return the price per unit for a call with that much input, cached input included; None where it is unknown."""
    nanos = price.nanos
    for tier in price.tiers:
        if total_input_tokens > tier.above:
            nanos = tier.nanos
    return nanos


def amount(nanos: int, bucket: PriceBucket, count: int) -> int:
    """Return what *count* of a bucket cost in `PARTS` of a nano-USD, exactly."""
    return nanos * count * _PARTS_EACH[bucket]


def _holds(schedule: PriceSchedule, at: datetime, variant: Mapping[str, str] | None) -> bool:
    if schedule.start_time is not None and at < schedule.start_time:
        return False
    if schedule.end_time is not None and at >= schedule.end_time:
        return False
    if schedule.daily_window is not None and not _within(schedule.daily_window, at.astimezone(UTC)):
        return False
    if not schedule.variant or not variant:
        return not schedule.variant and not variant
    return dict(schedule.variant) == dict(variant)


def _within(window: DailyWindow, at: datetime) -> bool:
    second = at.hour * 3600 + at.minute * 60 + at.second
    if window.start_second < window.end_second:
        return window.start_second <= second < window.end_second
    return second >= window.start_second or second < window.end_second
