"""What the registry is asked and answers, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from airegistry.discovery.answers import Candidate, Exclusion
from airegistry.errors import ErrorStatus
from airegistry.resources.requirements import DiscoverQuery
from airegistry.resources.resource import AgentState, Health, Resource, ResourceKind


class ConsistencyLevel(IntEnum):
    """How fresh a read must be."""

    LINEARIZABLE = 1
    NOT_OLDER_THAN = 2
    ANY = 3


@dataclass(frozen=True, slots=True)
class ReadConsistency:
    """How fresh a read must be; `min_revision` is for NOT_OLDER_THAN."""

    level: ConsistencyLevel | None = None
    min_revision: int = 0


@dataclass(frozen=True, slots=True)
class RegisterResponse:
    """What is stored after a Register, in the order of the request."""

    revision: int = 0
    resources: tuple[Resource, ...] = ()
    created_count: int = 0
    updated_count: int = 0
    unchanged_count: int = 0
    lease_ttl: float | None = None


@dataclass(frozen=True, slots=True)
class ListResponse:
    """One page of a List; all pages show one revision."""

    resources: tuple[Resource, ...] = ()
    next_page_token: str = ""
    revision: int = 0
    total_size: int = 0


@dataclass(frozen=True, slots=True)
class DeregisterResponse:
    """The names that a Deregister removed: the resource and its children."""

    revision: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DiscoverRequest:
    """One of the queries of a BatchDiscover."""

    query: DiscoverQuery | None = None
    limit: int = 0
    consistency: ReadConsistency | None = None
    name_excluded: bool = False
    omit_models: bool = False


@dataclass(frozen=True, slots=True)
class DiscoverResponse:
    """The best candidates, the best first, and how many each filter cut."""

    candidates: tuple[Candidate, ...] = ()
    matched_count: int = 0
    exclusions: tuple[Exclusion, ...] = ()
    revision: int = 0
    observation_epoch: int = 0


@dataclass(frozen=True, slots=True)
class BatchDiscoverResponse:
    """The answers of a BatchDiscover, in the order of the queries."""

    responses: tuple[DiscoverResponse, ...] = ()
    revision: int = 0


@dataclass(frozen=True, slots=True)
class LeaseRenewal:
    """A lease to renew, and what its holder reports."""

    name: str = ""
    health: Health | None = None
    agent_state: AgentState | None = None
    load: float | None = None


@dataclass(frozen=True, slots=True)
class LeaseResult:
    """What became of a renewal; `error` is None where the lease was renewed."""

    name: str = ""
    lease_ttl: float | None = None
    error: ErrorStatus | None = None


@dataclass(frozen=True, slots=True)
class HeartbeatResponse:
    """One result per renewal, in the order of the request."""

    results: tuple[LeaseResult, ...] = ()
    revision: int = 0


@dataclass(frozen=True, slots=True)
class WatchFilter:
    """What to watch; all that is set must hold."""

    kinds: tuple[ResourceKind, ...] = ()
    name_prefix: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    filter: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """What to watch and from where on."""

    filter: WatchFilter | None = None
    resume_token: str = ""
    after_revision: int | None = None
    bookmark_interval: float | None = None
    skip_snapshot: bool = False


class WatchResponseKind(IntEnum):
    """What a message of a Watch is."""

    SNAPSHOT = 1
    SNAPSHOT_END = 2
    CHANGES = 3
    BOOKMARK = 4
    RESET = 5


class WatchEventType(IntEnum):
    """What happened to the set that a filter selects."""

    ADDED = 1
    UPDATED = 2
    REMOVED = 3


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change to the set that a filter selects."""

    type: WatchEventType | None = None
    revision: int = 0
    resource: Resource | None = None


@dataclass(frozen=True, slots=True)
class WatchResponse:
    """One message of a Watch, as it comes."""

    kind: WatchResponseKind | None = None
    events: tuple[WatchEvent, ...] = ()
    revision: int = 0
    resume_token: str = ""
    fragment: bool = False
