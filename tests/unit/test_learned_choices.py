"""What one call's choices are made of, and what its attempts say."""

from datetime import UTC, datetime
from typing import Any

import pytest

from airegistry.discovery.answers import Score
from airegistry.invocations.invocation import Attempt, AttemptOutcome
from airegistry.invocations.usage import Cost, CostState, Usage
from airegistry.invoke.observer import STREAMED, WHOLE, Circumstances
from airegistry.invoke.selection import LearnedSelection, LearnedSettings
from airegistry.invoke.selection.choosing import Choices, Occasion, arm_of, first_of, outcome_of
from airegistry.learning.outcomes import Result
from airegistry.learning.records import Decision
from airegistry.resources.resource import Health, ResourceStatus
from airegistry.resources.route import ErrorClass
from airegistry.routing.latencies import Latencies
from airegistry.routing.target import Group, Target
from tests.catalogs import endpoint, with_status

OK, ERROR = AttemptOutcome.OK, AttemptOutcome.ERROR


def target(id_, score=0.5, *, health=None, **facts):
    resource = with_status(endpoint(id_, "http://127.0.0.1:1", **facts), ResourceStatus(health=health))
    assert resource.endpoint is not None
    return Target(resource, resource.endpoint, Score(score))


class Noting(LearnedSelection):
    """Keeps what it is told."""

    def __init__(self, seed=1):
        super().__init__(LearnedSettings(seed=seed), now=lambda: 0.0, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
        self.decisions: list[Decision] = []

    def ended(self, decision: Decision) -> None:
        super().ended(decision)
        self.decisions.append(decision)


def choices():
    learned = Noting()
    return learned, Choices(
        learned, Occasion("routes/r", "chat/whole", stream=False), lambda _: 1.0, Latencies(lambda: 0.0)
    )


@pytest.mark.parametrize(
    ("outcome", "error_class", "circumstances", "result"),
    [
        (OK, None, WHOLE, Result.OK),
        (ERROR, ErrorClass.OVERLOADED, WHOLE, Result.FAILED),
        (ERROR, ErrorClass.TIMEOUT, STREAMED, Result.FAILED),
        (ERROR, ErrorClass.MALFORMED_ANSWER, STREAMED, Result.FAILED),
        (ERROR, ErrorClass.INVALID_REQUEST, WHOLE, Result.SILENT),
        (ERROR, ErrorClass.CREDENTIAL, WHOLE, Result.SILENT),
        (ERROR, ErrorClass.RATE_LIMITED, WHOLE, Result.SILENT),
        (ERROR, ErrorClass.TIMEOUT, Circumstances(cut_short=True), Result.SILENT),
        (ERROR, ErrorClass.CONNECTION, Circumstances(telling=False), Result.SILENT),
        (AttemptOutcome.CANCELED, None, STREAMED, Result.SILENT),
        (AttemptOutcome.SUPERSEDED, None, STREAMED, Result.SILENT),
        (None, None, WHOLE, Result.SILENT),
    ],
    ids=[
        "ok", "overloaded", "timeout", "malformed", "caller", "credential", "limited", "cut-short", "our-limit",
        "canceled", "overtaken", "unknown",
    ],
)  # fmt: skip
def test_an_attempt_speaks_only_of_whom_it_asked(outcome, error_class, circumstances, result):
    attempt = Attempt("models/m/endpoints/a", outcome, error_class, duration=1.0)
    assert outcome_of(attempt, circumstances).result is result


def test_the_time_to_a_first_token_is_one_of_streams_alone():
    facts: dict[str, Any] = {"usage": Usage(input_tokens=3), "cost": Cost(CostState.KNOWN, 9)}
    attempt = Attempt("a", OK, duration=2.0, time_to_first_token=0.5, **facts)
    whole, stream = outcome_of(attempt, WHOLE), outcome_of(attempt, STREAMED)
    assert (whole.first_token, stream.first_token) == (None, 0.5)
    assert (stream.duration, stream.input_tokens, stream.output_tokens, stream.cost_nanos) == (2.0, 3, None, 9)


def test_those_of_the_best_rank_stand_in_the_order_of_their_scores_each_once():
    a, b, c = target("a", 0.3), target("b", 0.9), target("c", 0.6)
    behind, ill = target("d", 1.0, priority=1), target("e", 1.0, health=Health.DEGRADED)
    tier = (Group((a, behind)), Group((b, a, ill), weight=99), Group((c,)))
    assert [each.name[-1] for each in first_of(tier)] == ["b", "c", "a"]


def test_who_is_asked_again_is_learned_from_but_was_not_chosen_again():
    learned, made = choices()
    picked = made.pick((Group((target("a"), target("b"))),))
    for outcome in (ERROR, OK):
        error = ErrorClass.PROVIDER if outcome is ERROR else None
        made.ended(picked, Attempt(picked.name, outcome, error), WHOLE)
    told = [(len(each.considered), each.propensity, each.attempt, each.reward) for each in learned.decisions]
    assert told == [(2, pytest.approx(0.5), 1, 0.0), (1, 1.0, 2, 0.75)]
    assert learned.selector.beliefs.of("chat/whole", arm_of(picked), 0.0).count == 2


def test_who_was_not_chosen_here_is_not_learned_from():
    learned, made = choices()
    made.ended(target("a"), Attempt("models/m/endpoints/a", OK), WHOLE)
    assert len(learned.selector.beliefs) == 0


def test_a_seed_that_nobody_gave_is_drawn_and_told():
    learned, other = Noting(seed=None), Noting(seed=None)
    assert learned.seed != other.seed
