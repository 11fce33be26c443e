"""Values as they are written on a command line, and values as they are shown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from enum import IntEnum
from fractions import Fraction
from typing import TYPE_CHECKING, TypeVar

import typer

if TYPE_CHECKING:
    from airegistry.resources.requirements import ScoreWeights, TokenMix

_KEPT = frozenset("\n\t")
# They turn the direction of what follows, and with it what a name seems to be.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)?")
# From here on three digits do not reach the decimal point.
_THREE_DIGITS = 999.5
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, None: 1.0}
_COUNT = re.compile(r"([0-9][0-9_]*(?:\.[0-9]+)?)([kKmM])?")
_FACTORS = {"token": 1, "": 1, "k": 1_000, "m": 1_000_000}
_MILLION = 1_000_000
_NANOS = 10**9
_PRICE = re.compile(r"\$?(?P<usd>[0-9]{1,10}(?:\.[0-9]{1,30})?)\s*(?:/\s*(?P<unit>1?[kKmM]|token))?")

E = TypeVar("E", bound=IntEnum)


def pair(text: str) -> str:
    """Return `key=value` as it is, once it is that."""
    key, equals, _ = text.partition("=")
    if not equals or not key:
        raise typer.BadParameter(f"{text!r} is not key=value")
    return text


def labels(pairs: Iterable[str]) -> dict[str, str]:
    """Read `key=value` pairs."""
    return {key: value for key, _, value in (pair(each).partition("=") for each in pairs)}


def weights(pairs: Iterable[str]) -> ScoreWeights | None:
    """Read `part=weight` pairs: what each part of a score counts."""
    from airegistry.resources.requirements import ScoreWeights

    given = labels(pairs)
    return ScoreWeights(**{part: float(weight) for part, weight in given.items()}) if given else None


def weight(text: str) -> str:
    """Return `part=weight` as it is, once the part is there and the weight is a number."""
    from dataclasses import fields

    from airegistry.resources.requirements import ScoreWeights

    part, _, number = pair(text).partition("=")
    parts = [field.name for field in fields(ScoreWeights)]
    if part not in parts:
        raise typer.BadParameter(f"{part!r} is not one of {', '.join(parts)}")
    if not _NUMBER.fullmatch(number):
        raise typer.BadParameter(f"{number!r} is not a number such as 0.5")
    return text


def dollars(text: str) -> int:
    """Read US dollars as nano-USD, exactly."""
    from airegistry.manifests import nanos_from_usd

    try:
        return nanos_from_usd(text.removeprefix("$"))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} {error}") from error


def per_million(text: str) -> int:
    """Read a price in US dollars as nano-USD per million tokens: `2` is `2/M`, and so are `0.002/k` and `0.000002/token`."""
    match = _PRICE.fullmatch(text.strip())
    if match is None:
        return dollars(text)
    tokens = _FACTORS[(match["unit"] or "M").lower().removeprefix("1")]
    if tokens == _MILLION:
        return dollars(match["usd"])
    # A price for fewer tokens may have more decimals than money has; the price of a million counts.
    nanos = Fraction(match["usd"]) * _NANOS * _MILLION / tokens
    if nanos.denominator != 1:
        raise typer.BadParameter(f"{text!r} is finer than a nano-USD per million tokens")
    return int(nanos)


def duration(text: str) -> float:
    """Read seconds, or a number with a unit: `250ms`, `30s`, `5m`, `1.5h`, `7d`."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a duration such as 250ms, 30s, 5m, 1.5h or 7d")
    return float(match[1]) * _SECONDS[match[2]]


def count(text: str) -> int:
    """Read a number of tokens: `128000`, `128_000`, `128k`, `1M`."""
    match = _COUNT.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a number such as 128000, 128k or 1M")
    tokens = Fraction(match[1].replace("_", "")) * _FACTORS[(match[2] or "").lower()]
    if tokens.denominator != 1:
        raise typer.BadParameter(f"{text!r} is no whole number of tokens")
    return int(tokens)


def mix(text: str) -> TokenMix:
    """Read how many tokens go in, come out, and come from a cache: `20k:1k`, `20k:1k:100k`."""
    counts = [count(part) for part in text.split(":")]
    if len(counts) not in (2, 3):
        raise typer.BadParameter(f"{text!r} is not INPUT:OUTPUT or INPUT:OUTPUT:FROM_CACHE, such as 20k:1k")
    from airegistry.resources.requirements import TokenMix

    return TokenMix(*counts)


def one_of(members: type[E]) -> Callable[[str], E]:
    """Return the reader of one of some words, written in lower case and with dashes."""
    by_word = {member.name.lower().replace("_", "-"): member for member in members}

    def member(text: str) -> E:
        found = by_word.get(text.lower().replace("_", "-"))
        if found is None:
            raise typer.BadParameter(f"{text!r} is not one of {', '.join(by_word)}")
        return found

    return member


def safe(text: str) -> str:
    """Return text that cannot steer a terminal: control characters are shown as �, except line ends and tabs."""
    return "".join("�" if _steers(char) else char for char in text)


def _steers(char: str) -> bool:
    return (unicodedata.category(char) == "Cc" and char not in _KEPT) or char in _BIDI


def price(nanos: int | None) -> str:
    """Show an amount of money; unknown is not free."""
    if nanos is None:
        return "?"
    from airegistry.manifests import usd

    return usd(nanos)


def number(value: float | None) -> str:
    """Show a number with separators; unknown is not zero."""
    return "?" if value is None else f"{value:,}"


def seconds(value: float | None) -> str:
    """Show a short time; unknown is not zero."""
    return "?" if value is None else f"{figure(value)} s"


def figure(value: float) -> str:
    """Show what was measured, with three digits that count, and without powers of ten."""
    return f"{value:.3g}" if abs(value) < _THREE_DIGITS else f"{value:,.0f}"


def span(value: float | None) -> str:
    """Show how long something is, in its largest whole unit."""
    if value is None:
        return "?"
    unit = next((name for name in ("d", "h", "m") if value >= _SECONDS[name]), "s")
    return f"{value // _SECONDS[unit]:g} {unit}"
