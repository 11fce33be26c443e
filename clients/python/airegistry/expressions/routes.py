"""The filter expressions that a resource holds: those of a route's queries."""

from __future__ import annotations

from collections.abc import Iterator

from airegistry.errors import FieldViolation, InvalidArgumentError
from airegistry.expressions.expression import compile_expression
from airegistry.resources.resource import Resource


def validate_filters(resource: Resource, *, path: str) -> list[FieldViolation]:
    """Return what is wrong with the filters in a resource that somebody wants to register; empty when nothing is.

    It stands beside `resources.validation.validate`, which knows no expressions. *path* is as there.
    """
    violations: list[FieldViolation] = []
    for where, text in _filters(resource, f"{path}." if path else ""):
        try:
            compile_expression(text, where)
        except InvalidArgumentError as error:
            violations += error.violations
    return violations


def _filters(resource: Resource, prefix: str) -> Iterator[tuple[str, str]]:
    tiers = resource.route.tiers if resource.route is not None else ()
    for i, tier in enumerate(tiers):
        for j, target in enumerate(tier.targets):
            wanted = target.query.requirements if target.query is not None else None
            if wanted is not None and wanted.filter:
                yield f"{prefix}route.tiers[{i}].targets[{j}].query.requirements.filter", wanted.filter
