"""Values as they are written on a command line, and values as they are shown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import typer

_KEPT = frozenset("\n\t")
# They turn the direction of what follows, and with it what a name seems to be.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, None: 1.0}
_COUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)([kKmM])?")
_FACTORS = {"k": 1_000, "m": 1_000_000, "": 1}


def labels(pairs: Iterable[str]) -> dict[str, str]:
    """Read `key=value` pairs."""
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{pair!r} is not key=value")
        found[key] = value
    return found


def dollars(text: str | None) -> int | None:
    """Read US dollars as nano-USD, exactly."""
    if text is None:
        return None
    from airegistry.manifests import nanos_from_usd

    try:
        return nanos_from_usd(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} {error}") from error


def duration(text: str | None) -> float | None:
    """Read seconds, or a number with a unit: `250ms`, `30s`, `5m`, `1.5h`, `7d`."""
    if text is None:
        return None
    match = _DURATION.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a duration such as 250ms, 30s, 5m, 1.5h or 7d")
    return float(match[1]) * _SECONDS[match[2]]


def count(text: str | None) -> int | None:
    """Read a number of tokens: `128000`, or `128k`."""
    if text is None:
        return None
    match = _COUNT.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a number such as 128000 or 128k")
    return round(float(match[1]) * _FACTORS[(match[2] or "").lower()])


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
    return "?" if value is None else f"{value:.3g} s"


def span(value: float | None) -> str:
    """Show how long something is, in its largest whole unit."""
    if value is None:
        return "?"
    unit = next((name for name in ("d", "h", "m") if value >= _SECONDS[name]), "s")
    return f"{value // _SECONDS[unit]:g} {unit}"
