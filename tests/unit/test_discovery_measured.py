"""What was measured changes the order, as far as there is enough of it and it is fresh."""

from datetime import timedelta

import pytest

from airegistry.discovery.answers import ScoreBasis, ScoreFigure, ScoreFigureKind, ScorePartKind
from airegistry.observations.performance import Performance, Quantiles
from airegistry.resources.agent import Agent, AgentInterface, AgentSkill
from airegistry.resources.endpoint import DeclaredPerformance, RateLimits
from airegistry.resources.requirements import DiscoverQuery, DiscoverTarget, Requirements
from airegistry.resources.resource import AgentState, Resource, ResourceStatus
from airegistry.resources.route import ErrorClass
from tests.attempts import measured
from tests.measured_index import FAILED, GOOD, NOW, OPEN, A, B, Clock, endpoint


def test_measurements_change_the_order_that_was_declared():
    there = Clock(endpoint(A, declared=GOOD), endpoint(B, declared=GOOD))
    assert there.order() == ["a", "b"]
    there.observe(measured(A, NOW, attempts=500, first=3.0), measured(B, NOW, attempts=500, first=0.1))
    assert there.order() == ["b", "a"]
    there.observe(measured(B, NOW, *[FAILED] * 250, attempts=500, first=0.1))
    assert there.order() == ["a", "b"]


def test_a_value_is_drawn_from_what_is_declared_by_the_day_half_an_hour_and_five_minutes():
    there = Clock(endpoint(declared=DeclaredPerformance(time_to_first_token=0.5, tokens_per_second=50)))
    assert there.value(ScorePartKind.LATENCY) == 0.5
    there.observe(measured(A, NOW, attempts=20, first=0.0))
    soon = 0.5 + 0.5 * 0.25
    soon += (1 - soon) * 0.5
    soon += (1 - soon) * 0.5
    assert there.value(ScorePartKind.LATENCY) == pytest.approx((soon + 0.5) / 2)


def test_one_lucky_sample_does_not_win_and_neither_does_an_unlucky_one_lose_all():
    there = Clock(endpoint(A), endpoint(B))
    before = there.value(ScorePartKind.LATENCY), there.value(ScorePartKind.RELIABILITY)
    there.observe(measured(A, NOW, attempts=1, first=0.0), measured(B, NOW, *[FAILED] * 10, attempts=1_000, first=0.2))
    assert there.earned(A) < there.earned(B)
    assert there.value(ScorePartKind.LATENCY) == pytest.approx(before[0], abs=0.05)
    assert there.value(ScorePartKind.RELIABILITY) == pytest.approx(before[1], abs=0.01)
    there.observe(measured(A, NOW, FAILED, attempts=1))
    assert before[1] * 0.9 < there.value(ScorePartKind.RELIABILITY) < before[1]


def test_what_whole_answers_took_stands_in_for_streams_that_nobody_measured():
    there = Clock(endpoint(A), endpoint(B))
    facts = {"time_to_first_token": None}
    there.observe(
        measured(A, NOW, attempts=100, duration=Quantiles(100, 20.0), **facts),
        measured(B, NOW, attempts=100, duration=Quantiles(100, 1.0), **facts),
    )
    assert there.value(ScorePartKind.LATENCY, A) < 0.4 < there.value(ScorePartKind.LATENCY, B)
    streamed = measured(A, NOW, attempts=500, first=0.01, duration=Quantiles(100, 20.0))
    there.observe(streamed)
    assert there.value(ScorePartKind.LATENCY, A) > 0.4


@pytest.mark.parametrize("error", ErrorClass, ids=lambda error: error.name)
def test_errors_that_are_not_the_endpoints_do_not_make_it_unreliable(error):
    there = Clock(endpoint(declared=GOOD))
    before = there.value(ScorePartKind.RELIABILITY)
    there.observe(measured(A, NOW, *[error] * 50, attempts=50))
    silent = error in {
        ErrorClass.INVALID_REQUEST,
        ErrorClass.CONTEXT_LENGTH,
        ErrorClass.CONTENT_FILTER,
        ErrorClass.CREDENTIAL,
        ErrorClass.RATE_LIMITED,
        ErrorClass.TASK_DECLINED,
    }
    after = there.value(ScorePartKind.RELIABILITY)
    assert after == before if silent else after < before / 2
    assert there.value(ScorePartKind.LOAD) == pytest.approx(
        0.5 * (1 - 50 / 70) if error is ErrorClass.RATE_LIMITED else 0.5
    )


def test_load_is_what_the_last_minute_took_of_the_declared_limits():
    there = Clock(endpoint(rate_limits=RateLimits(requests_per_minute=200, tokens_per_minute=10_000)))
    assert there.value(ScorePartKind.LOAD) == 0.5
    there.observe(measured(A, NOW, attempts=50, tokens=8_000))
    assert there.value(ScorePartKind.LOAD) == pytest.approx(0.2)
    assert there.part(ScorePartKind.LOAD).basis is ScoreBasis.MEASURED
    there.pass_by(seconds=60)
    assert there.value(ScorePartKind.LOAD) == 1
    there.pass_by(days=1)
    assert there.value(ScorePartKind.LOAD) == 0.5


def test_tokens_that_nobody_counted_are_not_none():
    there = Clock(endpoint(rate_limits=RateLimits(tokens_per_minute=10_000)))
    there.observe(measured(A, NOW, attempts=50))
    assert there.value(ScorePartKind.LOAD) == 0.5


def test_what_was_measured_is_trusted_less_the_older_it_is():
    there = Clock(endpoint(declared=GOOD))
    begun = there.value(ScorePartKind.RELIABILITY)
    there.observe(measured(A, NOW, *[FAILED] * 900, attempts=900))
    drop = begun - there.value(ScorePartKind.RELIABILITY)
    assert there.part(ScorePartKind.RELIABILITY).basis is ScoreBasis.MEASURED
    for trust, minutes in ((1.0, 4.99), (0.5, 5.01), (0.5, 9.99), (0.25, 10.01)):
        there.time = NOW + timedelta(minutes=minutes)
        fresh = Clock(endpoint(declared=GOOD))
        fresh.observe(measured(A, NOW, *[FAILED] * 900, attempts=900))
        lost = begun - there.value(ScorePartKind.RELIABILITY)
        assert lost <= drop * trust
        assert lost > drop * trust * 0.9
    assert there.part(ScorePartKind.RELIABILITY).basis is ScoreBasis.MIXED
    there.pass_by(days=1)
    assert there.value(ScorePartKind.RELIABILITY) == begun
    assert there.part(ScorePartKind.RELIABILITY).basis is ScoreBasis.DECLARED


def test_nothing_measured_any_more_gives_what_was_before():
    there = Clock(endpoint(declared=GOOD))
    before = there.index.discover(DiscoverQuery()).candidates
    there.observe(measured(A, NOW, attempts=500, first=9.0))
    assert there.index.discover(DiscoverQuery()).candidates != before
    there.observe(Performance(A))
    assert there.index.discover(DiscoverQuery()).candidates == before


def test_who_comes_again_under_a_name_does_not_inherit_what_was_measured_of_the_former_one():
    there = Clock(endpoint(declared=GOOD))
    before = there.index.discover(DiscoverQuery()).candidates
    there.observe(measured(A, NOW, attempts=500, first=9.0))
    there.index.apply((), (A,), 2)
    there.index.apply((endpoint(declared=GOOD),), (), 3)
    assert there.index.discover(DiscoverQuery()).candidates == before


def test_what_was_measured_before_the_endpoint_was_known_counts_when_it_comes():
    early, late = Clock(), Clock(endpoint())
    early.observe(measured(A, NOW, attempts=500, first=0.1))
    early.index.apply((endpoint(),), (), 1)
    late.observe(measured(A, NOW, attempts=500, first=0.1))
    assert early.index.discover(DiscoverQuery()) == late.index.discover(DiscoverQuery())


def test_a_part_shows_declared_and_measured_side_by_side():
    there = Clock(endpoint(declared=GOOD, rate_limits=RateLimits(requests_per_minute=100)))
    figures = there.part(ScorePartKind.LATENCY).figures
    assert figures == (
        ScoreFigure(ScoreFigureKind.TIME_TO_FIRST_TOKEN, 0.3),
        ScoreFigure(ScoreFigureKind.TOKENS_PER_SECOND, 80),
    )
    there.observe(measured(A, NOW, FAILED, ErrorClass.RATE_LIMITED, attempts=42, first=0.7))
    first, speed = there.part(ScorePartKind.LATENCY).figures
    assert first == ScoreFigure(ScoreFigureKind.TIME_TO_FIRST_TOKEN, 0.3, 0.7, 40, 300.0, NOW)
    assert speed == ScoreFigure(ScoreFigureKind.TOKENS_PER_SECOND, 80)
    (share,) = there.part(ScorePartKind.RELIABILITY).figures
    assert share == ScoreFigure(ScoreFigureKind.SUCCESS_SHARE, 0.999, 1 - 1 / 41, 41, 1_800.0, NOW)
    requests, limited = there.part(ScorePartKind.LOAD).figures
    assert requests == ScoreFigure(ScoreFigureKind.REQUESTS_PER_MINUTE, 100, 42, 42, 60.0, NOW)
    assert limited == ScoreFigure(ScoreFigureKind.RATE_LIMITED_SHARE, None, 1 / 42, 42, 300.0, NOW)


def test_the_total_stays_the_sum_of_the_parts_that_are_shown():
    there = Clock(endpoint(A, declared=GOOD), endpoint(B))
    there.observe(measured(A, NOW, FAILED, attempts=42, first=0.7))
    for found in there.index.discover(DiscoverQuery()).candidates:
        assert [part.kind for part in found.score.parts] == list(ScorePartKind)
        total = 0.0
        for part in found.score.parts:
            assert part.contribution == part.value * part.weight
            total += part.contribution
        assert found.score.total == total


def test_agents_with_a_skill_are_ranked_by_what_was_measured_of_them():
    def agent(name, state=AgentState.AVAILABLE):
        facts = Agent(interfaces=(AgentInterface(url="https://a.example"),), auth=OPEN, skills=(AgentSkill(id="plan"),))
        return Resource(name=f"agents/{name}", agent=facts, status=ResourceStatus(agent_state=state))

    there = Clock(agent("a"), agent("b"), agent("c", AgentState.BUSY))
    asked = DiscoverQuery(target=DiscoverTarget.AGENT, requirements=Requirements(skills=("plan",)))
    assert there.order(asked) == ["a", "b", "c"]
    slow = {"time_to_first_token": None, "duration": Quantiles(80, 60.0)}
    there.observe(
        measured("agents/a", NOW, *[FAILED] * 20, attempts=100, **slow), measured("agents/b", NOW, attempts=100)
    )
    assert there.order(asked) == ["b", "c", "a"]
    assert there.part(ScorePartKind.RELIABILITY, "a", asked).basis is ScoreBasis.MEASURED
