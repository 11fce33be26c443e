from datetime import UTC, datetime, timedelta, timezone

import pytest

from airegistry.resources.prices import DailyWindow, Price, PriceBucket, PriceList, PriceSchedule, PriceTier
from airegistry.resources.pricing import PARTS, UNITS, amount, in_force, nanos_for

INPUT, OUTPUT = PriceBucket.INPUT_TOKENS, PriceBucket.OUTPUT_TOKENS
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def schedule(nanos, **conditions):
    return PriceSchedule((Price(INPUT, nanos),), **conditions)


def price(*schedules, at=NOON, variant=None):
    prices = in_force(PriceList(schedules), at, variant)
    return prices[INPUT].nanos if INPUT in prices else None


def test_every_bucket_has_a_unit():
    assert set(UNITS) == set(PriceBucket)


def test_the_last_schedule_that_holds_wins_as_a_whole():
    first = PriceSchedule((Price(INPUT, 1), Price(OUTPUT, 2)))
    assert dict(in_force(PriceList((first, schedule(3))), NOON)) == {INPUT: Price(INPUT, 3)}


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        pytest.param({}, True, id="always"),
        pytest.param({"start_time": NOON}, True, id="start-is-inclusive"),
        pytest.param({"start_time": NOON + DAY}, False, id="not-yet"),
        pytest.param({"end_time": NOON}, False, id="end-is-exclusive"),
        pytest.param({"end_time": NOON + DAY}, True, id="before-the-end"),
        pytest.param({"daily_window": DailyWindow(43200, 43201)}, True, id="in-the-window"),
        pytest.param({"daily_window": DailyWindow(0, 43200)}, False, id="window-end-is-exclusive"),
        pytest.param({"daily_window": DailyWindow(80_000, 43201)}, True, id="over-midnight"),
        pytest.param({"daily_window": DailyWindow(80_000, 40_000)}, False, id="outside-over-midnight"),
        pytest.param({"variant": {"processing": "batch"}}, False, id="of-a-variant"),
    ],
)
def test_a_schedule_holds_when_all_of_its_conditions_do(conditions, holds):
    assert price(schedule(5, **conditions)) == (5 if holds else None)


def test_a_window_is_in_utc_whatever_the_zone_of_the_time():
    east = NOON.astimezone(timezone(timedelta(hours=9)))
    assert price(schedule(5, daily_window=DailyWindow(43200, 43201)), at=east) == 5


def test_a_variant_has_prices_of_its_own():
    standard, batch = schedule(5), schedule(3, variant={"processing": "batch"})
    assert price(standard, batch) == 5
    assert price(standard, batch, variant={"processing": "batch"}) == 3


@pytest.mark.parametrize(
    ("total", "nanos"),
    [
        pytest.param(0, 100, id="base"),
        pytest.param(200_000, 100, id="at-the-threshold"),
        pytest.param(200_001, 200, id="above-it"),
        pytest.param(2_000_000, 300, id="above-the-next"),
    ],
)
def test_a_tier_holds_from_above_its_threshold_on(total, nanos):
    assert nanos_for(Price(INPUT, 100, (PriceTier(200_000, 200), PriceTier(1_000_000, 300))), total) == nanos


def test_a_price_without_an_amount_is_unknown_and_zero_is_free():
    assert nanos_for(Price(INPUT), 10) is None
    assert nanos_for(Price(INPUT, 0), 10) == 0
    assert nanos_for(Price(INPUT, None, (PriceTier(5, 7),)), 10) == 7


def test_an_amount_is_exact():
    assert amount(150_000_000, INPUT, 1) == 150 * PARTS
    assert amount(1, INPUT, 1) == 1
    assert amount(3, PriceBucket.REQUESTS, 1) == 3 * PARTS // 1_000
    assert amount(7, PriceBucket.OUTPUT_IMAGES, 3) == 21 * PARTS
