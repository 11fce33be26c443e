"""Exploration: a little is tried of those who are worse, and who recovered gets calls again."""

import math
from collections import Counter

import pytest

from airegistry.discovery.answers import ScorePartKind
from airegistry.resources.endpoint import DeclaredPerformance
from airegistry.resources.requirements import DiscoverQuery, Preference
from tests.attempts import Attempts, measured
from tests.measured_index import FAILED, GOOD, NOW, A, B, Clock, endpoint


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
