"""Who may take a call: the endpoints behind a model, agents, those of a route or a query; and why others may not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Protocol

from airegistry.discovery.answers import ExclusionReason, Score
from airegistry.discovery.naming import parent_of
from airegistry.resources.endpoint import AuthMethod, Endpoint
from airegistry.resources.requirements import DiscoverQuery, DiscoverTarget
from airegistry.resources.resource import AgentState, Health, Liveness, Resource, ResourceKind
from airegistry.resources.route import Route, RouteTarget
from airegistry.routing.exclusions import Exclusions
from airegistry.routing.lifecycles import retired, successor
from airegistry.routing.serving import Serving
from airegistry.routing.target import Group, Target, Tier

_FIRST_LOOK = 64
_UNUSABLE = frozenset({Health.NOT_SERVING, Health.DRAINING})


class Standing(Protocol):
    """What is known where the call is made, beside the registry."""

    def dialects(self) -> Collection[str]:
        """Return the names of the dialects that can say what is asked."""
        ...

    def has_credential(self, name: str) -> bool:
        """Say whether the credential can be presented here."""
        ...

    def has_key_pair(self, name: str) -> bool:
        """Say whether the credential is a key pair that can be presented here."""
        ...

    def ejected(self, targets: Collection[Target]) -> Mapping[str, ExclusionReason]:
        """Return who of these must not be asked now, by name, and why."""
        ...


class Candidates:
    """Finds targets in one view of the registry and keeps account of whom it left out."""

    def __init__(self, serving: Serving, standing: Standing, *, at: datetime) -> None:
        self._serving = serving
        self._view = serving.view
        self._standing = standing
        self._at = at
        self._dialects = standing.dialects()
        self.exclusions = Exclusions()
        self.kept_away: list[Target] = []
        """Who could take the call, were it not for something that passes."""

    def of_resource(self, resource: Resource) -> tuple[Tier, ...]:
        """Return the tiers of what a name stands for; empty ones are left out."""
        if resource.route is not None:
            return self._of_route(resource.name, resource.route)
        if resource.agent is not None:
            return _tiers((Group(self._of_agent(resource.name)),))
        if resource.endpoint is not None:
            return _tiers((Group(self._of_endpoint(resource.name)),))
        return _tiers((Group(self._of_model(resource.name)),))

    def of_query(self, query: DiscoverQuery, *, path: str) -> tuple[Tier, ...]:
        """Return the one tier of what a query finds; *path* is where the query stands."""
        return _tiers((Group(self._found_by(query, path, stored=False)),))

    def invocable(self) -> Iterator[Resource]:
        """Iterate over the models and routes that somebody could answer for, breakers aside; models first."""
        served = {
            parent_of(resource.name)
            for resource in self._view.resources(ResourceKind.ENDPOINT)
            if self._could_answer(resource)
        }
        yield from (model for name in sorted(served) if (model := self._view.get(name)) is not None)
        for resource in self._view.resources(ResourceKind.ROUTE):
            if resource.route is not None and self._of_route(resource.name, resource.route):
                yield resource

    def _could_answer(self, resource: Resource) -> bool:
        target = self._serving.target(resource.name, Score())
        return target is not None and target.weight > 0 and self._objection(target) is None

    def _of_route(self, name: str, route: Route) -> tuple[Tier, ...]:
        return tuple(
            tier
            for i, entry in enumerate(route.tiers)
            for tier in _tiers(
                tuple(
                    self._group(target, path=f"{name}.tiers[{i}].targets[{j}]")
                    for j, target in enumerate(entry.targets)
                )
            )
        )

    def _group(self, target: RouteTarget, *, path: str) -> Group:
        if target.model is not None:
            found = self._of_model(self._current(target.model))
        elif target.endpoint is not None:
            found = self._of_endpoint(target.endpoint)
        elif target.agent is not None:
            found = self._of_agent(target.agent)
        else:
            found = self._found_by(target.query or DiscoverQuery(), f"{path}.query", stored=True)
        weight = 1 if target.weight is None else target.weight
        key = target.model or target.endpoint or target.agent or path
        if weight == 0:
            self.exclusions.add(ExclusionReason.WEIGHT, *(found_target.name for found_target in found))
            return Group(())
        if target.overrides is not None:
            found = tuple(replace(found_target, overrides=target.overrides) for found_target in found)
        return Group(found, weight, key)

    def _current(self, model: str) -> str:
        """Return the model that answers for one that a route names; one whose successor is a route has none here."""
        resource = self._view.get(model)
        following = successor(resource, self._view, self._at) if resource is not None else None
        return following.name if following is not None and following.model is not None else model

    def _of_model(self, name: str) -> tuple[Target, ...]:
        served = self._serving.of(name)
        self.exclusions.add(ExclusionReason.WEIGHT, *served.idle)
        return self._fit(served.targets)

    def _of_endpoint(self, name: str) -> tuple[Target, ...]:
        model = parent_of(name)
        return tuple(target for target in self._of_model(model) if target.name == name)

    def _of_agent(self, name: str) -> tuple[Target, ...]:
        target = self._serving.target(name, Score())
        return self._fit([target] if target is not None else [])

    def _found_by(self, query: DiscoverQuery, path: str, *, stored: bool) -> tuple[Target, ...]:
        # Only those who can be spoken to, so that the best of a long list are not all of another kind.
        spoken = () if query.target is DiscoverTarget.AGENT else tuple(sorted(self._dialects))
        ask = partial(self._view.index.discover, query, path=path, stored=stored, spoken=spoken)
        ranking = ask(limit=_FIRST_LOOK, name_excluded=True)
        self.exclusions.merge(ranking.exclusions)
        targets = self._fit(self._serving.targets(ranking.candidates))
        if not targets and ranking.matched_count > _FIRST_LOOK:
            ranking = ask(limit=ranking.matched_count)
            targets = self._fit(self._serving.targets(ranking.candidates))
        return targets

    def _fit(self, found: Collection[Target]) -> tuple[Target, ...]:
        """Leave out those who cannot take the call, or must not be asked now."""
        targets = []
        for target in found:
            reason = self._objection(target)
            if reason is None:
                targets.append(target)
            else:
                self.exclusions.add(reason, target.name)
        return self._admitted(targets)

    def _admitted(self, targets: list[Target]) -> tuple[Target, ...]:
        """Leave out those who must not be asked now."""
        ejected = self._standing.ejected(targets)
        if not ejected:
            return tuple(targets)
        for name, reason in ejected.items():
            self.exclusions.add(reason, name)
        self.kept_away += (target for target in targets if target.name in ejected)
        return tuple(target for target in targets if target.name not in ejected)

    def _objection(self, target: Target) -> ExclusionReason | None:
        """Return the first reason, in the order of ExclusionReason, why a target can never take the call as it is now."""
        if retired(target.model, self._at):
            return ExclusionReason.LIFECYCLE
        status = target.resource.status
        if status is not None and (
            status.health in _UNUSABLE
            or status.liveness is Liveness.SUSPECT
            or status.agent_state is AgentState.DRAINING
        ):
            return ExclusionReason.HEALTH
        endpoint = target.endpoint
        if target.is_agent and not endpoint.address:
            # It can be reached, but in no way that is spoken here.
            return ExclusionReason.DIALECT
        if not endpoint.address or not self._can_authorize(endpoint):
            return ExclusionReason.CREDENTIAL
        communication = endpoint.communication
        if communication is None or communication.dialect not in self._dialects:
            return ExclusionReason.DIALECT
        return None

    def _can_authorize(self, endpoint: Endpoint) -> bool:
        auth = endpoint.communication.auth if endpoint.communication is not None else None
        if auth is not None and auth.method is AuthMethod.NONE:
            return True
        mutual = auth is not None and auth.method is AuthMethod.MTLS
        here = self._standing.has_key_pair if mutual else self._standing.has_credential
        return bool(endpoint.credential) and here(endpoint.credential)


def _tiers(groups: Tier) -> tuple[Tier, ...]:
    """Return the groups that have somebody as a tier, or no tier at all."""
    occupied = tuple([group for group in groups if group.targets])
    return (occupied,) if occupied else ()
