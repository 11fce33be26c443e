"""Field masks over the dataclasses of a resource."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import is_dataclass, replace
from typing import Any

from airegistry.errors import InvalidArgumentError
from airegistry.resources.resource import Resource

_WRITABLE = ("labels", "model", "endpoint", "agent", "route")


def merged(stored: Resource, given: Resource, paths: Sequence[str]) -> Resource:
    """Return *stored* with the fields at *paths* as in *given*. No paths, or `*`: the labels and the spec."""
    result = stored
    for i, path in enumerate(_WRITABLE if not paths or list(paths) == ["*"] else paths):
        parts = path.split(".")
        if parts[0] not in _WRITABLE:
            raise InvalidArgumentError.of(f"update_mask.paths[{i}]", "names no field that can be changed")
        result = _merge(result, given, parts, f"update_mask.paths[{i}]")
    return result


def _merge(stored: Any, given: Any, parts: Sequence[str], field: str) -> Any:
    name, rest = parts[0], parts[1:]
    if not is_dataclass(stored) or not hasattr(stored, name):
        raise InvalidArgumentError.of(field, f"names no field: {name!r} is not one")
    ours, theirs = getattr(stored, name), getattr(given, name)
    if not rest:
        return replace(stored, **{name: theirs})  # type: ignore[type-var] # a dataclass, as was just asked
    known = ours if ours is not None else theirs
    if known is None:
        return stored
    empty = type(known)()
    value = _merge(empty if ours is None else ours, empty if theirs is None else theirs, rest, field)
    return replace(stored, **{name: value})  # type: ignore[type-var] # a dataclass, as was just asked
