"""What a call costs, beside what `genai-prices` itself says of it: every model of it, all kinds of tokens.

The two count alike. Where they differ on purpose, and why:

- Tokens without a price of their own are named in `unpriced`, and the cost is PARTIAL; `genai-prices` takes the price of the
  kind above (a cached token is charged as a fresh one, an image's as text). Without them both agree.
- A price finer than a nano-USD per million tokens was rounded when it was imported: at most half a nano-USD for each million.
"""

from __future__ import annotations

import random
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import genai_prices
import pytest
from genai_prices.data import providers
from hypothesis import given, settings
from hypothesis import strategies as st

from airegistry.importers.genai_prices import read_catalog
from airegistry.importers.identifiers import Original, assign_ids
from airegistry.invocations.settling import settle
from airegistry.invocations.usage import CostState, Usage
from airegistry.resources.prices import PriceList
from airegistry.resources.pricing import in_force

AT = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
INPUT = (
    *("input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens"),
    *("input_audio_tokens", "input_image_tokens"),
)
OUTPUT = ("output_tokens", "reasoning_tokens", "output_audio_tokens")
MOST = 1_000_000
NEITHER = {
    f"{kind}_tokens": 0
    for kind in (
        *(f"cache_{what}_{use}" for what in ("audio", "image") for use in ("read", "write", "write_1h")),
        "output_audio_reasoning",
    )
}
"""Ours are one kind or the other, never both; the source wants to be told so."""


def all_models() -> list[tuple[Any, Any, PriceList | None]]:
    """Return every model of the source with its provider and the prices that we took over."""
    ids, _ = assign_ids([Original(p.id, m.id) for p in providers for m in p.models])
    endpoints = {resource.name: resource.endpoint for resource in read_catalog().resources if resource.endpoint}
    return [
        (provider, info, endpoints[f"models/{ids[Original(provider.id, info.id)]}/endpoints/{provider.id}"].prices)
        for provider in providers
        for info in provider.models
    ]


MODELS = all_models()


def theirs(provider: Any, info: Any, usage: Usage) -> Decimal:
    """Return the nano-USD that the source asks; its counts include one another where ours are disjoint."""
    counts = {name: getattr(usage, name) or 0 for name in (*INPUT, *OUTPUT)}
    writes = counts["cache_write_tokens"] + counts["cache_write_1h_tokens"]
    said = genai_prices.Usage(
        input_tokens=sum(counts[name] for name in INPUT),
        cache_read_tokens=counts["cache_read_tokens"],
        cache_write_tokens=writes,
        cache_write_1h_tokens=counts["cache_write_1h_tokens"],
        input_audio_tokens=counts["input_audio_tokens"],
        input_image_tokens=counts["input_image_tokens"],
        output_tokens=sum(counts[name] for name in OUTPUT),
        output_reasoning_tokens=counts["reasoning_tokens"],
        output_audio_tokens=counts["output_audio_tokens"],
        requests=1,
        **NEITHER,
    )
    total: Decimal = info.calc_price(said, provider, genai_request_timestamp=AT).total_price
    return total * 10**9


def slack(usage: Usage, *, exact: bool) -> Decimal:
    """Return by how much the two may differ: half a nano-USD for rounding, and what rounded prices come to."""
    tokens = sum(getattr(usage, name) or 0 for name in (*INPUT, *OUTPUT))
    return Decimal("0.5") + (0 if exact else Decimal(tokens) / MOST / 2)


def is_exact(info: Any) -> bool:
    """Say whether every price of a model is a whole number of nano-USD."""
    parts = info.prices if isinstance(info.prices, list) else [info]
    values = [value for part in parts for value in vars(part.prices).values() if value is not None]
    amounts = [
        a for value in values for a in ([value.base, *(t.price for t in value.tiers)] if tiered(value) else [value])
    ]
    return all(amount * 10**9 == int(amount * 10**9) for amount in amounts)


def tiered(value: Any) -> bool:
    return hasattr(value, "tiers")


def has_tiers(prices: PriceList) -> bool:
    return any(price.tiers for price in in_force(prices, AT).values())


def check(provider: Any, info: Any, prices: PriceList | None, usage: Usage) -> str:
    """Compare one cost, and return how it was compared."""
    ours = settle(usage, prices, AT)
    if ours.state is CostState.UNKNOWN:
        assert prices is None or not in_force(prices, AT) or theirs(provider, info, priced_alone(usage, prices)) == 0
        return "unknown"
    assert prices is not None
    assert ours.nanos is not None
    if ours.state is CostState.PARTIAL and has_tiers(prices):
        # What we cannot price still decides about the tier.
        assert ours.nanos <= theirs(provider, info, usage) + slack(usage, exact=False)
        return "partial, in tiers"
    known = without(usage, ours.unpriced)
    expected = theirs(provider, info, known)
    assert abs(ours.nanos - expected) <= slack(usage, exact=is_exact(info)), (provider.id, info.id, usage)
    if is_exact(info):
        assert ours.nanos == int(expected.quantize(Decimal(1), ROUND_HALF_EVEN))
    return "known" if ours.state is CostState.KNOWN else "partial"


def priced_alone(usage: Usage, prices: PriceList) -> Usage:
    names = {price.bucket.name.lower() for price in in_force(prices, AT).values() if price.bucket is not None}
    return without(usage, [name for name in (*INPUT, *OUTPUT) if name not in names])


def without(usage: Usage, names: Iterable[str]) -> Usage:
    nothing: dict[str, Any] = dict.fromkeys(names, 0)
    return replace(usage, **nothing)


def some_usage(rng: random.Random, names: tuple[str, ...]) -> Usage:
    counts: dict[str, Any] = {
        name: rng.choice((0, 1, 7, 1_000, 199_999, 200_001, rng.randrange(MOST))) for name in names
    }
    return Usage(**({"input_tokens": 0, "output_tokens": 0} | counts))


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("input_tokens", "output_tokens"), id="plain"),
        pytest.param(("input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens"), id="cached"),
        pytest.param((*INPUT, *OUTPUT), id="everything"),
    ],
)
def test_every_model_costs_what_the_source_says(names):
    rng = random.Random(1)
    how = Counter(check(a, b, c, some_usage(rng, names)) for a, b, c in MODELS for _ in range(3))
    assert how.total() == 3 * len(MODELS) > 6_000
    # That most are compared to the nano-USD is part of the promise.
    assert how["known"] + how["partial"] > 0.85 * how.total(), how
    assert how["known"] > 0.85 * how.total() or set(names) > {"input_tokens", "output_tokens"}, how


@settings(max_examples=300)
@given(st.sampled_from(range(len(MODELS))), st.tuples(*[st.integers(0, MOST)] * len((*INPUT, *OUTPUT))))
def test_any_usage_of_any_model_costs_what_the_source_says(index, counts):
    provider, info, prices = MODELS[index]
    usage: dict[str, Any] = dict(zip((*INPUT, *OUTPUT), counts, strict=True))
    check(provider, info, prices, Usage(**usage))


@pytest.mark.parametrize(
    "counts", [{}, {"output_tokens": 5}, {"input_tokens": 5}], ids=["none", "no-input", "no-output"]
)
def test_what_nobody_counted_makes_no_cost_certain(counts):
    states = {settle(Usage(**counts), prices, AT).state for _, _, prices in MODELS if prices is not None}
    assert CostState.KNOWN not in states
