"""Which target gets a call."""

import random
from collections import Counter

import pytest

from airegistry.discovery.answers import Score, ScorePart, ScorePartKind
from airegistry.resources.resource import Health, ResourceStatus
from airegistry.resources.route import PickStrategy
from airegistry.routing.picker import Picker
from airegistry.routing.target import Group, Target
from tests import catalogs


def target(name, *, latency=0.5, health=None, **facts):
    resource = catalogs.with_status(
        catalogs.endpoint(name, "http://127.0.0.1:1", **facts), ResourceStatus(health=health)
    )
    assert resource.endpoint is not None
    return Target(resource, resource.endpoint, Score(latency, (ScorePart(ScorePartKind.LATENCY, latency),)))


def full_share(_name):
    return 1.0


@pytest.fixture
def picker():
    return Picker(random.Random(1), full_share)


def shares(picker, tier, strategy=PickStrategy.BEST, times=2_000):
    picked = Counter(picker.pick(tier, strategy).name.rpartition("/")[2] for _ in range(times))
    return {name: round(count / times, 1) for name, count in picked.items()}


def test_best_is_the_first(picker):
    assert shares(picker, (Group((target("a"), target("b"))),)) == {"a": 1.0}


def test_a_lower_priority_number_goes_first_whatever_the_strategy(picker):
    tier = (Group((target("a", priority=1), target("b", priority=0))),)
    for strategy in PickStrategy:
        assert shares(picker, tier, strategy) == {"b": 1.0}


def test_who_is_degraded_goes_after_those_that_serve(picker):
    tier = (Group((target("a", health=Health.DEGRADED), target("b"))),)
    assert shares(picker, tier) == {"b": 1.0}


def test_weights_share_the_calls(picker):
    tier = (Group((target("a", weight=9), target("b", weight=1))),)
    assert shares(picker, tier, PickStrategy.WEIGHTED_RANDOM) == {"a": 0.9, "b": 0.1}


def test_the_groups_of_a_tier_share_its_calls(picker):
    tier = (Group((target("a"),), weight=3), Group((target("b"), target("c")), weight=7))
    assert shares(picker, tier) == {"a": 0.3, "b": 0.7}


def test_of_two_the_better_one_is_taken(picker):
    tier = (Group((target("slow", latency=0.1), target("quick", latency=0.9))),)
    assert shares(picker, tier, PickStrategy.POWER_OF_TWO) == {"quick": 1.0}


def test_of_two_the_idle_one_is_taken(picker):
    busy, idle = target("busy"), target("idle")
    with picker.lend(busy), picker.lend(busy):
        assert shares(picker, (Group((busy, idle)),), PickStrategy.POWER_OF_TWO) == {"idle": 1.0}


def test_lending_counts_calls_in_flight_also_when_they_fail(picker):
    one = target("a")
    with picker.lend(one):
        assert picker.in_flight == {one.name: 1}
    with pytest.raises(ZeroDivisionError), picker.lend(one):
        raise ZeroDivisionError
    assert picker.in_flight == {}


@pytest.mark.parametrize("strategy", PickStrategy, ids=lambda strategy: strategy.name.lower())
def test_who_came_back_gets_only_its_share(strategy):
    picker = Picker(random.Random(1), lambda name: 0.1 if name.endswith("/a") else 1.0)
    tier = (Group((target("a"), target("b"))),)
    picked = shares(picker, tier, strategy)
    assert picked["b"] >= (0.9 if strategy is PickStrategy.BEST else 0.4)


def test_a_sticky_key_stays_with_its_target(picker):
    tier = (Group(tuple(target(name) for name in "abcdefgh")),)
    picks = {
        key: {picker.pick(tier, PickStrategy.WEIGHTED_RANDOM, sticky_key=key).name for _ in range(10)}
        for key in ("one", "two", "three", "four")
    }
    assert all(len(names) == 1 for names in picks.values())
    assert len(set.union(*picks.values())) > 1
