"""What a call cost, from what it used and what was asked for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Final

from airegistry.invocations.usage import Cost, CostState, Usage
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.pricing import PARTS, amount, by_bucket, in_force, nanos_for, schedule_in_force

_BUCKETS: Final[Mapping[str, tuple[PriceBucket, ...]]] = {
    "input_tokens": (PriceBucket.INPUT_TOKENS,),
    "cache_read_tokens": (PriceBucket.CACHE_READ_TOKENS,),
    "cache_write_tokens": (PriceBucket.CACHE_WRITE_TOKENS,),
    "cache_write_1h_tokens": (PriceBucket.CACHE_WRITE_1H_TOKENS,),
    "output_tokens": (PriceBucket.OUTPUT_TOKENS,),
    "reasoning_tokens": (PriceBucket.REASONING_TOKENS, PriceBucket.OUTPUT_TOKENS),
    "input_audio_tokens": (PriceBucket.INPUT_AUDIO_TOKENS,),
    "output_audio_tokens": (PriceBucket.OUTPUT_AUDIO_TOKENS,),
    "input_image_tokens": (PriceBucket.INPUT_IMAGE_TOKENS, PriceBucket.INPUT_TOKENS),
    "output_image_tokens": (PriceBucket.OUTPUT_IMAGE_TOKENS, PriceBucket.OUTPUT_TOKENS),
    "output_images": (PriceBucket.OUTPUT_IMAGES,),
    "requests": (PriceBucket.REQUESTS,),
}
"""Which price holds for what was counted: the first of these that the schedule has."""

_INPUT: Final = frozenset(
    (
        "input_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "cache_write_1h_tokens",
        "input_audio_tokens",
        "input_image_tokens",
    )
)
_IMAGE_OUTPUT: Final = ("output_tokens", "output_image_tokens")
"""Counts that tell what the images of an answer took: where they have a price, it is what the images cost."""
_COUNTS: Final = tuple(name for name in _BUCKETS if name != "requests")
_TOKENS: Final = frozenset(_COUNTS) - {"output_images"}
_ALWAYS: Final = ("input_tokens", "output_tokens")
"""Counts that every call has: where one is missing, something was used that nobody counted."""

_told = attrgetter(*_COUNTS)

_EACH: Final = frozenset((PriceBucket.REQUESTS, PriceBucket.AGENT_TASKS))
"""What is charged for a task as such."""

_Rates = Mapping[str, Price]
"""The prices of a schedule by the counts that they hold for."""

_MOST_RATES: Final = 4096
_rates_of: Final[dict[int, tuple[PriceSchedule, _Rates]]] = {}
"""What was made of a schedule, by its identity, which no other can have while it is held here."""

_UNKNOWN: Final = Cost(CostState.UNKNOWN)
_HALF: Final = PARTS // 2
_MOST: Final = 2**63 - 1


def settle(
    usage: Usage | None, prices: PriceList | None, at: datetime, variant: Mapping[str, str] | None = None
) -> Cost:
    """Return what a call cost that began at *at* and had the properties *variant* (`processing: batch`).

    Never 0 for want of knowledge: without usage or prices the cost is UNKNOWN, and what has no price of its own is named in
    `unpriced`. Reasoning and images are priced as text where they have no own price. A price per image covers whatever else
    has no price, and does not hold where the tokens of the output do. A price per request counts once. Counted exactly, rounded
    half to even once, at the end; an amount that the wire cannot hold is PARTIAL, with the most that it can.
    """
    if usage is None or prices is None:
        return _UNKNOWN
    schedule, counts = schedule_in_force(prices, at, variant), _counts(usage)
    bill = _bill(counts, _rates(schedule)) if schedule is not None and counts else {}
    priced = [cost for cost in bill.values() if cost is not None]
    if not priced:
        return _UNKNOWN
    unpriced = () if len(priced) == len(bill) else _in_order(bill)
    return _cost_of(priced, unpriced, whole=not unpriced)


def settle_task(prices: PriceList | None, at: datetime) -> Cost:
    """Return what a task cost that an agent began at *at* and came to an end with: what it asks for each.

    Nobody counts what it used; where that has a price beside, the cost is PARTIAL.
    """
    schedule = in_force(prices, at) if prices is not None else {}
    asked = [cost for bucket in _EACH if (cost := _cost(1, schedule.get(bucket), 0)) is not None]
    return _cost_of(asked, whole=_EACH.issuperset(schedule)) if asked else _UNKNOWN


def _cost_of(amounts: list[int], unpriced: tuple[str, ...] = (), *, whole: bool) -> Cost:
    """Return the sum of amounts, which are *whole* or a part of what was used, as the wire can hold it."""
    nanos, rest = divmod(sum(amounts), PARTS)
    nanos += rest > _HALF or (rest == _HALF and nanos % 2)
    if nanos > _MOST:
        nanos, whole = _MOST, False
    return Cost(CostState.KNOWN if whole else CostState.PARTIAL, nanos, unpriced)


def _counts(usage: Usage) -> dict[str, int]:
    """Return what was counted."""
    return {name: count for name, count in zip(_COUNTS, _told(usage), strict=True) if count is not None}


def _rates(schedule: PriceSchedule) -> _Rates:
    known = _rates_of.get(id(schedule))
    if known is None:
        if len(_rates_of) >= _MOST_RATES:
            _rates_of.clear()
        prices = by_bucket(schedule)
        priced = {
            name: [prices[bucket] for bucket in buckets if bucket in prices] for name, buckets in _BUCKETS.items()
        }
        known = _rates_of[id(schedule)] = schedule, {name: found[0] for name, found in priced.items() if found}
    return known[1]


def _bill(counts: Mapping[str, int], rates: _Rates) -> dict[str, int | None]:
    """Return what each count cost; None where it cannot be priced."""
    bill: dict[str, int | None] = {}
    total_input = sum([count for name, count in counts.items() if name in _INPUT])
    counted = _counted(counts, rates)
    for name, count in counts.items():
        # A count of nothing costs nothing; it makes a cost known only beside a price.
        if name in counted and (count or name in rates):
            bill[name] = _cost(count, rates.get(name), total_input) if count else 0
    for name in _ALWAYS:
        if name in counted and name not in counts:
            bill[name] = None
    if "requests" in rates:
        bill["requests"] = _cost(1, rates["requests"], total_input)
    return bill


def _in_order(bill: Mapping[str, int | None]) -> tuple[str, ...]:
    """Return what of a bill has no price, always in the same order."""
    return tuple([name for name in _BUCKETS if name in bill and bill[name] is None])


def _counted(counts: Mapping[str, int], rates: _Rates) -> Collection[str]:
    """Return which counts are on the bill: tokens, or images and those tokens of the input that have a price beside them."""
    if "output_images" not in counts or "output_images" not in rates:
        return _TOKENS
    if any(name in counts and name in rates for name in _IMAGE_OUTPUT):
        return _TOKENS
    return {"output_images", *_INPUT.intersection(rates)}


def _cost(count: int, price: Price | None, total_input: int) -> int | None:
    if price is None or price.bucket is None:
        return None
    nanos = nanos_for(price, total_input) if price.tiers else price.nanos
    return None if nanos is None else amount(nanos, price.bucket, count)
