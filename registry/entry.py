"""A resource beside its serialized bytes: the one place where protobuf bytes sit next to fields.

Replies and events splice these bytes instead of building messages again. The bytes are made in three pieces, which
protobuf allows to be joined: a header (name, uid, etag, times, status), the content (labels and spec, what the registrant
said), and the revision. The revision comes last because the store hands it out inside the transaction: rows are
written without it, and it is appended when the write has its number.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import replace
from hashlib import blake2b

from airegistry._convert import from_pb, timestamp_to_pb, to_pb
from airegistry.resources.resource import Resource, ResourceKind
from airegistry.v1 import resource_pb2


class Entry:
    """A resource as stored at one revision; `wire` is the serialized `airegistry.v1.Resource`.

    An entry that was read from the store parses its fields when they are first asked for: most of a long history never
    is.
    """

    __slots__ = ("_resource", "kind", "name", "revision", "wire")

    def __init__(self, *, name: str, kind: ResourceKind, revision: int, body: bytes) -> None:
        self.name = name
        self.kind = kind
        self.revision = revision
        self.wire = body + _revision_field(revision)
        self._resource: Resource | None = None

    def __repr__(self) -> str:
        return f"Entry({self.name!r}, revision={self.revision})"

    @property
    def resource(self) -> Resource:
        """The fields."""
        if self._resource is None:
            self._resource = from_pb(Resource, resource_pb2.Resource.FromString(self.wire))
        return self._resource

    @property
    def body(self) -> bytes:
        """The bytes without the revision, as the store keeps them."""
        return self.wire.removesuffix(_revision_field(self.revision))


class Draft:
    """An entry that has no revision yet."""

    __slots__ = ("body", "kind", "name", "resource")

    def __init__(self, resource: Resource, kind: ResourceKind, content: bytes) -> None:
        self.name = resource.name
        self.kind = kind
        self.resource = resource
        self.body = _header(resource) + content

    def at(self, revision: int) -> Entry:
        """Return the entry that this became at *revision*; 0 for one that is only shown."""
        entry = Entry(name=self.name, kind=self.kind, revision=revision, body=self.body)
        entry._resource = replace(self.resource, revision=revision)  # noqa: SLF001 - saves parsing what is at hand
        return entry


def content_of(resource: Resource) -> bytes:
    """Return the serialized labels and spec: equal content gives equal bytes."""
    said = Resource(
        labels=resource.labels,
        model=resource.model,
        endpoint=resource.endpoint,
        agent=resource.agent,
        route=resource.route,
    )
    message = to_pb(said, resource_pb2.Resource)
    return bytes(message.SerializeToString(deterministic=True))


def etag_of(content: bytes) -> str:
    """Return the etag of serialized content; two resources with one etag are the same."""
    return urlsafe_b64encode(blake2b(content, digest_size=15).digest()).decode()


def _header(resource: Resource) -> bytes:
    message = resource_pb2.Resource(
        name=resource.name,
        uid=resource.uid,
        etag=resource.etag,
        create_time=timestamp_to_pb(resource.create_time) if resource.create_time is not None else None,
        update_time=timestamp_to_pb(resource.update_time) if resource.update_time is not None else None,
        status=to_pb(resource.status, resource_pb2.ResourceStatus) if resource.status is not None else None,
    )
    return bytes(message.SerializeToString())


def _revision_field(revision: int) -> bytes:
    return bytes(resource_pb2.Resource(revision=revision).SerializeToString())
