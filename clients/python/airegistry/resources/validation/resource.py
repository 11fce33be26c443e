"""The rules for the envelope that every kind travels in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from airegistry.errors import FieldViolation, InvalidArgumentError
from airegistry.resources.names import parse_name
from airegistry.resources.resource import Resource, ResourceKind
from airegistry.resources.validation.agent import check_agent
from airegistry.resources.validation.endpoint import check_endpoint
from airegistry.resources.validation.model import check_model
from airegistry.resources.validation.route import check_route
from airegistry.resources.validation.rules import Violations, labels

MAX_LABELS = 64
MAX_QUERY_LABELS = 32

_SPECS = ("model", "endpoint", "agent", "route")
_CHECKS: dict[str, Callable[..., Violations]] = {
    "model": check_model,
    "endpoint": check_endpoint,
    "agent": check_agent,
    "route": check_route,
}


def validate(resource: Resource, *, path: str) -> list[FieldViolation]:
    """Return what is wrong with a resource that somebody wants to register; empty when nothing is.

    *path* is where the resource stands in the request (`resources[3]`); empty for a resource by itself. What the
    registry fills in (`uid`, `revision`, `status`, times) is ignored on input and not looked at. The limit of the
    serialized size is checked by whoever serializes.
    """
    prefix = f"{path}." if path else ""
    return [
        *_check_name(resource, f"{prefix}name"),
        *labels(resource.labels, f"{prefix}labels", most=MAX_LABELS),
        *_check_spec(resource, prefix),
    ]


def validate_labels(wanted: Mapping[str, str], *, path: str) -> list[FieldViolation]:
    """Return what is wrong with labels that a List or a Watch selects by."""
    return list(labels(wanted, path, most=MAX_QUERY_LABELS))


def _check_name(resource: Resource, path: str) -> Violations:
    try:
        kind = parse_name(resource.name, field=path).kind
    except InvalidArgumentError as error:
        yield from error.violations
        return
    if resource.kind is not None and resource.kind is not kind:
        yield FieldViolation(path, f"is the name of {_a(kind)}, but the resource is {_a(resource.kind)}")


def _a(kind: ResourceKind) -> str:
    name = kind.name.lower()
    return f"{'an' if name[0] in 'ae' else 'a'} {name}"


def _check_spec(resource: Resource, prefix: str) -> Violations:
    given = [name for name in _SPECS if getattr(resource, name) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        yield FieldViolation(f"{prefix}spec", f"exactly one of {', '.join(_SPECS)} must be set, found {found}")
        return
    yield from _CHECKS[given[0]](getattr(resource, given[0]), f"{prefix}{given[0]}")
