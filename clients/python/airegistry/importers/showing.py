"""Facts as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from airegistry.resources.model import Capability
from airegistry.resources.prices import Price, PriceBucket, PriceList

_MAX = 200
_NANOS = 1_000_000_000


def shown(value: Any, *, beside: Any = None) -> str:
    """Return a fact in a few words; of a price list only what differs from the one beside it."""
    if isinstance(value, PriceList):
        other = beside if isinstance(beside, PriceList) else PriceList()
        text = _prices(_standard(value), _standard(other)) or "the same standard prices, other variants"
    else:
        text = _plain(value)
    return text if len(text) <= _MAX else f"{text[:_MAX]}…"


def dollars(nanos: int | None) -> str:
    """Return an amount in US dollars, exactly; a dash when it is unknown."""
    return "-" if nanos is None else f"{Decimal(nanos) / _NANOS:f}"


def _plain(value: Any) -> str:
    if isinstance(value, Capability):
        return str(value.level) if value.level is not None else "yes" if value.supported else "no"
    if isinstance(value, Price):
        return _price(value)
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, tuple):
        return ", ".join(_plain(each) for each in value)
    return str(value)


def _standard(prices: PriceList) -> Mapping[PriceBucket, Price]:
    """Return the prices of the last schedule for standard calls, whenever it holds."""
    for schedule in reversed(prices.schedules):
        if not schedule.variant:
            return {price.bucket: price for price in schedule.prices if price.bucket is not None}
    return {}


def _prices(these: Mapping[PriceBucket, Price], those: Mapping[PriceBucket, Price]) -> str:
    differing = [bucket for bucket in sorted(these.keys() | those.keys()) if these.get(bucket) != those.get(bucket)]
    return ", ".join(f"{bucket.name.lower()} {_price(these.get(bucket))}" for bucket in differing)


def _price(price: Price | None) -> str:
    if price is None:
        return "-"
    return " ".join([dollars(price.nanos), *(f"above {tier.above}: {dollars(tier.nanos)}" for tier in price.tiers)])
