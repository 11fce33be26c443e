"""Single values of manifests: text, numbers, times, amounts and names of enums.

Every reader notes what is wrong at the value's place, and then answers None. No message repeats a long value.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from airegistry.manifests.money import nanos_from_usd
from airegistry.manifests.places import Place

Reader = Callable[[Any, Place], Any]

_MAX_INT64 = 2**63 - 1
_MAX_SHOWN = 40
_MANY_NAMES = 12
_DURATION = re.compile(r"(?P<number>[0-9]+(\.[0-9]+)?)\s?(?P<unit>ns|us|µs|ms|s|m|h|d)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def read_text(value: Any, place: Place) -> str | None:
    """Read text; a number or a boolean is refused, because what was written is lost (`1.10`)."""
    if isinstance(value, str):
        return value
    place.refuse(f"must be text, found {shown(value)}; put it in quotes")
    return None


def read_bool(value: Any, place: Place) -> bool | None:
    """Read `true` or `false`."""
    if isinstance(value, bool):
        return value
    place.refuse(f"must be true or false, found {shown(value)}")
    return None


def read_whole(value: Any, place: Place) -> int | None:
    """Read a whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        place.refuse(f"must be a whole number, found {shown(value)}")
    elif abs(value) > _MAX_INT64:
        place.refuse("is too large to be stored")
    else:
        return value
    return None


def read_number(value: Any, place: Place) -> float | None:
    """Read a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        place.refuse(f"must be a number, found {shown(value)}")
    elif isinstance(value, float) and not math.isfinite(value):
        place.refuse("must be a finite number")
    else:
        return float(value)
    return None


def read_duration(value: Any, place: Place) -> float | None:
    """Read seconds: a number, or text with a unit (`30s`, `1.5h`, `250ms`)."""
    if not isinstance(value, str):
        return read_number(value, place)
    match = _DURATION.fullmatch(value)
    if match is None:
        place.refuse("must be seconds, or text with a unit such as 30s, 250ms, 1.5h or 7d")
        return None
    return float(match["number"]) * _SECONDS[match["unit"]]


def read_time(value: Any, place: Place) -> datetime | None:
    """Read an ISO 8601 time with its zone, or a date, which means its first moment in UTC."""
    if isinstance(value, str):
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            time = None
        if time is not None and (time.tzinfo is not None or _DATE.fullmatch(value)):
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        if time is not None:
            place.refuse("must say its time zone, such as 2026-01-31T12:00:00Z")
            return None
    place.refuse(f"must be a time such as 2026-01-31T12:00:00Z, or a date, found {shown(value)}")
    return None


def read_usd(value: Any, place: Place) -> int | None:
    """Read US dollars as nano-USD."""
    if isinstance(value, float):
        place.refuse('is a floating-point number, which cannot hold money exactly; put it in quotes: "2.50"')
        return None
    try:
        return nanos_from_usd(str(value) if isinstance(value, int) and not isinstance(value, bool) else value)
    except TypeError:
        place.refuse(f'must be an amount of US dollars as text, such as "2.50", found {shown(value)}')
    except ValueError as error:
        place.refuse(str(error))
    return None


def enum_reader(cls: type[IntEnum]) -> Reader:
    """Return the reader of a member's name, in any case, with or without the prefix that it has on the wire."""
    names = {member.name: member for member in cls}
    prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).upper() + "_"

    def read(value: Any, place: Place) -> IntEnum | None:
        if isinstance(value, str):
            name = value.strip().upper().replace("-", "_")
            if (member := names.get(name) or names.get(name.removeprefix(prefix))) is not None:
                return member
        place.refuse(f"{shown(value)} is not one of {_choices(value, list(names))}")
        return None

    return read


def shown(value: Any) -> str:
    """Return a value for a message, cut when it is long."""
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case bool():
            return str(value).lower()
        case float() | int():
            return str(value)[:_MAX_SHOWN]
    text = str(value)
    return repr(text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…")


def suggestion(name: str, known: list[str]) -> str:
    """Return a hint at what *name* was meant to be; empty when nothing is close."""
    close = difflib.get_close_matches(name.lower(), [each.lower() for each in known], n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _choices(value: Any, names: list[str]) -> str:
    lowered = [name.lower() for name in names]
    if len(names) <= _MANY_NAMES:
        return ", ".join(lowered)
    close = difflib.get_close_matches(str(value).lower(), lowered, n=3) or lowered[:_MANY_NAMES]
    return f"{', '.join(close)} …"
