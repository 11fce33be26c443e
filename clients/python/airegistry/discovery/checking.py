"""Whether a query can be answered at all; what is wrong with it is said field by field."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import partial
from operator import attrgetter
from typing import Any

from airegistry.discovery.preferences import weight_values
from airegistry.errors import FieldViolation, InvalidArgumentError, UnsupportedFieldError
from airegistry.resources.requirements import DiscoverQuery, Requirements, ScoreWeights, TokenMix

ALL_UNKNOWN = "*"
"""In `allow_unknown`: every requirement that an unknown value can satisfy."""

_FIELDS = tuple(field.name for field in fields(Requirements))
_values = attrgetter(*_FIELDS)
_UNSET = _values(Requirements())

# Requirements about what is always known, and fields that are no requirements.
_NEVER_UNKNOWN = {"usage", "labels", "lifecycle_stages", "credential", "skills", "filter", "allow_unknown"}

MAY_BE_UNKNOWN = frozenset(_FIELDS) - _NEVER_UNKNOWN
"""The names that `allow_unknown` may list."""

_Problems = Iterator[tuple[str, str]]


def asked_of(requirements: Requirements | None) -> dict[str, Any]:
    """Return the fields that are set, with their values."""
    if requirements is None:
        return {}
    # Identity first: most fields are the very objects that a fresh Requirements has.
    each = zip(_FIELDS, _values(requirements), _UNSET, strict=True)
    return {name: value for name, value, unset in each if value is not unset and value != unset}


def check(query: DiscoverQuery, asked: Mapping[str, Any], path: str = "query") -> None:
    """Raise InvalidArgumentError with every violation, or UnsupportedFieldError; *path* is where the query stands."""
    if "filter" in asked:
        raise UnsupportedFieldError.of(f"{path}.requirements.filter", "filter expressions are not implemented")
    violations = [FieldViolation(f"{path}.{field}", problem) for field, problem in _problems(query, asked)]
    if violations:
        raise InvalidArgumentError(violations=violations)


def _problems(query: DiscoverQuery, asked: Mapping[str, Any]) -> _Problems:
    if query.weights is not None:
        if query.preference is not None:
            yield "weights", "excludes preference: set one of them"
        yield from _weight_problems(query.weights)
    for name, value in asked.items():
        if name in _CHECKS:
            for below, problem in _CHECKS[name](value):
                yield f"requirements.{name}{below}", problem


def _weight_problems(weights: ScoreWeights) -> _Problems:
    values = weight_values(weights)
    for field, value in zip(fields(weights), values, strict=True):
        if not math.isfinite(value) or value < 0:
            yield f"weights.{field.name}", f"must be finite and not negative, is {value}"
    if not any(values):
        yield "weights", "must not all be zero"


def _entries(most: int, entries: tuple[str, ...] | Mapping[str, str]) -> _Problems:
    if len(entries) > most:
        yield "", f"has {len(entries)} entries, at most {most} are allowed"
    if "" in entries:
        yield "", "has an empty entry"


def _not_negative(value: float) -> _Problems:
    if not (math.isfinite(value) and value >= 0):
        yield "", f"must be finite and not negative, is {value}"


def _share(value: float) -> _Problems:
    if not 0 <= value <= 1:
        yield "", f"must be between 0 and 1, is {value}"


def _mix(mix: TokenMix) -> _Problems:
    counts = {field.name: getattr(mix, field.name) for field in fields(mix)}
    for name, count in counts.items():
        if count < 0:
            yield f".{name}", f"must not be negative, is {count}"
    if not any(counts.values()):
        yield "", "must have at least one token"


def _names(names: tuple[str, ...]) -> _Problems:
    yield from _entries(32, names)
    for name in names:
        if name and name != ALL_UNKNOWN and name not in MAY_BE_UNKNOWN:
            yield "", f"{name!r} is no requirement that an unknown value could satisfy"


_CHECKS: Mapping[str, Callable[[Any], _Problems]] = {
    "all_capabilities": partial(_entries, 32),
    "any_capabilities": partial(_entries, 32),
    "min_context_tokens": _not_negative,
    "min_output_tokens": _not_negative,
    "max_cost_nanos": _not_negative,
    "max_price_per_million_nanos": _not_negative,
    "usage": _mix,
    "max_time_to_first_token": _not_negative,
    "max_duration": _not_negative,
    "min_tokens_per_second": _not_negative,
    "min_reliability": _share,
    "regions": partial(_entries, 64),
    "providers": partial(_entries, 64),
    "excluded_providers": partial(_entries, 64),
    "models": partial(_entries, 64),
    "labels": partial(_entries, 32),
    "max_retention": _not_negative,
    "quantizations": partial(_entries, 16),
    "dialects": partial(_entries, 32),
    "families": partial(_entries, 32),
    "skills": partial(_entries, 32),
    "allow_unknown": _names,
}
