"""One named, revisioned fact: the envelope that every kind travels in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from airegistry.resources.agent import Agent
from airegistry.resources.endpoint import Endpoint, ProbeStep
from airegistry.resources.model import Model
from airegistry.resources.route import Route


class ResourceKind(IntEnum):
    """Which of the four kinds a resource is."""

    MODEL = 1
    ENDPOINT = 2
    AGENT = 3
    ROUTE = 4


class Liveness(IntEnum):
    """Whether the holder of a lease renews it."""

    LIVE = 1
    SUSPECT = 2
    PRESERVED = 3


class Health(IntEnum):
    """Whether an endpoint or an agent can do its work."""

    SERVING = 1
    DEGRADED = 2
    NOT_SERVING = 3
    DRAINING = 4


class AgentState(IntEnum):
    """What an agent reports about itself."""

    AVAILABLE = 1
    BUSY = 2
    DRAINING = 3


@dataclass(frozen=True, slots=True)
class Probe:
    """How far up the probing ladder the plane came; no step: not even the first one worked."""

    step: ProbeStep | None = None
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class ResourceStatus:
    """What the plane knows about a resource beside its spec."""

    liveness: Liveness | None = None
    lease_ttl: float | None = None
    health: Health | None = None
    health_reason: str = ""
    health_time: datetime | None = None
    agent_state: AgentState | None = None
    probe: Probe | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """One named, revisioned fact in the registry. Exactly one of `model`, `endpoint`, `agent` and `route` is set.

    All four unset: the resource is of a kind that this version does not know; it is skipped.
    """

    name: str = ""
    uid: str = ""
    revision: int = 0
    etag: str = ""
    create_time: datetime | None = None
    update_time: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    status: ResourceStatus | None = None
    model: Model | None = None
    endpoint: Endpoint | None = None
    agent: Agent | None = None
    route: Route | None = None

    @property
    def spec(self) -> Spec | None:
        """What the registrant says of the resource; None for a kind that this version does not know."""
        return self.model or self.endpoint or self.agent or self.route

    @property
    def kind(self) -> ResourceKind | None:
        """Which kind the resource is; None for one that this version does not know."""
        spec = self.spec
        return None if spec is None else _KINDS[type(spec)]


Spec = Model | Endpoint | Agent | Route

_KINDS: dict[type[Spec], ResourceKind] = {
    Model: ResourceKind.MODEL,
    Endpoint: ResourceKind.ENDPOINT,
    Agent: ResourceKind.AGENT,
    Route: ResourceKind.ROUTE,
}
