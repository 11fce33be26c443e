"""US dollars as people write them, exactly: text with decimals, or whole numbers; never floating point."""

from __future__ import annotations

import re

_USD = re.compile(r"(?P<minus>-?)(?P<dollars>[0-9]{1,10})(?:\.(?P<rest>[0-9]{1,40}))?")
_NANO_DIGITS = 9
_NANOS = 10**_NANO_DIGITS


def nanos_from_usd(text: str) -> int:
    """Return the nano-USD in *text* (`"2.50"`), or raise ValueError saying what is wrong."""
    match = _USD.fullmatch(text)
    if match is None:
        raise ValueError('must be an amount of US dollars as text, such as "2.50"')
    rest = match["rest"] or ""
    if rest[_NANO_DIGITS:].strip("0"):
        raise ValueError("has more than 9 decimals, and a nano-USD is the smallest unit")
    nanos: int = int(match["dollars"]) * _NANOS + int(rest[:_NANO_DIGITS].ljust(_NANO_DIGITS, "0"))
    if match["minus"] and nanos:
        raise ValueError("must not be negative")
    return nanos


def usd(nanos: int) -> str:
    """Return nano-USD as dollars, exactly, with at least two decimals."""
    dollars, rest = divmod(abs(nanos), _NANOS)
    decimals = f"{rest:09d}".rstrip("0").ljust(2, "0")
    return f"{'-' if nanos < 0 else ''}{dollars}.{decimals}"
