"""A resource as an import states it, over the one that is there: an import never drops what it does not state."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from airegistry.importers.report import Note
from airegistry.resources.endpoint import Communication, Endpoint
from airegistry.resources.model import Lifecycle, Model, ModelLimits
from airegistry.resources.resource import Resource

T = TypeVar("T")

# Merged field by field; every other value (a price list, a provenance) is one fact, and replaced as a whole.
_BY_FIELD = (Communication, Endpoint, Lifecycle, Model, ModelLimits)
# Lists in which both sides name things that stay true.
_UNITED = frozenset({"aliases", "original_ids"})


def merge(stated: Resource, existing: Resource | None) -> Resource:
    """Return what to register: what is stated, and from *existing* everything about which nothing is stated.

    So a credential, aliases, weights, labels and limits that somebody added outlive every import. Both have the same
    name, hence the same kind. The result has no etag: an import sets no condition.
    """
    if existing is None:
        return stated
    kept = {
        kind: _merged(getattr(existing, kind), getattr(stated, kind))
        for kind in ("model", "endpoint", "agent", "route")
    }
    return Resource(name=stated.name, labels={**existing.labels, **stated.labels}, **kept)


def merge_all(stated: Iterable[Resource], existing: Mapping[str, Resource]) -> tuple[list[Resource], list[Note]]:
    """Return what to register, and a note for each resource that is left alone because somebody else holds it."""
    merged, notes = [], []
    for resource in stated:
        known = existing.get(resource.name)
        if known is not None and known.status is not None and known.status.liveness is not None:
            notes.append(Note(resource.name, "leased by its holder: left alone"))
            continue
        merged.append(merge(resource, known))
    return merged, notes


def changed(resource: Resource, existing: Resource | None) -> bool:
    """Say whether registering *resource* would change anything."""
    return existing is None or (resource.spec, dict(resource.labels)) != (existing.spec, dict(existing.labels))


def _merged(old: Any, new: Any) -> Any:
    if old is None or new is None:
        return old if new is None else new
    return _by_field(old, new)


def _by_field(old: T, new: T) -> T:
    values = {field.name: _field(field, old, new) for field in dataclasses.fields(old)}  # type: ignore[arg-type] # T is a dataclass
    return type(new)(**values)


def _field(field: dataclasses.Field[Any], old: Any, new: Any) -> Any:
    before, after = getattr(old, field.name), getattr(new, field.name)
    if _unstated(field, after):
        return before
    if field.name in _UNITED:
        return tuple(dict.fromkeys((*after, *before)))
    if isinstance(after, Mapping):
        return {**before, **after}
    return _by_field(before, after) if isinstance(after, _BY_FIELD) and before is not None else after


def _unstated(field: dataclasses.Field[Any], value: Any) -> bool:
    # A number that is not optional says nothing at its default: there is no other way to leave it out.
    return value is None or value == field.default or (isinstance(value, (tuple, Mapping)) and not value)
