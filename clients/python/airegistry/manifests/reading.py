"""Manifests: YAML or JSON files that hold resources."""

from __future__ import annotations

from typing import Any

from airegistry.errors import FieldViolation, InvalidArgumentError, RequestTooLargeError
from airegistry.manifests.documents import Block, Items, parse
from airegistry.manifests.fields import read_into
from airegistry.manifests.places import Findings, Place
from airegistry.manifests.scalars import shown
from airegistry.resources.resource import Resource
from airegistry.resources.validation import validate

MAX_BYTES = 16 * 1024 * 1024


def read_manifests(text: str, *, source: str = "input") -> tuple[Resource, ...]:
    """Return the resources in *text*: one, a list, `resources: […]`, or several of these as documents.

    What they say is checked against the rules of the contract. Raises InvalidArgumentError with everything that is wrong,
    by the path from `resources[0]` on, counted over the whole text, and with the line where it is known.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        violation = FieldViolation(source, f"must have at most {MAX_BYTES} bytes, has {size}")
        raise RequestTooLargeError(violations=[violation], metadata={"limit": str(MAX_BYTES), "count": str(size)})
    findings = Findings(source)
    items = [item for document in parse(text, source) for item in _items(document, findings)]
    resources = [_resource(value, index, line, findings) for index, (value, line) in enumerate(items)]
    if findings.violations:
        raise InvalidArgumentError(violations=findings.violations)
    return tuple(resource for resource in resources if resource is not None)


def _items(document: Any, findings: Findings) -> list[tuple[Any, int | None]]:
    """Return the values that should be resources, each with its line."""
    if isinstance(document, dict) and "resources" in document:
        for key in document.keys() - {"resources"}:
            findings.add(key, "stands beside resources, and belongs to none of them")
        return _list(document["resources"], findings)
    if isinstance(document, list):
        return _list(document, findings)
    if document is None:
        return []
    return [(document, min(document.lines.values(), default=None) if isinstance(document, Block) else None)]


def _list(value: Any, findings: Findings) -> list[tuple[Any, int | None]]:
    if not isinstance(value, list):
        findings.add("resources", f"must be a list, found {shown(value)}")
        return []
    lines = value.lines if isinstance(value, Items) else [None] * len(value)
    return list(zip(value, lines, strict=True))


def _resource(value: Any, index: int, line: int | None, findings: Findings) -> Resource | None:
    path = f"resources[{index}]"
    if line is not None:
        findings.lines[path] = line
    before = len(findings.violations)
    resource = read_into(Resource, value, Place(path, findings))
    # A field that could not be read would be reported again, as missing.
    if resource is not None and len(findings.violations) == before:
        findings.extend(validate(resource, path=path))
    return resource
