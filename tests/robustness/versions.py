"""A resource as it was at one revision, small enough to keep for every event of a run."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from airegistry.resources.names import parse_name
from airegistry.v1 import resource_pb2

TOKEN = "token"
"""The label that each write gives a value of its own, so that what is stored says who wrote it."""

LIVE, SUSPECT, PRESERVED = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Version:
    """One version; `digest` is over all its fields, so that two equal versions are the same to the last byte.

    `ttl` is None for a resource without a lease; `status` is a digest of what the plane says of it; `words` are what a filter by capability looks at.
    """

    name: str
    revision: int
    digest: str
    etag: str
    uid: str
    labels: dict[str, str]
    kind: int
    liveness: int
    ttl: float | None
    status: str
    words: tuple[str, ...]

    @property
    def token(self) -> str:
        """The write that gave it its labels and spec."""
        return self.labels.get(TOKEN, "")


class Versions:
    """Makes versions; equal ones are one object, however often they were sent."""

    def __init__(self) -> None:
        self._known: dict[bytes, Version] = {}

    def of(self, message: resource_pb2.Resource) -> Version:
        """Return the version that *message* shows."""
        digest = blake2b(message.SerializeToString(deterministic=True), digest_size=12).digest()
        version = self._known.get(digest)
        if version is None:
            version = self._known[digest] = _version(message, digest.hex())
        return version

    def stored(self, revision: int, body: bytes) -> Version:
        """Return the version that a row of the store holds: its body says everything but the revision."""
        message = resource_pb2.Resource.FromString(body)
        message.revision = revision
        return self.of(message)

    def clear(self) -> None:
        """Forget them all."""
        self._known.clear()


def _version(message: resource_pb2.Resource, digest: str) -> Version:
    status = message.status
    return Version(
        name=message.name,
        revision=message.revision,
        digest=digest,
        etag=message.etag,
        uid=message.uid,
        labels=dict(message.labels),
        kind=int(parse_name(message.name).kind),
        liveness=int(status.liveness),
        ttl=status.lease_ttl.ToTimedelta().total_seconds() if status.HasField("lease_ttl") else None,
        status=blake2b(status.SerializeToString(deterministic=True), digest_size=6).hexdigest(),
        words=_words(message),
    )


def _words(message: resource_pb2.Resource) -> tuple[str, ...]:
    """Return what the filter by capability finds in a model or an agent."""
    capabilities = message.model.capabilities.items()
    skills = message.agent.skills
    return (
        *sorted(name for name, capability in capabilities if capability.supported),
        *(word for skill in skills for word in (skill.id, *skill.tags)),
    )
