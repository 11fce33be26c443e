"""The rules for Discover queries, wherever they stand: in a request, an invocation or a route."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields
from functools import partial
from operator import attrgetter
from typing import Any

from airegistry.errors import FieldViolation
from airegistry.resources.requirements import DiscoverQuery, Requirements, ScoreWeights, TokenMix
from airegistry.resources.validation.contradictions import contradictions
from airegistry.resources.validation.rules import (
    MAX_DURATION,
    MAX_INT64,
    Violations,
    duration,
    each,
    labels,
    number,
    required,
    share,
    whole,
)

ALL_UNKNOWN = "*"
"""In `allow_unknown`: every requirement that an unknown value can satisfy."""

_FIELDS = tuple(field.name for field in fields(Requirements))
_values = attrgetter(*_FIELDS)
_UNSET = _values(Requirements())

# The numbers by which one query differs from the next, and the most that each may be.
_NUMBERS = {
    "min_context_tokens": MAX_INT64,
    "min_output_tokens": MAX_INT64,
    "min_input_tokens": MAX_INT64,
    "max_cost_nanos": MAX_INT64,
    "max_price_per_million_nanos": MAX_INT64,
    "max_time_to_first_token": MAX_DURATION,
    "max_duration": MAX_DURATION,
    "min_tokens_per_second": MAX_INT64,
    "min_reliability": 1,
    "max_retention": MAX_DURATION,
}
_MOST = tuple(_NUMBERS.values())
_others = attrgetter(*(name for name in _FIELDS if name not in _NUMBERS and name != "labels"))
_numbers = attrgetter(*_NUMBERS)

# Requirements about what is always known, and fields that are no requirements.
_NEVER_UNKNOWN = {"usage", "labels", "lifecycle_stages", "credential", "skills", "filter", "allow_unknown"}

MAY_BE_UNKNOWN = frozenset(_FIELDS) - _NEVER_UNKNOWN
"""The names that `allow_unknown` may list."""


def asked_of(requirements: Requirements | None) -> dict[str, Any]:
    """Return the fields that are set, with their values."""
    if requirements is None:
        return {}
    # Identity first: most fields are the very objects that a fresh Requirements has.
    each_field = zip(_FIELDS, _values(requirements), _UNSET, strict=True)
    return {name: value for name, value, unset in each_field if value is not unset and value != unset}


def shape_of(requirements: Requirements) -> Hashable:
    """Return what is required but for the numbers."""
    labelled = requirements.labels
    return _others(requirements), tuple(sorted(labelled.items())) if labelled else ()


def numbers_of(requirements: Requirements) -> tuple[float | None, ...]:
    """Return the numbers that are required; None is unset."""
    found: tuple[float | None, ...] = _numbers(requirements)
    return found


def surely_valid(numbers: tuple[float | None, ...]) -> bool:
    """Say whether no rule can refuse numbers that are required together: some rules only look at 0, or at several counts of tokens."""
    context, output, given = numbers[:3]
    if context is not None and (output is not None or given is not None):
        return False
    for value, most in zip(numbers, _MOST, strict=True):  # noqa: SIM110 - a generator would take twice as long
        if value is not None and not 0 < value <= most:
            return False
    return True


def validate_query(query: DiscoverQuery, *, path: str) -> list[FieldViolation]:
    """Return what is wrong with a query; empty when nothing is. *path* is where it stands in the request."""
    return list(check_query(query, path))


def check_query(query: DiscoverQuery, path: str) -> Violations:
    """Yield what is wrong with a query, its filter expression aside."""
    yield from check_asked(query, asked_of(query.requirements), path)


def check_asked(query: DiscoverQuery, asked: Mapping[str, Any], path: str) -> Violations:
    """Yield what is wrong with a query of which *asked* are the requirements that are set."""
    if query.weights is not None:
        if query.preference is not None:
            yield FieldViolation(f"{path}.weights", "must be unset when preference is set")
        yield from _check_weights(query.weights, f"{path}.weights")
    wrong = False
    for name, value in asked.items():
        check = _CHECKS.get(name)
        if check is not None:
            for violation in check(value, f"{path}.requirements.{name}"):
                wrong = True
                yield violation
    # What makes no sense by itself cannot contradict anything.
    if not wrong:
        yield from contradictions(query, asked, path)


def _check_requirement_name(name: str, path: str) -> Violations:
    if name != ALL_UNKNOWN and name not in MAY_BE_UNKNOWN:
        yield FieldViolation(path, "is not the name of a requirement that an unknown value could satisfy, nor *")


def _check_mix(mix: TokenMix, path: str) -> Violations:
    counts = {field.name: getattr(mix, field.name) for field in fields(mix)}
    for name, count in counts.items():
        yield from whole(count, f"{path}.{name}")
    if not any(counts.values()):
        yield FieldViolation(path, "must have at least one token")


def _check_weights(weights: ScoreWeights, path: str) -> Violations:
    values = {field.name: getattr(weights, field.name) for field in fields(weights)}
    for name, value in values.items():
        yield from number(value, f"{path}.{name}", low=0)
    if not any(values.values()):
        yield FieldViolation(path, "must not all be 0")


def _named(most: int) -> Callable[[tuple[str, ...], str], Violations]:
    return partial(each, check=required, most=most)


_CHECKS: Mapping[str, Callable[[Any, str], Violations]] = {
    "all_capabilities": _named(32),
    "any_capabilities": _named(32),
    "min_context_tokens": whole,
    "min_output_tokens": whole,
    "min_input_tokens": whole,
    "max_cost_nanos": whole,
    "max_price_per_million_nanos": whole,
    "usage": _check_mix,
    "max_time_to_first_token": duration,
    "max_duration": duration,
    "min_tokens_per_second": partial(number, low=0),
    "min_reliability": share,
    "regions": _named(64),
    "providers": _named(64),
    "excluded_providers": _named(64),
    "models": _named(64),
    "labels": partial(labels, most=32),
    "max_retention": duration,
    "quantizations": _named(16),
    "dialects": _named(32),
    "families": _named(32),
    "skills": _named(32),
    "allow_unknown": partial(each, check=_check_requirement_name, most=32),
}
