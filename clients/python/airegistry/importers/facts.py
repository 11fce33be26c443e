"""A spec as single facts, each with who said it: what imports merge, and what sources are compared by.

A fact is named by its field, and by the field or key within it where these stand for themselves: `tasks`,
`limits.context_tokens`, `capabilities.tools`. A price list is one fact, with a provenance of its own.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from airegistry.resources.endpoint import Communication, Endpoint
from airegistry.resources.model import Lifecycle, Model, ModelLimits
from airegistry.resources.prices import PriceList
from airegistry.resources.provenance import FactSource, Provenance

Spec = TypeVar("Spec", Model, Endpoint)

PRICES = "prices"
# Taken apart into their fields; every other value (a price list, a list of tasks) is one fact.
_PARTS = (Communication, Lifecycle, ModelLimits)
_NO_FACTS = frozenset({"provenance", "fact_sources"})


@dataclass(frozen=True, slots=True)
class Owner:
    """Who said a fact (empty: the registrant), and whether it was only concluded from what they said."""

    source: str = ""
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What is said, and by whom."""

    value: Any
    owner: Owner


def facts_of(spec: Model | Endpoint) -> dict[str, Said]:
    """Return everything that a spec says, by the name of the fact. What is unset says nothing."""
    main = source_of(spec.provenance)
    owners = {
        field: Owner(source_of(part.provenance) if part.provenance is not None else main, part.inferred)
        for part in spec.fact_sources
        for field in part.fields
    }
    prices = spec.prices if isinstance(spec, Endpoint) else None
    if prices is not None and prices.provenance is not None:
        owners[PRICES] = Owner(prices.provenance.source)
    return {name: Said(value, owners.get(name, Owner(main))) for name, value in _facts(spec, "")}


def provenances_of(spec: Model | Endpoint) -> dict[str, Provenance]:
    """Return the provenance of each source that a spec has facts of."""
    parts = [part.provenance for part in spec.fact_sources]
    return {found.source: found for found in (*parts, spec.provenance) if found is not None}


def with_facts(spec: Spec, facts: Mapping[str, Said], provenances: Mapping[str, Provenance]) -> Spec:
    """Return *spec* with these facts, and who said them. Its own source stays the main one."""
    main = source_of(spec.provenance)
    groups: dict[Owner, list[str]] = defaultdict(list)
    for name, said in facts.items():
        if name != PRICES and said.owner != Owner(main):
            groups[said.owner].append(name)
    sources = tuple(
        FactSource(
            tuple(sorted(names)), provenances.get(owner.source) if owner.source != main else None, owner.inferred
        )
        for owner, names in sorted(groups.items(), key=lambda group: (group[0].source, group[0].inferred))
    )
    fields = _fields(spec, {name: said.value for name, said in facts.items()})
    return replace(spec, **fields, provenance=provenances.get(main, spec.provenance), fact_sources=sources)


def source_of(provenance: Provenance | None) -> str:
    """Return the name of a source; empty for the registrant."""
    return provenance.source if provenance is not None else ""


def same_source(one: Provenance | None, other: Provenance | None) -> bool:
    """Say whether two provenances are the same, whenever it was read."""
    if one is None or other is None:
        return one is other
    return replace(one, retrieve_time=None) == replace(other, retrieve_time=None)


def same_fact(one: Any, other: Any) -> bool:
    """Say whether two sources say the same; who says it is no part of what is said."""
    if isinstance(one, PriceList) and isinstance(other, PriceList):
        return one.schedules == other.schedules
    return bool(one == other)


def _facts(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(value):
        found = getattr(value, field.name)
        if unset(field, found) or (not prefix and field.name in _NO_FACTS):
            continue
        name = f"{prefix}{field.name}"
        if isinstance(found, _PARTS):
            yield from _facts(found, f"{name}.")
        elif isinstance(found, Mapping):
            yield from ((f"{name}.{key}", each) for key, each in found.items())
        else:
            yield name, found


def unset(field: dataclasses.Field[Any], value: Any) -> bool:
    """Say whether a field says nothing. A number that is not optional cannot be left out but by its default."""
    return value is None or value == field.default or (isinstance(value, (tuple, Mapping)) and not value)


def _fields(spec: Model | Endpoint, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that facts make, the parts put together again."""
    values: dict[str, Any] = {}
    parts: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, value in facts.items():
        field, _, rest = name.partition(".")
        if rest:
            parts[field][rest] = value
        else:
            values[field] = value
    for field, found in parts.items():
        values[field] = _part(spec, field, found)
    return values


def _part(spec: Model | Endpoint, field: str, found: Mapping[str, Any]) -> Any:
    kind = _KINDS.get(field)
    if kind is None:
        return {**getattr(spec, field), **found}
    before = getattr(spec, field)
    nested = {name: value for name, value in found.items() if "." not in name}
    maps: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, value in found.items():
        inner, _, key = name.partition(".")
        if key:
            maps[inner][key] = value
    return replace(before if before is not None else kind(), **nested, **maps)


_KINDS: Mapping[str, type[Any]] = {"communication": Communication, "lifecycle": Lifecycle, "limits": ModelLimits}
