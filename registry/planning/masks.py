"""Field masks: some fields of a resource taken from another.

A path names fields below Resource (`labels`, `endpoint.weight`). Messages are walked into; maps and lists are replaced as
a whole. A message that is missing on the way is made.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Sequence
from functools import cache
from typing import Any

from airegistry.errors import InvalidArgumentError
from airegistry.resources.resource import Resource

EVERYTHING = "*"
_SPECS = ("model", "endpoint", "agent", "route")
_WRITABLE = ("labels", *_SPECS)


def check_mask(paths: Sequence[str], given: Resource) -> None:
    """Refuse paths that name nothing, or what a caller cannot set."""
    if len(paths) > 1 and EVERYTHING in paths:
        raise InvalidArgumentError.of("update_mask", f"{EVERYTHING!r} stands alone or not at all")
    for i, path in enumerate(paths):
        if path != EVERYTHING:
            _check_path(path, f"update_mask.paths[{i}]", given)


def apply_mask(stored: Resource, given: Resource, paths: Sequence[str]) -> Resource:
    """Return *stored* with the fields at *paths* as in *given*, and with its etag. No paths, or `*`: labels and spec."""
    wanted = _WRITABLE if not paths or EVERYTHING in paths else paths
    merged = stored
    for path in wanted:
        merged = _merge(merged, given, path.split("."))
    return dataclasses.replace(merged, etag=given.etag)


def _check_path(path: str, field: str, given: Resource) -> None:
    parts = path.split(".")
    if parts[0] not in _WRITABLE:
        known = parts[0] in _field_classes(Resource)
        raise InvalidArgumentError.of(field, f"{parts[0]} cannot be changed" if known else "names no field of Resource")
    cls: Any = Resource
    for depth, part in enumerate(parts):
        if cls is None:
            raise InvalidArgumentError.of(field, f"{'.'.join(parts[:depth])} is replaced as a whole")
        if part not in _field_classes(cls):
            raise InvalidArgumentError.of(field, f"names no field: {cls.__name__} has no {part!r}")
        cls = _field_classes(cls)[part]
    if parts[0] in _SPECS and len(parts) == 1 and getattr(given, parts[0]) is None:
        raise InvalidArgumentError.of(f"resource.{parts[0]}", f"is required by {field}")


def _merge(stored: Any, given: Any, parts: Sequence[str]) -> Any:
    """Return *stored* with one field, however deep, as in *given*; where *given* has None, the field is cleared."""
    name, rest = parts[0], parts[1:]
    theirs = getattr(given, name) if given is not None else _empty(type(stored), name)
    if not rest:
        return dataclasses.replace(stored, **{name: theirs})
    ours = getattr(stored, name)
    if ours is None:
        ours = _field_classes(stored.__class__)[name]()
    return dataclasses.replace(stored, **{name: _merge(ours, theirs, rest)})


def _empty(cls: type, name: str) -> Any:
    return getattr(cls(), name)


@cache
def _field_classes(cls: Any) -> dict[str, Any]:
    """Return the fields of a dataclass, each with the dataclass that it holds, None for other values."""
    hints = typing.get_type_hints(cls)
    return {field.name: _dataclass_in(hints[field.name]) for field in dataclasses.fields(cls)}


def _dataclass_in(hint: Any) -> type[Any] | None:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(arg for arg in typing.get_args(hint) if arg is not type(None))
    return hint if isinstance(hint, type) and dataclasses.is_dataclass(hint) else None
