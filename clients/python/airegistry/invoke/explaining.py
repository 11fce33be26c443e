"""What an invocation would do, without doing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from airegistry.dialects.exchange import Input
from airegistry.discovery.answers import Candidate, ExclusionReason
from airegistry.errors import InvalidArgumentError
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invoke.attempts.asking import ask
from airegistry.invoke.attempts.hedging import hedgeable
from airegistry.invoke.attempts.said import continuable, continues
from airegistry.invoke.selection.choosing import Choices
from airegistry.invoke.standing import Spoken
from airegistry.resources.route import LossPolicy, PickStrategy, RoutePolicy, Selection
from airegistry.routing.explanation import ExplainedCandidate, ExplainResponse, LearnedBelief
from airegistry.routing.gates.gate import Gate
from airegistry.routing.itinerary import expected_order
from airegistry.routing.latencies import Latencies
from airegistry.routing.picker import Picker
from airegistry.routing.plan import Plan
from airegistry.routing.target import Group, Target


@dataclass(frozen=True, slots=True)
class Known:
    """What this process knows of endpoints; *choices* where it is used to order them."""

    gate: Gate
    picker: Picker
    latencies: Latencies
    choices: Choices | None = None


class Explainer:
    """Explains one plan; without a *request* it explains routing alone."""

    def __init__(self, plan: Plan, request: Input | None, spoken: Spoken, known: Known) -> None:
        self._plan = plan
        self._request = request
        self._spoken = spoken
        self._known = known
        self._learned = _learned(plan, known.choices)

    def explain(self, *, stale: bool) -> ExplainResponse:
        """Return the candidates in the order in which they would be asked, and the exclusions with names."""
        plan = self._plan
        order = self._order()
        candidates = [self._candidate(tier, group, target) for tier, group, target in order]
        concerned = [*(target for _, _, target in order), *plan.kept_away]
        return ExplainResponse(
            resolved=plan.resolved,
            candidates=tuple(candidate for candidate in candidates if candidate is not None),
            exclusions=plan.exclusions.as_tuple(),
            policy=self._policy(),
            revision=plan.revision,
            observation_epoch=plan.observation_epoch,
            stale=stale,
            split_arm=plan.arm,
            arms=plan.arms,
            hedged=self._hedged(len(order)),
            hindrances=self._known.gate.hindrances(concerned),
            fallbacks=plan.fallbacks,
            warnings=plan.notices,
        )

    def _order(self) -> list[tuple[int, Group, Target]]:
        order = list(expected_order(self._plan.tiers, self._plan.policy.pick or PickStrategy.BEST))
        if self._known.choices is None:
            return order
        return sorted(order, key=lambda place: (place[0], place[2].rank, -self._propensity(place[0], place[2])))

    def _propensity(self, tier: int, target: Target) -> float:
        belief = self._learned.get((tier, target.name))
        return belief.propensity if belief is not None else 0.0

    def _policy(self) -> RoutePolicy:
        """Return the policy that holds: what may not be learned here is static, whatever was said."""
        policy = self._plan.policy
        return policy if self._known.choices is not None else replace(policy, selection=Selection.STATIC)

    def _hedged(self, candidates: int) -> bool:
        policy = self._plan.policy
        several = min(candidates, policy.max_attempts or 1) > 1
        return policy.hedge_delay is not None and several and hedgeable(self._request)

    def _candidate(self, tier: int, group: Group, target: Target) -> ExplainedCandidate | None:
        warnings = self._warnings(target)
        if warnings is None:
            self._plan.exclusions.add(ExclusionReason.DIALECT, target.name)
            return None
        breakers = self._known.gate.breakers
        return ExplainedCandidate(
            candidate=Candidate(target.resource, target.model, target.score, target.cost_nanos, invocable=True),
            tier=tier,
            weight=group.weight,
            breaker=breakers.state(target.name).value,
            warnings=warnings,
            in_flight=self._known.picker.in_flight.get(target.name, 0),
            time_to_first_token=self._known.latencies.of(target.name, stream=True),
            share=breakers.share(target.name),
            continues=continues(target) and continuable(self._request),
            learned=self._learned.get((tier, target.name)),
        )

    def _warnings(self, target: Target) -> tuple[FieldWarning, ...] | None:
        """Return what could not be sent to a target; None when it would not be asked because of that."""
        if self._request is None:
            return ()
        try:
            warnings = ask(target, self._request, self._spoken, stream=False).encoded.warnings
        except InvalidArgumentError:
            return None
        return None if warnings and self._plan.policy.loss is LossPolicy.REFUSE else warnings


def _learned(plan: Plan, choices: Choices | None) -> Mapping[tuple[int, str], LearnedBelief]:
    """Return what was learned of each candidate, by its tier and name."""
    if choices is None:
        return {}
    return {
        (number, name): belief
        for number, tier in enumerate(plan.tiers)
        for name, belief in choices.believed(tier).items()
    }
