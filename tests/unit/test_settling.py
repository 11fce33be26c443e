"""What a call cost: exact, rounded once, and never 0 for want of knowledge."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.invocations.settling import settle, settle_task
from airegistry.invocations.usage import Cost, CostState, Usage
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule, PriceTier

AT = datetime(2026, 3, 1, tzinfo=UTC)
UNKNOWN = Cost(CostState.UNKNOWN)


def priced(**nanos):
    """Return a price list of plain prices by the lower-case names of their buckets."""
    prices = tuple(Price(PriceBucket[name.upper()], amount) for name, amount in nanos.items())
    return PriceList((PriceSchedule(prices),))


def with_count(usage, name, count):
    counts: dict[str, Any] = {name: count}
    return replace(usage, **counts)


def test_each_bucket_has_its_own_price():
    usage = Usage(input_tokens=1_000_000, cache_read_tokens=2_000_000, output_tokens=3_000_000)
    prices = priced(input_tokens=100, cache_read_tokens=10, output_tokens=1_000)
    assert settle(usage, prices, AT) == Cost(CostState.KNOWN, 100 + 20 + 3_000)


@pytest.mark.parametrize(
    ("usage", "prices"),
    [
        (None, priced(input_tokens=1)),
        (Usage(), priced(input_tokens=1, requests=5)),
        (Usage(input_tokens=1, output_tokens=1), None),
        (Usage(input_tokens=1, output_tokens=1), PriceList()),
        (Usage(input_tokens=1, output_tokens=1), PriceList((PriceSchedule(start_time=AT + timedelta(1)),))),
        (Usage(input_tokens=1, output_tokens=1), priced(output_images=5)),
        (Usage(input_tokens=0, output_tokens=0), priced(output_images=5)),
        (Usage(input_tokens=1, output_tokens=1), PriceList((PriceSchedule((Price(PriceBucket.INPUT_TOKENS),)),))),
    ],
    ids=[
        "no-usage",
        "empty-usage",
        "no-prices",
        "no-schedule",
        "not-yet",
        "other-buckets",
        "nothing-used",
        "price-unset",
    ],
)
def test_what_is_not_known_is_unknown_and_not_zero(usage, prices):
    assert settle(usage, prices, AT) == UNKNOWN


def test_what_has_no_price_is_named_in_the_order_of_the_counts_whether_it_was_counted_or_not():
    usage = Usage(output_audio_tokens=1, output_tokens=1, cache_read_tokens=1)
    unpriced = ("input_tokens", "cache_read_tokens", "output_tokens", "output_audio_tokens")
    assert settle(usage, priced(requests=1_000), AT) == Cost(CostState.PARTIAL, 1, unpriced)


def test_an_answer_without_images_is_billed_by_its_words_though_images_have_a_price():
    usage = Usage(input_tokens=1_000_000, output_tokens=1)
    assert settle(usage, priced(input_tokens=5, output_images=7), AT) == Cost(CostState.PARTIAL, 5, ("output_tokens",))


def test_a_free_bucket_is_known_to_cost_nothing():
    usage = Usage(input_tokens=5, output_tokens=7)
    assert settle(usage, priced(input_tokens=0, output_tokens=0), AT) == Cost(CostState.KNOWN, 0)


@pytest.mark.parametrize(
    "name",
    ["cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "input_audio_tokens", "output_audio_tokens"],
)
def test_a_bucket_without_a_price_is_named_unless_nothing_was_used_of_it(name):
    prices = priced(input_tokens=1_000_000, output_tokens=1_000_000)
    usage = Usage(input_tokens=1, output_tokens=1)
    used = settle(with_count(usage, name, 1), prices, AT)
    assert used == Cost(CostState.PARTIAL, 2, (name,))
    unused = settle(with_count(usage, name, 0), prices, AT)
    assert unused == Cost(CostState.KNOWN, 2)


@pytest.mark.parametrize("name", ["input_tokens", "output_tokens"])
def test_a_side_that_nobody_counted_makes_the_cost_partial(name):
    usage = with_count(Usage(input_tokens=1, output_tokens=1), name, None)
    assert settle(usage, priced(input_tokens=1_000_000, output_tokens=1_000_000), AT) == Cost(
        CostState.PARTIAL, 1, (name,)
    )


def test_reasoning_costs_what_output_does_unless_priced_apart():
    usage = Usage(input_tokens=0, output_tokens=1_000_000, reasoning_tokens=1_000_000)
    assert settle(usage, priced(input_tokens=1, output_tokens=5), AT) == Cost(CostState.KNOWN, 10)
    assert settle(usage, priced(input_tokens=1, output_tokens=5, reasoning_tokens=2), AT) == Cost(CostState.KNOWN, 7)


def test_a_price_per_request_counts_once():
    usage = Usage(input_tokens=1_000_000, output_tokens=0)
    assert settle(usage, priced(input_tokens=3, requests=5_000), AT) == Cost(CostState.KNOWN, 3 + 5)


@pytest.mark.parametrize(("cached", "nanos"), [(0, 200), (1, 400 + 1)], ids=["at-the-threshold", "above-it"])
def test_tiers_go_by_all_input_cached_included(cached, nanos):
    tiered = Price(PriceBucket.INPUT_TOKENS, 1_000_000, (PriceTier(above=200, nanos=2_000_000),))
    cache = Price(PriceBucket.CACHE_READ_TOKENS, 1_000_000)
    prices = PriceList((PriceSchedule((tiered, cache)),))
    usage = Usage(input_tokens=200, cache_read_tokens=cached, output_tokens=0)
    assert settle(usage, prices, AT) == Cost(CostState.KNOWN, nanos)


@pytest.mark.parametrize(
    ("tokens", "nanos"),
    [(500_000, 0), (1_500_000, 2), (2_500_000, 2), (2_500_001, 3)],
    ids=["0.5", "1.5", "2.5", "above"],
)
def test_halves_are_rounded_to_even(tokens, nanos):
    assert settle(Usage(input_tokens=tokens, output_tokens=0), priced(input_tokens=1), AT) == Cost(
        CostState.KNOWN, nanos
    )


def test_buckets_are_not_rounded_one_by_one():
    usage = Usage(input_tokens=400_000, output_tokens=400_000)
    assert settle(usage, priced(input_tokens=1, output_tokens=1), AT) == Cost(CostState.KNOWN, 1)


GPT_IMAGE = Usage(
    input_tokens=1_000, input_image_tokens=2_000, output_tokens=0, output_image_tokens=4_000, output_images=2
)


@pytest.mark.parametrize(
    ("usage", "prices", "cost"),
    [
        (Usage(output_images=3), priced(output_images=7), Cost(CostState.KNOWN, 21)),
        (Usage(output_images=0), priced(output_images=7), Cost(CostState.KNOWN, 0)),
        (Usage(output_images=3), priced(output_images=7, requests=5_000), Cost(CostState.KNOWN, 26)),
        (Usage(output_images=3), priced(input_tokens=1_000, output_tokens=1_000), UNKNOWN),
        (GPT_IMAGE, priced(output_images=7), Cost(CostState.KNOWN, 14)),
        (GPT_IMAGE, priced(input_tokens=1_000, output_images=7), Cost(CostState.KNOWN, 1 + 2 + 14)),
        (
            replace(GPT_IMAGE, input_tokens=None, input_image_tokens=None),
            priced(input_tokens=1_000, output_images=7),
            Cost(CostState.PARTIAL, 14, ("input_tokens",)),
        ),
        (GPT_IMAGE, priced(input_tokens=1_000, output_tokens=2_000), Cost(CostState.KNOWN, 1 + 2 + 8)),
        (GPT_IMAGE, priced(input_tokens=1_000, output_tokens=2_000, output_images=7), Cost(CostState.KNOWN, 11)),
        (
            GPT_IMAGE,
            priced(input_tokens=1_000, input_image_tokens=3_000, output_tokens=0, output_image_tokens=5_000),
            Cost(CostState.KNOWN, 1 + 6 + 20),
        ),
    ],
    ids=[
        "by-the-image",
        "none-made",
        "and-by-the-request",
        "tokens-not-counted",
        "tokens-without-a-price",
        "input-has-a-price",
        "input-has-a-price-and-no-count",
        "by-the-token",
        "not-twice",
        "image-tokens-priced-apart",
    ],
)
def test_images_cost_what_their_tokens_do_or_what_each_does(usage, prices, cost):
    assert settle(usage, prices, AT) == cost


def test_the_variant_chooses_the_schedule():
    batch = PriceSchedule((Price(PriceBucket.INPUT_TOKENS, 1_000_000),), variant={"processing": "batch"})
    prices = PriceList((PriceSchedule((Price(PriceBucket.INPUT_TOKENS, 2_000_000),)), batch))
    usage = Usage(input_tokens=3, output_tokens=0)
    assert settle(usage, prices, AT) == Cost(CostState.KNOWN, 6)
    assert settle(usage, prices, AT, {"processing": "batch"}) == Cost(CostState.KNOWN, 3)


MOST = 2**63 - 1
COUNTS = st.integers(0, 10**12) | st.integers(0, MOST)


@given(COUNTS, COUNTS, COUNTS, st.tuples(COUNTS, COUNTS, COUNTS))
def test_no_amount_loses_a_digit_and_one_too_large_for_the_wire_is_partial(fresh, cached, output, nanos):
    usage = Usage(input_tokens=fresh, cache_read_tokens=cached, output_tokens=output)
    prices = priced(input_tokens=nanos[0], cache_read_tokens=nanos[1], output_tokens=nanos[2])
    exact = Fraction(fresh * nanos[0] + cached * nanos[1] + output * nanos[2], 1_000_000)
    whole = Cost(CostState.KNOWN, round(exact))
    assert settle(usage, prices, AT) == (whole if round(exact) <= MOST else Cost(CostState.PARTIAL, MOST))


@pytest.mark.parametrize(
    ("asked", "cost"),
    [
        ({PriceBucket.AGENT_TASKS: 7_000_000}, Cost(CostState.KNOWN, 7_000_000)),
        ({PriceBucket.AGENT_TASKS: 5, PriceBucket.REQUESTS: 2_000}, Cost(CostState.KNOWN, 7)),
        ({PriceBucket.AGENT_TASKS: 5, PriceBucket.INPUT_TOKENS: 1}, Cost(CostState.PARTIAL, 5)),
        ({PriceBucket.INPUT_TOKENS: 1}, Cost(CostState.UNKNOWN)),
        ({}, Cost(CostState.UNKNOWN)),
    ],
    ids=["each", "each-and-request", "beside-tokens", "tokens-alone", "nothing"],
)
def test_a_task_costs_what_its_agent_asks_for_each(asked, cost):
    prices = tuple(Price(bucket, nanos) for bucket, nanos in asked.items())
    assert settle_task(PriceList((PriceSchedule(prices=prices),)), AT) == cost
    assert settle_task(None, AT) == Cost(CostState.UNKNOWN)
