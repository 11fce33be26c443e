"""Everything that is decided about a call before anybody is asked."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from airegistry._making import quickly_made
from airegistry.discovery.answers import Exclusion, ExclusionReason
from airegistry.errors import ModelNotFoundError, NoCandidateError, NotSuitableError, OverloadedError, RegistryError
from airegistry.invocations.invocation import Invocation
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.resources.resource import Resource
from airegistry.resources.route import Route, RouteFallback, RoutePolicy, SplitArm
from airegistry.routing import policy, splits
from airegistry.routing.candidates import Candidates, Standing
from airegistry.routing.exclusions import Exclusions
from airegistry.routing.lifecycles import redirected, replacement, retired, successor
from airegistry.routing.resolve import resolve
from airegistry.routing.serving import Serving
from airegistry.routing.target import Target, Tier
from airegistry.routing.view import View

_PASSING = frozenset(
    (
        ExclusionReason.HEALTH,
        ExclusionReason.CREDENTIAL,
        ExclusionReason.BREAKER,
        ExclusionReason.WEIGHT,
        ExclusionReason.LIMIT,
    )
)
"""Why somebody is left out who may take the same call later."""


@quickly_made
@dataclass(frozen=True, slots=True)
class Plan:
    """Who may take a call, in tiers, and how it is attempted. `said` is the policy without the defaults.

    `impatient` calls allow less time than they would get by themselves. `kept_away` are those who could take it, were it not for something that passes. `retired` is the name of a model that is
    gone, `notices` what the caller should know of the name that it used.
    """

    resolved: str
    route: str
    said: RoutePolicy
    policy: RoutePolicy
    tiers: tuple[Tier, ...]
    fallbacks: tuple[RouteFallback, ...]
    exclusions: Exclusions
    revision: int
    observation_epoch: int = 0
    impatient: bool = False
    arm: str = ""
    arms: tuple[SplitArm, ...] = ()
    kept_away: Sequence[Target] = ()
    retired: str = ""
    replacement: str = ""
    notices: tuple[FieldWarning, ...] = ()


@quickly_made
@dataclass(frozen=True, slots=True)
class _Way:
    """Where a name leads: through routes, the outermost first, and on which arm of the first one's split."""

    named: Resource | None = None
    routes: tuple[Resource, ...] = ()
    arm: str = ""

    @property
    def policy(self) -> RoutePolicy:
        """What the routes say of how to attempt the call, the innermost first."""
        if not self.routes:
            return policy.SILENT
        return policy.merge(*[route.route.policy for route in reversed(self.routes) if route.route is not None])

    @property
    def fallbacks(self) -> tuple[RouteFallback, ...]:
        """The fallbacks of all routes, those of the innermost first."""
        if not self.routes:
            return ()
        routes = [route.route for route in reversed(self.routes) if route.route is not None]
        return tuple([fallback for route in routes for fallback in route.fallbacks])

    @property
    def arms(self) -> tuple[SplitArm, ...]:
        """The arms of the outermost route."""
        outer = self.routes[0].route if self.routes else None
        return outer.split.arms if outer is not None and outer.split is not None else ()


_NO_WAY = _Way()
_NOTHING_ASKED = Invocation()


class Planner:
    """Plans one call in one view of the registry. *defaults* hold where nobody says anything.

    Without *rng* a call that nothing keeps on an arm takes the likeliest. *serving* is what calls in that view share.
    """

    def __init__(
        self,
        view: View,
        standing: Standing,
        *,
        defaults: RoutePolicy,
        at: datetime,
        rng: random.Random | None = None,
        serving: Serving | None = None,
    ) -> None:
        self._view = view
        self._at = at
        self._rng = rng
        self._defaults = defaults
        self._candidates = Candidates(serving or Serving(view), standing, at=at)
        self._invocation = _NOTHING_ASKED

    def plan(self, invocation: Invocation) -> Plan:
        """Return the plan; it may have nobody in it.

        Raises ModelNotFoundError and AmbiguousModelError.
        """
        self._invocation = invocation
        if invocation.query is not None:
            return self._planned(self._candidates.of_query(invocation.query, path="invocation.query"))
        asked = resolve(invocation.model, self._view)
        named = successor(asked, self._view, self._at)
        end, way = self._way(named)
        notices = () if named is asked else (redirected(asked, named),)
        return self._planned(self._candidates.of_resource(end), way, notices)

    def expand(self, name: str) -> tuple[tuple[Tier, ...], tuple[RouteFallback, ...]]:
        """Return the tiers and the further fallbacks of a fallback's target; nothing when it is gone."""
        resource = self._view.get(name)
        if resource is None:
            return (), ()
        end, way = self._way(successor(resource, self._view, self._at))
        return self._candidates.of_resource(end), way.fallbacks

    def _planned(self, tiers: tuple[Tier, ...], way: _Way = _NO_WAY, notices: tuple[FieldWarning, ...] = ()) -> Plan:
        own, routed = self._invocation.policy, way.policy
        said = routed if own is None else policy.merge(own, routed)
        resolved = way.named.name if way.named is not None else ""
        return Plan(
            resolved=resolved,
            route=way.routes[0].name if way.routes else "",
            said=said,
            policy=policy.merge(said, self._defaults),
            impatient=own is not None and policy.impatient(own, policy.merge(routed, self._defaults)),
            tiers=tiers,
            fallbacks=way.fallbacks,
            exclusions=self._candidates.exclusions,
            revision=self._view.revision,
            observation_epoch=self._view.index.observation_epoch,
            arm=way.arm,
            arms=way.arms,
            kept_away=self._candidates.kept_away,
            retired=resolved if retired(way.named, self._at) else "",
            replacement=replacement(way.named),
            notices=notices,
        )

    def _way(self, named: Resource) -> tuple[Resource, _Way]:
        """Follow splits to their end.

        An arm whose target is gone, or that leads back, takes no calls: they go the route's own way.
        """
        routes: list[Resource] = []
        resource, first = named, ""
        while resource.route is not None:
            routes.append(resource)
            arm = self._arm(resource.name, resource.route)
            following = self._view.get(arm.target) if arm is not None else None
            if arm is None or following is None or following.name in {route.name for route in routes}:
                break
            first = first or (arm.name if len(routes) == 1 else "")
            resource = successor(following, self._view, self._at)
        return resource, _Way(named, tuple(routes), first)

    def _arm(self, name: str, route: Route) -> SplitArm | None:
        split = route.split
        if split is None:
            return None
        key = splits.key_of(split, self._invocation)
        if not key and self._rng is None:
            return splits.likeliest(split)
        return splits.arm_of(name, split, key, self._rng or random.Random())


def nobody(plan: Plan, wait: float | None) -> RegistryError:
    """Return the error of a call that nobody can take; *wait* is how long until somebody may."""
    if plan.retired:
        instead = f"; use {plan.replacement} instead" if plan.replacement else ""
        facts = {"model": plan.retired, "replacement": plan.replacement}
        return ModelNotFoundError(f"{plan.retired} is retired{instead}", metadata=facts)
    exclusions = plan.exclusions.as_tuple()
    metadata = {exclusion.reason.name.lower(): str(exclusion.count) for exclusion in exclusions if exclusion.reason}
    what = plan.resolved or "the query"
    why = ", ".join(f"{count} excluded by {reason}" for reason, count in metadata.items())
    message = f"nobody can take the call for {what}: {why}" if why else f"nobody serves {what}"
    if plan.exclusions.names(ExclusionReason.LIMIT):
        return OverloadedError(message, metadata=metadata, retry_after=wait)
    kind = NoCandidateError if _may_pass(exclusions) else NotSuitableError
    return kind(message, metadata=metadata, retry_after=wait)


def _may_pass(exclusions: tuple[Exclusion, ...]) -> bool:
    """Say whether somebody may take the same call later: nobody is known yet, or some are away or held back for now."""
    return not exclusions or any(exclusion.reason in _PASSING for exclusion in exclusions)
