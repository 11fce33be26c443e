"""Everything that is decided about a call before anybody is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from airegistry.discovery.answers import ExclusionReason
from airegistry.errors import NoCandidateError, UnsupportedFieldError
from airegistry.invocations.invocation import Invocation
from airegistry.resources.requirements import DiscoverQuery
from airegistry.resources.resource import Resource
from airegistry.resources.route import Route, RouteFallback, RoutePolicy
from airegistry.routing import policy
from airegistry.routing.candidates import Candidates, Standing
from airegistry.routing.exclusions import Exclusions
from airegistry.routing.resolve import resolve
from airegistry.routing.target import Tier
from airegistry.routing.view import View


@dataclass(frozen=True, slots=True)
class Plan:
    """Who may take a call, in tiers, and how it is attempted. `said` is the policy without the defaults."""

    resolved: str
    route: str
    said: RoutePolicy
    policy: RoutePolicy
    tiers: tuple[Tier, ...]
    fallbacks: tuple[RouteFallback, ...]
    exclusions: Exclusions
    revision: int


class Planner:
    """Plans one call in one view of the registry."""

    def __init__(self, view: View, standing: Standing, *, defaults: RoutePolicy, at: datetime) -> None:
        self._view = view
        self._defaults = policy.merge(defaults, policy.DEFAULTS)
        self._candidates = Candidates(view, standing, at=at)

    def plan(self, invocation: Invocation) -> Plan:
        """Return the plan; it may have nobody in it.

        Raises ModelNotFoundError, AmbiguousModelError, and UnsupportedFieldError for parts of a route that are not
        implemented.
        """
        resource = resolve(invocation.model, self._view) if invocation.query is None else None
        route = resource.route if resource is not None else None
        said = policy.merge(invocation.policy, route.policy if route is not None else None)
        if resource is not None and route is not None:
            _check_route(resource.name, route)
        return Plan(
            resolved=resource.name if resource is not None else "",
            route=resource.name if resource is not None and route is not None else "",
            said=said,
            policy=policy.merge(said, self._defaults),
            tiers=self._tiers(resource, invocation.query),
            fallbacks=route.fallbacks if route is not None else (),
            exclusions=self._candidates.exclusions,
            revision=self._view.revision,
        )

    def expand(self, name: str) -> tuple[tuple[Tier, ...], tuple[RouteFallback, ...]]:
        """Return the tiers and the further fallbacks of a fallback's target; nothing when it is gone."""
        resource = self._view.get(name)
        if resource is None:
            return (), ()
        tiers = self._candidates.of_resource(resource)
        return tiers, resource.route.fallbacks if resource.route is not None else ()

    def _tiers(self, resource: Resource | None, query: DiscoverQuery | None) -> tuple[Tier, ...]:
        if resource is not None:
            return self._candidates.of_resource(resource)
        return self._candidates.of_query(query or DiscoverQuery(), path="invocation.query")


def nobody(plan: Plan, wait: float | None) -> NoCandidateError:
    """Return the error of a call that nobody can take; *wait* is how long until somebody may."""
    exclusions = plan.exclusions.as_tuple()
    metadata = {exclusion.reason.name.lower(): str(exclusion.count) for exclusion in exclusions if exclusion.reason}
    what = plan.resolved or "the query"
    why = ", ".join(f"{count} excluded by {reason}" for reason, count in metadata.items())
    message = f"nobody can take the call for {what}: {why}" if why else f"nobody serves {what}"
    return NoCandidateError(message, metadata=metadata, retry_after=wait)


def shut_out(plan: Plan) -> list[str]:
    """Return who could take the call, were their breaker not open."""
    return plan.exclusions.names(ExclusionReason.BREAKER)


def _check_route(name: str, route: Route) -> None:
    if route.policy is not None:
        policy.check(route.policy, path=f"{name}.policy")
    if route.split is not None:
        raise UnsupportedFieldError.of(f"{name}.split", "splits are not implemented by this version")
