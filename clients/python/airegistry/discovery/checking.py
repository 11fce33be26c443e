"""Whether a query can be answered at all; what is wrong with it is said field by field."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields

from airegistry.discovery.preferences import weight_values
from airegistry.discovery.rates import MAX_MIX_TOKENS, total_tokens
from airegistry.errors import FieldViolation, InvalidArgumentError, UnsupportedFieldError
from airegistry.resources.requirements import DiscoverQuery, Requirements, ScoreWeights, TokenMix

ALL_UNKNOWN = "*"
"""In `allow_unknown`: every requirement that an unknown value can satisfy."""

_MOST_ENTRIES = {
    "all_capabilities": 32,
    "any_capabilities": 32,
    "regions": 64,
    "providers": 64,
    "excluded_providers": 64,
    "models": 64,
    "labels": 32,
    "quantizations": 16,
    "dialects": 32,
    "families": 32,
    "skills": 32,
    "allow_unknown": 32,
}
_NOT_NEGATIVE = (
    "min_context_tokens",
    "min_output_tokens",
    "max_cost_nanos",
    "max_price_per_million_nanos",
    "max_time_to_first_token",
    "max_duration",
    "min_tokens_per_second",
    "max_retention",
)
# Requirements about what is always known, and fields that are no requirements.
_NEVER_UNKNOWN = {"usage", "labels", "lifecycle_stages", "credential", "skills", "filter", "allow_unknown"}

MAY_BE_UNKNOWN = frozenset(field.name for field in fields(Requirements)) - _NEVER_UNKNOWN
"""The names that `allow_unknown` may list."""


def check(query: DiscoverQuery, path: str = "query") -> None:
    """Raise InvalidArgumentError with every violation, or UnsupportedFieldError; *path* is where the query stands."""
    requirements = query.requirements
    if requirements is not None and requirements.filter:
        raise UnsupportedFieldError.of(f"{path}.requirements.filter", "filter expressions are not implemented")
    violations = [FieldViolation(f"{path}.{field}", problem) for field, problem in _problems(query)]
    if violations:
        raise InvalidArgumentError(violations=violations)


def _problems(query: DiscoverQuery) -> Iterator[tuple[str, str]]:
    if query.weights is not None:
        if query.preference is not None:
            yield "weights", "excludes preference: set one of them"
        yield from _weight_problems(query.weights)
    if query.requirements is not None:
        for field, problem in _requirement_problems(query.requirements):
            yield f"requirements.{field}", problem


def _weight_problems(weights: ScoreWeights) -> Iterator[tuple[str, str]]:
    values = weight_values(weights)
    for field, value in zip(fields(weights), values, strict=True):
        if not math.isfinite(value) or value < 0:
            yield f"weights.{field.name}", f"must be finite and not negative, is {value}"
    if not any(values):
        yield "weights", "must not all be zero"


def _requirement_problems(requirements: Requirements) -> Iterator[tuple[str, str]]:
    for name, most in _MOST_ENTRIES.items():
        entries = getattr(requirements, name)
        if len(entries) > most:
            yield name, f"has {len(entries)} entries, at most {most} are allowed"
        if "" in entries:
            yield name, "has an empty entry"
    for name in _NOT_NEGATIVE:
        value = getattr(requirements, name)
        if value is not None and not (math.isfinite(value) and value >= 0):
            yield name, f"must be finite and not negative, is {value}"
    share = requirements.min_reliability
    if share is not None and not 0 <= share <= 1:
        yield "min_reliability", f"must be between 0 and 1, is {share}"
    if requirements.usage is not None:
        yield from _mix_problems(requirements.usage)
    for name in requirements.allow_unknown:
        if name and name != ALL_UNKNOWN and name not in MAY_BE_UNKNOWN:
            yield "allow_unknown", f"{name!r} is no requirement that an unknown value could satisfy"


def _mix_problems(mix: TokenMix) -> Iterator[tuple[str, str]]:
    for field in fields(mix):
        count = getattr(mix, field.name)
        if not 0 <= count <= MAX_MIX_TOKENS:
            yield f"usage.{field.name}", f"must be between 0 and {MAX_MIX_TOKENS}, is {count}"
    if total_tokens(mix) == 0:
        yield "usage", "must have at least one token"
