"""What a mix of tokens costs: exact integers of nano-USD, for all rows at once."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from airegistry.resources.prices import Price, PriceBucket, PriceList
from airegistry.resources.pricing import in_force, nanos_for
from airegistry.resources.requirements import TokenMix

Nanos = NDArray[np.int64]

DEFAULT_MIX = TokenMix(input_tokens=750_000, output_tokens=250_000)
"""Three input tokens to one output token, 1,000,000 in all."""

MAX_MIX_TOKENS = 1_000_000_000
"""The most tokens of one kind in a mix. With the next limit it keeps every sum within 64 bits."""

_MAX_NANOS = 10**15
"""A price above this (1,000,000 USD for 1,000,000 tokens) counts as unknown."""

UNKNOWN_COST = np.iinfo(np.int64).max
"""Stands for an unknown cost in columns, so that no limit admits it."""

_UNKNOWN_NANOS = -1
_MILLION = 1_000_000


class Rates(NamedTuple):
    """The prices in force that a mix needs; None is unknown. `task` is what comes on top of the tokens of any mix."""

    input: Price | None = None
    output: Price | None = None
    cache_read: Price | None = None
    task: int = 0

    @property
    def tiered(self) -> bool:
        """Whether they depend on how much input there is."""
        return any(price.tiers for price in (self.input, self.output, self.cache_read) if price)

    def at(self, total_input_tokens: int) -> tuple[int, int, int, int]:
        """Return nano-USD per 1,000,000 tokens of each kind, and per task, for that much input; -1 is unknown."""
        fresh = _nanos(self.input, total_input_tokens)
        cached = _nanos(self.cache_read, total_input_tokens)
        output = _nanos(self.output, total_input_tokens)
        return fresh, output, fresh if cached == _UNKNOWN_NANOS else cached, self.task


UNPRICED = Rates()


def endpoint_rates(prices: PriceList | None, at: datetime) -> Rates:
    """Return what an endpoint asks for at a time."""
    if prices is None:
        return UNPRICED
    held = in_force(prices, at)
    return Rates(
        held.get(PriceBucket.INPUT_TOKENS),
        held.get(PriceBucket.OUTPUT_TOKENS),
        held.get(PriceBucket.CACHE_READ_TOKENS),
    )


def agent_rates(prices: PriceList | None, at: datetime) -> Rates:
    """Return what an agent asks for at a time; one that is paid by the task charges no tokens but those it prices."""
    rates = endpoint_rates(prices, at)
    task = _nanos(in_force(prices, at).get(PriceBucket.AGENT_TASKS), 0) if prices else _UNKNOWN_NANOS
    if task == _UNKNOWN_NANOS:
        return rates
    free = Price(nanos=0)
    return Rates(rates.input or free, rates.output or free, rates.cache_read, task)


def costs_of(mix: TokenMix, nanos: Nanos) -> Nanos:
    """Return what the mix costs in each row, rounded half to even; UNKNOWN_COST where a needed price is unknown.

    *nanos* has the four rows of `Rates.at`, one column per candidate.
    """
    whole: Nanos = nanos[3].copy()
    rest = np.zeros_like(whole)
    unknown = np.zeros(nanos.shape[1], np.bool_)
    for count, prices in zip((mix.input_tokens, mix.output_tokens, mix.cache_read_tokens), nanos, strict=False):
        if count:
            # Apart, millions and rest of price x count stay within 64 bits.
            millions, ones = np.divmod(prices, _MILLION)
            whole += millions * count
            rest += ones * count
            unknown |= prices == _UNKNOWN_NANOS
    whole += _rounded(rest)
    whole[unknown] = UNKNOWN_COST
    return whole


def cost_limit(mix: TokenMix, max_price_per_million: int) -> int:
    """Return what a mix may cost at most at an average price, rounded as costs are."""
    total = total_tokens(mix)
    quotient, rest = divmod(max_price_per_million * total, _MILLION)
    return quotient + (rest * 2 > _MILLION or (rest * 2 == _MILLION and quotient % 2 == 1))


def total_tokens(mix: TokenMix) -> int:
    """Return how many tokens of any kind there are."""
    return mix.input_tokens + mix.output_tokens + mix.cache_read_tokens


def _nanos(price: Price | None, total_input_tokens: int) -> int:
    nanos = nanos_for(price, total_input_tokens) if price else None
    return _UNKNOWN_NANOS if nanos is None or not 0 <= nanos <= _MAX_NANOS else nanos


def _rounded(millionths: Nanos) -> Nanos:
    quotient, rest = np.divmod(millionths, _MILLION)
    quotient += (rest > _MILLION // 2) | ((rest == _MILLION // 2) & (quotient % 2 == 1))
    return quotient
