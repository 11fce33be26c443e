"""The load that an endpoint or agent tells of itself, in the order and in its explanation."""

from dataclasses import replace
from datetime import timedelta

import pytest

from airegistry.discovery.answers import ScoreBasis, ScoreFigure, ScoreFigureKind, ScorePartKind
from airegistry.observations.performance import Performance
from airegistry.resources.agent import Agent, AgentInterface
from airegistry.resources.endpoint import RateLimits
from airegistry.resources.requirements import DiscoverQuery, DiscoverTarget
from airegistry.resources.resource import AgentState, Resource, ResourceStatus
from tests.attempts import measured
from tests.measured_index import NOW, OPEN, A, Clock, endpoint

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
