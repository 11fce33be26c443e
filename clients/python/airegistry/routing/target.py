"""An endpoint or an agent that may be asked, and on which terms."""

from __future__ import annotations

from dataclasses import dataclass

from airegistry._making import quickly_made
from airegistry.discovery.answers import Score
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.resource import Health, Resource
from airegistry.resources.route import RequestOverrides


@quickly_made
@dataclass(frozen=True, slots=True)
class Target:
    """One candidate of a call."""

    resource: Resource
    endpoint: Endpoint
    score: Score
    model: Resource | None = None
    cost_nanos: int | None = None
    overrides: RequestOverrides | None = None

    @property
    def name(self) -> str:
        """The endpoint's or the agent's full name."""
        return self.resource.name

    @property
    def is_agent(self) -> bool:
        """Whether it is an agent: it works for a long time in silence, and what it does may have effects."""
        return self.resource.agent is not None

    @property
    def weight(self) -> int:
        """Its share among equals."""
        return 1 if self.endpoint.weight is None else self.endpoint.weight

    @property
    def degraded(self) -> bool:
        """Whether it answers, but badly."""
        return self.resource.status is not None and self.resource.status.health is Health.DEGRADED

    @property
    def rank(self) -> tuple[int, bool]:
        """Who must go first whatever the pick: lower priority numbers, then those in good health."""
        return (self.endpoint.priority, self.degraded)

    @property
    def context_tokens(self) -> int | None:
        """How much fits; None where it is unknown."""
        limits = self.endpoint.limits
        if limits is not None and limits.context_tokens is not None:
            return limits.context_tokens
        model = self.model.model if self.model is not None else None
        return model.limits.context_tokens if model is not None and model.limits is not None else None


@quickly_made
@dataclass(frozen=True, slots=True)
class Group:
    """Targets of one entry of a tier, best first. The groups of a tier share its calls by *weight*.

    `key` is what the entry names, so that a session finds its group again whatever stands beside it.
    """

    targets: tuple[Target, ...]
    weight: int = 1
    key: str = ""


Tier = tuple[Group, ...]
