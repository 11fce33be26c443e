"""What costs nothing: whom nobody has to pay, and the output of models that give no text.

These are the only ones of whom a price of 0 is believed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from airegistry.importers.identifiers import Original
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule

# Vectors, ranks and classes: there are no output tokens to be billed.
_NO_OUTPUT = frozenset({"feature-extraction", "text-classification", "text-ranking"})
# Models on one's own machine, and a public service.
_PROVIDERS = frozenset({"lemonade", "ollama", "publicai"})
# Ollama's cloud is not one's own machine.
_PAID = "-cloud"
# How marketplaces call what they give away.
_FREE = (":free", "-free")


def is_free(original: Original) -> bool:
    """Say whether a 0 in a price catalog means that a model costs nothing."""
    if original.id.endswith(_FREE):
        return True
    return original.provider in _PROVIDERS and not original.id.endswith(_PAID)


def gives_text(tasks: Iterable[str]) -> bool:
    """Say whether the output of a model is billed by the token, as far as its tasks tell."""
    return not _NO_OUTPUT.intersection(tasks)


def with_free_output(prices: PriceList, tasks: Iterable[str]) -> PriceList:
    """Return prices that say of a model without output tokens that they cost nothing, wherever its input has a price."""
    if gives_text(tasks):
        return prices
    return replace(prices, schedules=tuple(_with_free_output(schedule) for schedule in prices.schedules))


def _with_free_output(schedule: PriceSchedule) -> PriceSchedule:
    priced = {price.bucket for price in schedule.prices}
    if PriceBucket.INPUT_TOKENS not in priced or PriceBucket.OUTPUT_TOKENS in priced:
        return schedule
    prices = sorted((*schedule.prices, Price(PriceBucket.OUTPUT_TOKENS, 0)), key=lambda price: price.bucket or 0)
    return replace(schedule, prices=tuple(prices))
