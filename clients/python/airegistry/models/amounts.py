"""Numbers as callers write them, checked: money becomes whole nano-USD here, and is never floating point behind it."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from numbers import Real
from typing import Any

from airegistry.errors import InvalidArgumentError

Money = Decimal | str | int | float
"""US dollars. A `Decimal`, text and an `int` are taken exactly, and refused where they are finer than the unit.

A `float` is taken as the shortest decimal that stands for it (0.1 is 0.1), rounded to the nearest unit, half to even.
"""

_NANOS = 10**9
_MOST = 2**63 - 1
_LARGEST_EXPONENT = 12
_SMALLEST_EXPONENT = -40


def nanos(value: Any, argument: str, *, per: int = 1) -> int:
    """Return US dollars as nano-USD, times *per*. Raises InvalidArgumentError that names the *argument*."""
    amount = _decimal(value, argument)
    if amount < 0:
        raise InvalidArgumentError.of(argument, f"must not be negative, is {value}")
    if amount and not _SMALLEST_EXPONENT <= amount.adjusted() <= _LARGEST_EXPONENT:
        raise InvalidArgumentError.of(argument, f"is no amount that anything costs: {value}")
    exact = Fraction(amount) * _NANOS * per
    if exact.denominator != 1 and not isinstance(value, float):
        unit = "nano-USD" if per == 1 else f"nano-USD for {per:,}"
        raise InvalidArgumentError.of(argument, f"is finer than a {unit}: {value}")
    whole = round(exact)
    if whole > _MOST:
        raise InvalidArgumentError.of(argument, f"is more than can be told: {value}")
    return whole


def seconds(value: Any, argument: str) -> float:
    """Return a time in seconds."""
    return _finite(value, argument, "a number of seconds")


def share(value: Any, argument: str) -> float:
    """Return a share of all, 0 to 1."""
    number = _finite(value, argument, "a share from 0 to 1")
    if number > 1:
        raise InvalidArgumentError.of(argument, f"must be a share from 0 to 1, is {value}")
    return number


def speed(value: Any, argument: str) -> float:
    """Return tokens per second."""
    return _finite(value, argument, "a number of tokens per second")


def whole(value: Any, argument: str) -> int:
    """Return a number of tokens."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgumentError.of(argument, f"must be a whole number of tokens, is {value!r}")
    if not 0 <= value <= _MOST:
        raise InvalidArgumentError.of(argument, f"must be from 0 to 2**63 - 1, is {value}")
    return value


def _finite(value: Any, argument: str, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (Real, Decimal)):
        raise InvalidArgumentError.of(argument, f"must be {what}, is {value!r}")
    number = float(value)
    if not math.isfinite(number) or number < 0:
        raise InvalidArgumentError.of(argument, f"must be {what}, finite and not negative, is {value}")
    return number


def _decimal(value: Any, argument: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (Decimal, str, int, float)):
        raise InvalidArgumentError.of(argument, f"must be US dollars as Decimal, str, int or float, is {value!r}")
    try:
        # The shortest decimal that stands for a float, also for those of other libraries.
        amount = Decimal(float.__repr__(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise InvalidArgumentError.of(argument, f"must be an amount of US dollars, is {value!r}") from None
    if not amount.is_finite():
        raise InvalidArgumentError.of(argument, f"must be an amount of US dollars, is {value!r}")
    return amount
