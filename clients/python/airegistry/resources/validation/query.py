"""The rules for Discover queries."""

from __future__ import annotations

from dataclasses import fields

from airegistry.errors import FieldViolation
from airegistry.resources.requirements import DiscoverQuery, Requirements, ScoreWeights, TokenMix
from airegistry.resources.validation.rules import (
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

_MOST = {
    "all_capabilities": 32,
    "any_capabilities": 32,
    "regions": 64,
    "providers": 64,
    "excluded_providers": 64,
    "models": 64,
    "quantizations": 16,
    "dialects": 32,
    "families": 32,
    "skills": 32,
}
_WHOLE = ("min_context_tokens", "min_output_tokens", "max_cost_nanos", "max_price_per_million_nanos")
_DURATIONS = ("max_time_to_first_token", "max_duration", "max_retention")
_REQUIREMENTS = frozenset(field.name for field in fields(Requirements)) - {"allow_unknown", "usage", "filter"}


def validate_query(query: DiscoverQuery, *, path: str) -> list[FieldViolation]:
    """Return what is wrong with a query; empty when nothing is. *path* is where it stands in the request."""
    return list(check_query(query, path))


def check_query(query: DiscoverQuery, path: str) -> Violations:
    """Yield what is wrong with a query."""
    if query.requirements is not None:
        yield from _check_requirements(query.requirements, f"{path}.requirements")
    if query.weights is not None:
        if query.preference is not None:
            yield FieldViolation(f"{path}.weights", "must be unset when preference is set")
        yield from _check_weights(query.weights, f"{path}.weights")


def _check_requirements(wanted: Requirements, path: str) -> Violations:
    for name, most in _MOST.items():
        yield from each(getattr(wanted, name), f"{path}.{name}", required, most=most)
    for name in _WHOLE:
        yield from whole(getattr(wanted, name), f"{path}.{name}")
    for name in _DURATIONS:
        yield from duration(getattr(wanted, name), f"{path}.{name}")
    if wanted.usage is not None:
        yield from _check_mix(wanted.usage, f"{path}.usage")
    yield from number(wanted.min_tokens_per_second, f"{path}.min_tokens_per_second", low=0)
    yield from share(wanted.min_reliability, f"{path}.min_reliability")
    yield from labels(wanted.labels, f"{path}.labels", most=32)
    yield from each(wanted.allow_unknown, f"{path}.allow_unknown", _check_requirement_name, most=32)


def _check_requirement_name(name: str, path: str) -> Violations:
    if name != "*" and name not in _REQUIREMENTS:
        yield FieldViolation(path, "is not the name of a requirement, nor *")


def _check_mix(mix: TokenMix, path: str) -> Violations:
    for field in fields(mix):
        yield from whole(getattr(mix, field.name), f"{path}.{field.name}", high=MAX_INT64)


def _check_weights(weights: ScoreWeights, path: str) -> Violations:
    values = {field.name: getattr(weights, field.name) for field in fields(weights)}
    for name, value in values.items():
        yield from number(value, f"{path}.{name}", low=0)
    if not any(values.values()):
        yield FieldViolation(path, "must not all be 0")
