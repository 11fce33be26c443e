"""A resource that somebody wants to write."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from airegistry.errors import EtagMismatchError, FieldViolation, InvalidArgumentError, RequestTooLargeError
from airegistry.expressions.routes import validate_filters
from airegistry.resources.names import ResourceName, parse_name
from airegistry.resources.resource import Resource, ResourceStatus
from airegistry.resources.validation import validate
from registry.entry import Draft, Entry, content_of, etag_of
from registry.requests import MAX_RESOURCE_BYTES


@dataclass(frozen=True, slots=True)
class Proposal:
    """A valid resource, its serialized content and the etag that this gives; `path` is where it stands in the request."""

    resource: Resource
    name: ResourceName
    content: bytes
    etag: str
    path: str

    def check_etag(self, old: Entry | None) -> None:
        """Refuse the write when the caller named an etag and *old* has another."""
        check_etag(self.resource.etag, old, self.resource.name, f"{self.path}.etag")

    def draft(self, old: Entry | None, *, status: ResourceStatus | None, time: datetime) -> Draft:
        """Return the next state of the resource."""
        stored = old.resource if old is not None else None
        resource = replace(
            self.resource,
            uid=stored.uid if stored is not None else str(uuid.uuid4()),
            revision=0,
            etag=self.etag,
            create_time=stored.create_time if stored is not None else time,
            update_time=time,
            status=status,
        )
        return Draft(resource, self.name.kind, self.content)


def propose(resources: Sequence[tuple[str, Resource]]) -> tuple[Proposal, ...]:
    """Check resources, each with its path in the request; raise what is wrong with all of them together."""
    violations: list[FieldViolation] = []
    for path, resource in resources:
        violations += validate(resource, path=path)
        violations += validate_filters(resource, path=path)
    if violations:
        raise InvalidArgumentError(violations=violations)
    return tuple(_proposal(resource, path) for path, resource in resources)


def restated(old: Entry, *, status: ResourceStatus | None, time: datetime) -> Draft:
    """Return the next state of a resource of which only the status changes."""
    resource = replace(old.resource, revision=0, status=status, update_time=time)
    return Draft(resource, old.kind, content_of(resource))


def check_etag(wanted: str, old: Entry | None, name: str, path: str) -> None:
    """Refuse a write that names an etag other than the stored one."""
    if wanted and (old is None or old.resource.etag != wanted):
        found = f"its etag is {old.resource.etag!r}" if old is not None else "it does not exist"
        raise EtagMismatchError(f"{path}: {name} changed: {found}, not {wanted!r}", metadata={"name": name})


def _proposal(resource: Resource, path: str) -> Proposal:
    content = content_of(resource)
    if len(content) > MAX_RESOURCE_BYTES:
        raise RequestTooLargeError(
            violations=[FieldViolation(path, f"has {len(content)} bytes; a resource has at most {MAX_RESOURCE_BYTES}")],
            metadata={"limit": str(MAX_RESOURCE_BYTES), "count": str(len(content))},
        )
    return Proposal(resource, parse_name(resource.name, field=f"{path}.name"), content, etag_of(content), path)
