"""What a caller asks to read or to watch.

The requests mirror the messages of `registry_service.proto` field by field, where the rules are stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from airegistry.resources.requirements import DiscoverQuery
from airegistry.resources.resource import ResourceKind


class ConsistencyLevel(IntEnum):
    """How fresh a read must be."""

    LINEARIZABLE = 1
    NOT_OLDER_THAN = 2
    ANY = 3


@dataclass(frozen=True, slots=True)
class ReadConsistency:
    """How fresh a read must be; an absent level is the default of the RPC."""

    level: ConsistencyLevel | None = None
    min_revision: int = 0


@dataclass(frozen=True, slots=True)
class Get:
    """Read one resource."""

    name: str = ""
    consistency: ReadConsistency | None = None


@dataclass(frozen=True, slots=True)
class List:
    """Read one page of a collection."""

    collection: str = ""
    page_size: int = 0
    page_token: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    filter: str = ""
    consistency: ReadConsistency | None = None


@dataclass(frozen=True, slots=True)
class Discover:
    """Find the best endpoints or agents for a query."""

    query: DiscoverQuery | None = None
    limit: int = 0
    consistency: ReadConsistency | None = None
    name_excluded: bool = False
    omit_models: bool = False


@dataclass(frozen=True, slots=True)
class BatchDiscover:
    """Answer several queries from one revision."""

    requests: tuple[Discover, ...] = ()
    consistency: ReadConsistency | None = None


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
class Watch:
    """Follow the resources that match a filter."""

    filter: WatchFilter | None = None
    resume_token: str = ""
    after_revision: int | None = None
    bookmark_interval: float | None = None
    skip_snapshot: bool = False


@dataclass(frozen=True, slots=True)
class WatchPerformance:
    """Follow what is measured."""

    name_prefix: str = ""
    bookmark_interval: float | None = None


@dataclass(frozen=True, slots=True)
class GetStats:
    """Read what was measured of one target over time."""

    name: str = ""
    period: float | None = None
    step: float | None = None
