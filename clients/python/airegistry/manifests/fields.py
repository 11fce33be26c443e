"""Plain values to dataclasses, by the dataclasses' own type hints.

Three things are friendlier than the dataclass: an amount in nano-USD may be written in dollars (`usd` for `nanos`,
`max_cost_usd` for `max_cost_nanos`), a duration with its unit, and a capability as `true` or as its level.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from functools import cache
from typing import Any, TypeVar, cast

from airegistry.manifests.places import Place
from airegistry.manifests.scalars import (
    Reader,
    enum_reader,
    read_bool,
    read_duration,
    read_number,
    read_text,
    read_time,
    read_usd,
    read_whole,
    shown,
    suggestion,
)
from airegistry.resources.model import Capability

T = TypeVar("T")

DURATIONS = frozenset(
    {
        "connect_timeout",
        "first_token_timeout",
        "hedge_delay",
        "hold_back_duration",
        "idle_timeout",
        "interval",
        "lease_ttl",
        "max_duration",
        "max_retention",
        "max_time_to_first_token",
        "retention",
        "time_to_first_token",
        "total_timeout",
    }
)
"""The fields whose numbers are seconds."""


def read_into(cls: type[T], value: Any, place: Place) -> T | None:
    """Read a mapping as the dataclass *cls*; what is wrong is noted at its place."""
    if not isinstance(value, dict):
        place.refuse(f"must be a mapping, found {shown(value)}")
        return None
    known = _known_keys(cast(Any, cls))
    values: dict[str, Any] = {}
    for key, given in value.items():
        where = place.field(value, key)
        if key not in known:
            where.refuse(f"is not a field{suggestion(key, list(known))}")
        elif given is not None:
            name, read = known[key]
            if name in values:
                where.refuse("says the same as another field: write one of the two")
            values[name] = read(given, where)
    return cls(**{name: read for name, read in values.items() if read is not None})


def usd_key(name: str) -> str | None:
    """Return what a field of nano-USD is called when it is written in dollars; None for other fields."""
    return f"{name.removesuffix('nanos')}usd" if name == "nanos" or name.endswith("_nanos") else None


@cache
def _known_keys(cls: type) -> dict[str, tuple[str, Reader]]:
    """Return for each key that a *cls* may have the field it sets and how it is read."""
    hints = typing.get_type_hints(cls)
    keys: dict[str, tuple[str, Reader]] = {}
    for field in dataclasses.fields(cls):
        keys[field.name] = (field.name, _reader(hints[field.name], field.name))
        if (alternative := usd_key(field.name)) is not None:
            keys[alternative] = (field.name, read_usd)
    return keys


def _reader(hint: Any, name: str) -> Reader:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        (hint,) = (arg for arg in typing.get_args(hint) if arg is not type(None))
        return _reader(hint, name)
    if origin is tuple:
        return _items_reader(_reader(typing.get_args(hint)[0], name))
    if origin is not None and issubclass(origin, Mapping):
        return _entries_reader(_reader(typing.get_args(hint)[1], name))
    return _item_reader(hint, name)


def _item_reader(hint: type, name: str) -> Reader:
    if name in DURATIONS and hint is float:
        return read_duration
    if hint in _SCALARS:
        return _SCALARS[hint]
    return enum_reader(hint) if issubclass(hint, IntEnum) else _block_reader(hint)


def _block_reader(cls: type) -> Reader:
    # By way of a function of its own: a dataclass may contain itself.
    return lambda value, place: read_into(cls, value, place)


def _items_reader(read: Reader) -> Reader:
    def read_items(value: Any, place: Place) -> tuple[Any, ...] | None:
        if not isinstance(value, list):
            place.refuse(f"must be a list, found {shown(value)}")
            return None
        return tuple(read(item, place.item(value, i)) for i, item in enumerate(value))

    return read_items


def _entries_reader(read: Reader) -> Reader:
    def read_entries(value: Any, place: Place) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            place.refuse(f"must be a mapping, found {shown(value)}")
            return None
        return {key: read(item, place.entry(value, key)) for key, item in value.items()}

    return read_entries


def _read_capability(value: Any, place: Place) -> Capability | None:
    if isinstance(value, bool):
        return Capability(supported=value)
    if isinstance(value, int):
        return Capability(level=cast(int, read_whole(value, place)))
    if isinstance(value, dict):
        return read_into(Capability, value, place)
    place.refuse(f"must be true, false or a level from 1 to 5, found {shown(value)}")
    return None


_SCALARS: Mapping[type, Reader] = {
    bool: read_bool,
    datetime: read_time,
    float: read_number,
    int: read_whole,
    str: read_text,
    Capability: _read_capability,
}
