"""Amounts of money as sources write them, as whole nano-USD."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

_NANOS = 1_000_000_000
# What the wire can hold. More than that of dollars is compared before it is multiplied: an exponent can be anything.
_MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in nano-USD, and whether it is exactly what the source says."""

    nanos: int
    exact: bool


def amount_of(value: Any, units: int) -> Amount | None:
    """Return what *units* of something cost at *value* US dollars each; None when that is no amount of money."""
    if not isinstance(value, int | Decimal) or isinstance(value, bool) or not 0 <= value <= _MOST:
        return None
    exact = Decimal(value) * units * _NANOS
    if exact > _MOST:
        return None
    nanos = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    return Amount(nanos, exact=nanos == exact and bool(exact) == bool(value))
