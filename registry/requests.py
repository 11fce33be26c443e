"""What a caller asks the catalog to do, and what became of it.

The requests mirror the messages of `registry_service.proto` field by field, where the rules are stated.
"""

from __future__ import annotations

from dataclasses import dataclass

from airegistry.errors import ErrorStatus
from airegistry.resources.resource import AgentState, Health, Resource
from registry.entry import Entry

MAX_BATCH = 1_000
"""Resources in one Register, renewals in one Heartbeat."""
MAX_BATCH_BYTES = 3 * 1024 * 1024
MAX_RESOURCE_BYTES = 256 * 1024
MIN_LEASE_TTL = 1.0
MAX_LEASE_TTL = 24 * 3600.0
MIN_OWNER_ID = 8
MAX_OWNER_ID = 128
MAX_REQUEST_ID = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterBatch:
    """Create or replace resources, all or none of them."""

    resources: tuple[Resource, ...] = ()
    lease_ttl: float | None = None
    owner_id: str = ""
    take_over: bool = False
    create_only: bool = False
    validate_only: bool = False
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class RegisterResult:
    """What is stored now, in the order of the request.

    After `validate_only`, what would be stored; a resource that would change then has revision 0.
    """

    revision: int
    entries: tuple[Entry, ...]
    created_count: int = 0
    updated_count: int = 0
    unchanged_count: int = 0
    lease_ttl: float | None = None


@dataclass(frozen=True, slots=True)
class FieldMask:
    """Paths below Resource; empty or `*`: the whole spec and the labels."""

    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Change the named fields of one resource."""

    resource: Resource | None = None
    update_mask: FieldMask | None = None
    owner_id: str = ""
    validate_only: bool = False
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """What is stored now; after `validate_only` what would be."""

    revision: int
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Deregistration:
    """Remove one resource; a model takes its endpoints with it."""

    name: str = ""
    etag: str = ""
    owner_id: str = ""
    allow_missing: bool = False
    validate_only: bool = False
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class DeregisterResult:
    """The names that were removed: the resource, then its children."""

    revision: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeaseRenewal:
    """A lease to renew, and what its holder reports beside."""

    name: str = ""
    health: Health | None = None
    agent_state: AgentState | None = None
    load: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatBatch:
    """Renew leases of one owner."""

    renewals: tuple[LeaseRenewal, ...] = ()
    owner_id: str = ""


@dataclass(frozen=True, slots=True)
class LeaseResult:
    """What became of a renewal: the granted time to live, or why there is none."""

    name: str
    lease_ttl: float | None = None
    error: ErrorStatus | None = None


@dataclass(frozen=True, slots=True)
class HeartbeatResult:
    """One result per renewal, in the order of the request."""

    revision: int
    results: tuple[LeaseResult, ...]
