"""What was measured changes the order, as far as there is enough of it and it is fresh."""

import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airegistry.discovery.answers import ExclusionReason, ScoreBasis, ScoreFigure, ScoreFigureKind, ScorePartKind
from airegistry.discovery.index import Index
from airegistry.observations.performance import Performance, Quantiles
from airegistry.resources.agent import Agent, AgentInterface, AgentSkill
from airegistry.resources.endpoint import Auth, AuthMethod, Communication, DeclaredPerformance, Endpoint, RateLimits
from airegistry.resources.requirements import DiscoverQuery, DiscoverTarget, Preference, Requirements
from airegistry.resources.resource import AgentState, Resource, ResourceStatus
from airegistry.resources.route import ErrorClass
from tests.attempts import Attempts, measured

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
A, B = "models/m/endpoints/a", "models/m/endpoints/b"
OPEN = Auth(method=AuthMethod.NONE)
GOOD = DeclaredPerformance(time_to_first_token=0.3, tokens_per_second=80, reliability=0.999)
FAILED = ErrorClass.PROVIDER


def endpoint(name=A, **facts):
    usual: dict[str, Any] = {
        "address": "https://e.example",
        "communication": Communication(dialect="openai.chat", auth=OPEN),
    }
    return Resource(name=name, endpoint=Endpoint(**(usual | facts)))


class Clock:
    """An index with a clock that the test moves."""

    def __init__(self, *resources):
        self.time = NOW
        self.index = Index(lambda: self.time)
        self.index.replace(resources, 1)

    def observe(self, *performances):
        self.index.observe(performances, self.index.observation_epoch + 1)

    def pass_by(self, **length):
        self.time += timedelta(**length)

    def order(self, query=None):
        return [each.name[-1] for each in self.index.discover(query or DiscoverQuery()).candidates]

    def part(self, kind, name=A, query=None):
        (found,) = [
            each for each in self.index.discover(query or DiscoverQuery()).candidates if each.name.endswith(name)
        ]
        return next(part for part in found.score.parts if part.kind is kind)

    def earned(self, name):
        (found,) = [each for each in self.index.discover(DiscoverQuery()).candidates if each.name == name]
        return sum(part.contribution for part in found.score.parts if part.kind is not ScorePartKind.EXPLORATION)

    def value(self, kind, name=A):
        return self.part(kind, name).value


def asking(**requirements):
    return DiscoverQuery(requirements=Requirements(**requirements))


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


# --- hard filters


@pytest.mark.parametrize(
    ("requirement", "limit", "passing", "failing"),
    [
        ("max_time_to_first_token", 0.4, {"first": 0.3}, {"first": 0.6}),
        (
            "min_tokens_per_second",
            50,
            {"tokens_per_second": Quantiles(90, 60)},
            {"tokens_per_second": Quantiles(90, 40)},
        ),
        ("max_duration", 2, {"first": 0.3}, {"first": 2.1}),
    ],
    ids=["first-token", "speed", "duration"],
)
@pytest.mark.parametrize("declared", [GOOD, None], ids=["declared", "nothing-declared"])
def test_a_latency_filter_compares_the_median_that_was_measured(requirement, limit, passing, failing, declared):
    asked = asking(**{requirement: limit}, usage=None)
    there = Clock(endpoint(A, declared=declared), endpoint(B, declared=declared))
    usual = {"tokens_per_second": Quantiles(90, 1e9)}
    there.observe(
        measured(A, NOW, attempts=90, **(usual | passing)), measured(B, NOW, attempts=90, **(usual | failing))
    )
    assert there.order(asked) == ["a"]


@pytest.mark.parametrize(("limit", "order"), [(2.0, ["a"]), (1.0, [])], ids=["long-enough", "too-short"])
def test_where_only_whole_answers_were_measured_their_duration_is_compared(limit, order):
    there = Clock(endpoint(A), endpoint(B))
    told = {"time_to_first_token": None, "duration": Quantiles(90, 1.5)}
    there.observe(
        measured(A, NOW, attempts=90, **told), measured(B, NOW, attempts=9, **(told | {"duration": Quantiles(9, 0.1)}))
    )
    assert there.order(asking(max_duration=limit)) == order


def test_too_few_samples_leave_a_filter_to_what_is_declared_or_unknown():
    there = Clock(endpoint(A, declared=GOOD), endpoint(B))
    there.observe(*(measured(name, NOW, attempts=19, first=0.5) for name in (A, B)))
    assert there.order(asking(max_time_to_first_token=0.4)) == ["a"]
    there.observe(*(measured(name, NOW, attempts=20, first=0.5) for name in (A, B)))
    assert there.order(asking(max_time_to_first_token=0.4)) == []
    assert there.order(asking(max_time_to_first_token=0.6)) == ["a", "b"]


def test_a_lucky_series_does_not_pass_for_reliability_and_a_long_one_does():
    asked = asking(min_reliability=0.99)
    there = Clock(endpoint())
    there.observe(measured(A, NOW, attempts=20))
    assert there.order(asked) == []
    there.observe(measured(A, NOW, attempts=200))
    assert there.order(asked) == ["a"]
    there.observe(measured(A, NOW, *[FAILED] * 10, attempts=200))
    answer = there.index.discover(asked)
    assert [(each.reason, each.count) for each in answer.exclusions] == [(ExclusionReason.RELIABILITY, 1)]


def test_a_filter_forgets_after_half_an_hour_what_contradicts_the_declared():
    asked = asking(max_time_to_first_token=0.4, min_reliability=0.99)
    there = Clock(endpoint(A, declared=GOOD), endpoint(B))
    there.observe(*(measured(name, NOW, *[FAILED] * 400, attempts=900, first=2.0) for name in (A, B)))
    assert there.order(asked) == []
    there.pass_by(minutes=30)
    assert there.order(asked) == ["a"]


# --- what is shown


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


# --- agents


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


# --- exploration


def test_among_those_of_whom_nothing_was_measured_exploration_changes_nothing():
    there = Clock(endpoint(A, declared=GOOD), endpoint(B))
    explored = [there.part(ScorePartKind.EXPLORATION, name).contribution for name in (A, B)]
    assert explored == pytest.approx([0.3 * 0.45] * 2)


@pytest.mark.parametrize("preference", Preference, ids=lambda preference: preference.name)
def test_a_worse_one_is_ahead_for_no_more_attempts_than_stated(preference):
    there = Clock(endpoint(A, declared=GOOD), endpoint(B, declared=GOOD))
    there.observe(measured(A, NOW, attempts=10**7, first=0.3))
    query, ahead = DiscoverQuery(preference=preference), 0
    for attempts in range(1, 200):
        there.observe(measured(B, NOW, attempts=attempts, first=0.6))
        best, other = there.index.discover(query).candidates
        weight = best.score.parts[-1].weight
        gap = math.fsum(
            x.contribution - y.contribution for x, y in zip(other.score.parts[:-1], best.score.parts[:-1], strict=True)
        )
        if best.name == B and gap > 0:
            ahead += 1
            assert attempts <= 20 * (weight / gap - 1) + 1
    assert ahead


def played(*, bad_for, until, step=2):
    """Play calls to the best of two, one a second, of which the better one fails at first; return the choices by five minutes."""
    there = Clock(
        endpoint(A, declared=GOOD),
        endpoint(B, declared=DeclaredPerformance(0.8, tokens_per_second=80, reliability=0.999)),
    )
    logs = {"a": Attempts(A), "b": Attempts(B)}
    chosen: Counter[int] = Counter()
    for second in range(0, until, step):
        for _ in range(step):
            name = there.order()[0]
            chosen[second // 300] += name == "a"
            fails = name == "a" and second < bad_for
            logs[name].add(there.time, FAILED if fails else None, first=0.3 if name == "a" else 0.8)
        there.observe(*(log.performance(there.time) for log in logs.values()))
        there.pass_by(seconds=step)
    return [chosen[place] for place in range(until // 300)]


def test_a_recovered_endpoint_gets_a_trickle_while_it_is_bad_and_its_calls_back_soon_after():
    hour = 12
    calls = played(bad_for=3_600, until=2 * 3_600)
    # Of 300 in each five minutes.
    assert calls[0] <= 10
    assert all(each <= 5 for each in calls[1:hour])
    assert sum(calls[1:hour]) >= 10, "a bad one is still tried"
    back = next(place for place, each in enumerate(calls) if each > 150)
    assert hour <= back <= hour + 6
    assert min(calls[back:]) > 200


SCOUT = "agents/a"
AGENTS = DiscoverQuery(DiscoverTarget.AGENT)


def agent(state, name=SCOUT):
    spec = Agent(interfaces=(AgentInterface(url="https://a.example"),), auth=OPEN)
    return Resource(name=name, agent=spec, status=ResourceStatus(agent_state=state))


def said(load, name=SCOUT, **ago):
    return Performance(name, (), NOW, load=load, load_time=NOW - timedelta(**ago))


@pytest.mark.parametrize(
    ("state", "value"),
    [(AgentState.AVAILABLE, 0.1), (None, 0.1), (AgentState.BUSY, 0.0)],
    ids=["available", "unknown", "busy"],
)
def test_an_agent_is_as_idle_as_it_said_unless_it_takes_nothing(state, value):
    clock = Clock(agent(state))
    clock.observe(said(0.9))
    assert clock.part(ScorePartKind.LOAD, query=AGENTS, name=SCOUT).value == pytest.approx(value)


def test_a_load_is_explained_as_measured_with_its_age():
    clock = Clock(agent(AgentState.AVAILABLE))
    clock.observe(said(0.25, seconds=7))
    part = clock.part(ScorePartKind.LOAD, query=AGENTS, name=SCOUT)
    assert (part.value, part.basis) == (0.75, ScoreBasis.MEASURED)
    assert part.figures == (ScoreFigure(ScoreFigureKind.LOAD, measured=0.25, last_time=NOW - timedelta(seconds=7)),)


def test_who_said_the_lower_load_comes_first_until_they_swap():
    clock = Clock(agent(AgentState.AVAILABLE), agent(AgentState.AVAILABLE, "agents/b"))
    clock.observe(said(0.9), said(0.1, "agents/b"))
    assert clock.order(AGENTS) == ["b", "a"]
    clock.observe(said(0.1), said(0.9, "agents/b"))
    assert clock.order(AGENTS) == ["a", "b"]


def test_a_load_counts_by_half_after_a_minute_and_not_after_five():
    clock = Clock(agent(AgentState.AVAILABLE))
    clock.observe(said(0.95))

    def value():
        return clock.part(ScorePartKind.LOAD, query=AGENTS, name=SCOUT).value

    clock.pass_by(seconds=59)
    assert value() == pytest.approx(0.05)
    clock.pass_by(seconds=1)
    assert value() == pytest.approx(0.4)
    clock.pass_by(seconds=239)
    assert value() == pytest.approx(0.4)
    clock.pass_by(seconds=1)
    assert value() == 0.75


def test_a_load_that_is_told_no_more_is_forgotten():
    clock = Clock(agent(AgentState.AVAILABLE))
    clock.observe(said(0.9))
    clock.observe(Performance(SCOUT, (), NOW))
    part = clock.part(ScorePartKind.LOAD, query=AGENTS, name=SCOUT)
    assert (part.value, part.basis, part.figures) == (0.75, ScoreBasis.DECLARED, ())


@pytest.mark.parametrize(("load", "value"), [(0.9, 0.1), (0.2, 0.5)], ids=["told", "measured"])
def test_the_larger_of_what_an_endpoint_said_and_its_share_of_the_limits_counts(load, value):
    clock = Clock(endpoint(rate_limits=RateLimits(requests_per_minute=100)))
    minute = replace(measured(A, NOW, attempts=50), load=load, load_time=NOW)
    clock.observe(minute)
    assert clock.part(ScorePartKind.LOAD).value == pytest.approx(value)
