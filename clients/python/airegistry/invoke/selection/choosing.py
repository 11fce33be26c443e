"""One call's choices by what was learned, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from airegistry._ids import new_id
from airegistry.discovery.evidence.measured import SAYS_NOTHING
from airegistry.discovery.naming import parent_of
from airegistry.invocations.invocation import Attempt, AttemptOutcome
from airegistry.invoke.observer import Circumstances
from airegistry.invoke.selection.learned import LearnedSelection
from airegistry.learning.arms import Arm
from airegistry.learning.outcomes import Outcome, Result, reward
from airegistry.learning.records import Considered, Decision, weighed
from airegistry.learning.selector import MOST_ARMS
from airegistry.routing.explanation import LearnedBelief
from airegistry.routing.latencies import Latencies
from airegistry.routing.target import Target, Tier


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a call is, as far as choices depend on it. The same *key* finds the same target again."""

    route: str
    task: str
    stream: bool
    key: str = ""


class Choices:
    """The choices of one call. *share* says how much of its usual traffic an endpoint should get at the moment."""

    def __init__(
        self, learned: LearnedSelection, occasion: Occasion, share: Callable[[str], float], latencies: Latencies
    ) -> None:
        self.call_id = new_id()
        self._learned = learned
        self._occasion = occasion
        self._share = share
        self._latencies = latencies
        self._made: dict[str, tuple[tuple[Considered, ...], int]] = {}
        self._attempts = 0

    @property
    def allowed(self) -> bool:
        """Whether choices may be made by what was learned, at this moment."""
        return self._learned.allowed

    def pick(self, tier: Tier) -> Target:
        """Return who of a tier is asked: one of those of the best rank."""
        targets = first_of(tier)
        choice = self._learned.selector.choose(
            self._occasion.task,
            [arm_of(target) for target in targets],
            self._learned.now(),
            shares=[self._share(target.name) for target in targets],
            key=self._occasion.key,
        )
        target = targets[choice.chosen]
        self._made[target.name] = (weighed(choice, map(self._known, targets)), choice.chosen)
        return target

    def ended(self, target: Target, attempt: Attempt, circumstances: Circumstances) -> None:
        """Learn from an attempt at somebody who was picked here; who is asked again was not chosen again."""
        made = self._made.get(target.name)
        if made is None:
            return
        considered, chosen = made
        alone = Considered(target.name, target.endpoint.provider)
        self._made[target.name] = ((alone,), 0)
        self._attempts += 1
        outcome = outcome_of(attempt, circumstances)
        self._learned.ended(
            Decision(
                call_id=self.call_id,
                attempt=self._attempts,
                time=self._learned.wall(),
                route=self._occasion.route,
                task=self._occasion.task,
                policy=self._learned.settings.selector.version,
                considered=considered,
                chosen=chosen,
                outcome=outcome,
                reward=reward(outcome, self._learned.settings.scale),
                seed=self._learned.seed,
            )
        )

    def believed(self, tier: Tier) -> Mapping[str, LearnedBelief]:
        """Return what was learned of those of a tier, and how likely each is to come first of those of its rank."""
        known: dict[str, LearnedBelief] = {}
        targets = sorted(_once(tier), key=lambda target: target.rank)
        for _, equals in groupby(targets, key=lambda target: target.rank):
            known |= self._believed(list(equals))
        return known

    def _believed(self, targets: list[Target]) -> Mapping[str, LearnedBelief]:
        shares = [self._share(target.name) for target in targets]
        task = self._occasion.task
        weighing = self._learned.selector.weigh(task, [arm_of(one) for one in targets], self._learned.now(), shares)
        rows = zip(weighing.arms, weighing.beliefs, weighing.propensities, strict=True)
        return {
            arm.name: LearnedBelief(belief.mean, belief.count, propensity, task) for arm, belief, propensity in rows
        }

    def _known(self, target: Target) -> Considered:
        return Considered(
            target.name,
            target.endpoint.provider,
            target.cost_nanos,
            target.score.total,
            self._latencies.of(target.name, stream=self._occasion.stream),
        )


def first_of(tier: Tier) -> list[Target]:
    """Return those of the best rank of all groups of a tier, the best score first, as many as are weighed at once."""
    targets = _once(tier)
    best = min(target.rank for target in targets)
    equals = [target for target in targets if target.rank == best]
    return sorted(equals, key=lambda target: -target.score.total)[:MOST_ARMS]


def arm_of(target: Target) -> Arm:
    """Return a target as an arm."""
    return Arm(target.name, target.endpoint.provider, parent_of(target.name))


def outcome_of(attempt: Attempt, circumstances: Circumstances) -> Outcome:
    """Return what an attempt says of whom it asked."""
    usage, cost = attempt.usage, attempt.cost
    return Outcome(
        result=_result(attempt, circumstances),
        error=attempt.error_class.name.lower() if attempt.error_class is not None else "",
        # A whole answer has no first token, though an attempt says when it was there.
        first_token=attempt.time_to_first_token if circumstances.streamed else None,
        duration=attempt.duration,
        input_tokens=usage.input_tokens if usage is not None else None,
        output_tokens=usage.output_tokens if usage is not None else None,
        cost_nanos=cost.nanos if cost is not None else None,
    )


def _result(attempt: Attempt, circumstances: Circumstances) -> Result:
    if circumstances.cut_short or not circumstances.telling or attempt.error_class in SAYS_NOTHING:
        return Result.SILENT
    results = {AttemptOutcome.OK: Result.OK, AttemptOutcome.ERROR: Result.FAILED}
    return results.get(attempt.outcome, Result.SILENT) if attempt.outcome is not None else Result.SILENT


def _once(tier: Tier) -> list[Target]:
    """Return the targets of all groups, each once, though a model and a query may both have found it."""
    return list(_by_name(target for group in tier for target in group.targets).values())


def _by_name(targets: Iterable[Target]) -> dict[str, Target]:
    named: dict[str, Target] = {}
    for target in targets:
        named.setdefault(target.name, target)
    return named
