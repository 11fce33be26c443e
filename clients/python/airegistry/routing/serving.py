"""Who serves a model, as targets: made once for what the registry says of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from airegistry.discovery.answers import Ranked, Score
from airegistry.discovery.naming import parent_of
from airegistry.resources.calling import endpoint_of
from airegistry.resources.model import LifecycleStage
from airegistry.resources.requirements import CredentialRequirement, DiscoverQuery, HealthRequirement, Requirements
from airegistry.routing.target import Target
from airegistry.routing.view import View

_ALL_STAGES: Final = tuple(LifecycleStage)
_WHOLE_MODEL: Final = 1_000
_MOST_MODELS: Final = 4_096


@dataclass(frozen=True, slots=True)
class Served:
    """Those who serve a model, best first, and who takes no traffic: an index never ranks them."""

    targets: tuple[Target, ...]
    idle: tuple[str, ...]


class Serving:
    """Makes targets out of what a view of the registry says, and keeps those of a model for as long as it says so."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._edition = (-1, -1)
        self._known: dict[str, Served] = {}

    def of(self, model: str) -> Served:
        """Return who serves a model, by its full name."""
        edition = self.view.revision, self.view.index.edition()
        if edition != self._edition or len(self._known) >= _MOST_MODELS:
            self._known, self._edition = {}, edition
        served = self._known.get(model)
        if served is None:
            served = self._known[model] = self._find(model)
        return served

    def target(self, name: str, score: Score, cost_nanos: int | None = None) -> Target | None:
        """Return the endpoint or the agent with a full name as a target; None when it is gone."""
        resource = self.view.get(name)
        if resource is not None and resource.agent is not None:
            return Target(resource, endpoint_of(resource.agent), score, cost_nanos=cost_nanos)
        if resource is None or resource.endpoint is None:
            return None
        model = self.view.get(parent_of(name))
        return Target(resource, resource.endpoint, score, model=model, cost_nanos=cost_nanos)

    def targets(self, ranked: Collection[Ranked]) -> tuple[Target, ...]:
        """Return those of an index's answer who are there."""
        found = (self.target(place.name, place.score, place.cost_nanos) for place in ranked)
        return tuple(target for target in found if target is not None)

    def _find(self, model: str) -> Served:
        ranked = self.view.index.discover(_everybody(model), limit=_WHOLE_MODEL).candidates
        names = {place.name for place in ranked}
        idle = (
            resource.name
            for resource in self.view.endpoints_of(model)
            if resource.name not in names and resource.endpoint is not None and resource.endpoint.weight == 0
        )
        return Served(self.targets(ranked), tuple(idle))


def _everybody(model: str) -> DiscoverQuery:
    """Return the query for all who serve a model."""
    return DiscoverQuery(
        requirements=Requirements(
            models=(model,),
            health=HealthRequirement.ANY,
            credential=CredentialRequirement.ANY,
            lifecycle_stages=_ALL_STAGES,
        )
    )
