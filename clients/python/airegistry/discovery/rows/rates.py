"""What a candidate asks for the tokens of a mix, and for how long."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from airegistry.resources.prices import Price, PriceBucket, PriceList
from airegistry.resources.pricing import in_force, nanos_for
from airegistry.resources.requirements import TokenMix

DEFAULT_MIX = TokenMix(input_tokens=750_000, output_tokens=250_000)
"""Three input tokens to one output token, 1,000,000 in all."""


class Rates(NamedTuple):
    """The prices in force that a mix needs; None is unknown. `task` is what comes on top of the tokens of any mix."""

    input: Price | None = None
    output: Price | None = None
    cache_read: Price | None = None
    task: int = 0

    @property
    def tiered(self) -> bool:
        """Whether any price depends on the amount of input."""
        return any(price is not None and price.tiers for price in (self.input, self.output, self.cache_read))

    @property
    def thresholds(self) -> set[int]:
        """The amounts of input above which other prices hold."""
        return {tier.above for price in (self.input, self.output, self.cache_read) if price for tier in price.tiers}

    def at(self, total_input_tokens: int) -> tuple[int | None, int | None, int | None]:
        """Return nano-USD per 1,000,000 tokens of input, output and cached input, for that much input."""
        fresh = _nanos(self.input, total_input_tokens)
        cached = _nanos(self.cache_read, total_input_tokens)
        return fresh, _nanos(self.output, total_input_tokens), fresh if cached is None else cached


def endpoint_rates(prices: PriceList | None, at: datetime) -> Rates:
    """Return what an endpoint asks for at a time."""
    held = in_force(prices, at) if prices else {}
    return Rates(
        held.get(PriceBucket.INPUT_TOKENS),
        held.get(PriceBucket.OUTPUT_TOKENS),
        held.get(PriceBucket.CACHE_READ_TOKENS),
    )


def agent_rates(prices: PriceList | None, at: datetime) -> Rates:
    """Return what an agent asks for at a time; one that is paid by the task charges no tokens but those it prices."""
    rates = endpoint_rates(prices, at)
    task = _nanos(in_force(prices, at).get(PriceBucket.AGENT_TASKS), 0) if prices else None
    if task is None:
        return rates
    free = Price(nanos=0)
    return Rates(rates.input or free, rates.output or free, rates.cache_read, task)


def _nanos(price: Price | None, total_input_tokens: int) -> int | None:
    return nanos_for(price, total_input_tokens) if price else None
