"""Which target gets a call."""

import random
from collections import Counter

import pytest

from airegistry.discovery.answers import Score, ScorePart, ScorePartKind
from airegistry.resources.resource import Health, ResourceStatus
from airegistry.resources.route import PickStrategy
from airegistry.routing.latencies import ENOUGH, Latencies
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
    return Picker(random.Random(1), full_share, Latencies(lambda: 0.0))


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
    picker = Picker(random.Random(1), lambda name: 0.1 if name.endswith("/a") else 1.0, Latencies(lambda: 0.0))
    tier = (Group((target("a"), target("b"))),)
    picked = shares(picker, tier, strategy)
    assert picked["b"] >= (0.9 if strategy is PickStrategy.BEST else 0.4)


def owners(picker, tier, keys=500):
    return {
        key: picker.pick(tier, PickStrategy.POWER_OF_TWO, sticky_key=f"session-{key}").name.rpartition("/")[2]
        for key in range(keys)
    }


def test_a_sticky_key_stays_with_its_target(picker):
    tier = (Group(tuple(target(name) for name in "abcdefgh")),)
    assert owners(picker, tier) == owners(Picker(random.Random(2), full_share, Latencies(lambda: 9.0)), tier)


def test_sessions_spread_evenly(picker):
    counts = Counter(owners(picker, (Group(tuple(target(name) for name in "abcd")),), keys=2_000).values())
    assert all(400 < count < 600 for count in counts.values())


def test_sessions_spread_by_weight(picker):
    tier = (Group((target("a", weight=3), target("b", weight=1))),)
    assert 0.7 < Counter(owners(picker, tier, keys=2_000).values())["a"] / 2_000 < 0.8


def test_a_newcomer_takes_its_share_of_the_sessions_and_moves_no_other(picker):
    before = owners(picker, (Group(tuple(target(name) for name in "abcd")),))
    after = owners(picker, (Group(tuple(target(name) for name in "abcde")),))
    moved = {key for key in before if before[key] != after[key]}
    assert {after[key] for key in moved} == {"e"}
    assert 0.1 < len(moved) / len(before) < 0.3


def test_the_sessions_of_one_that_goes_are_spread_and_come_back(picker):
    whole = (Group(tuple(target(name) for name in "abcd")),)
    before = owners(picker, whole)
    during = owners(picker, (Group(tuple(target(name) for name in "acd")),))
    assert all(during[key] == owner for key, owner in before.items() if owner != "b")
    assert {during[key] for key, owner in before.items() if owner == "b"} == set("acd")
    assert owners(picker, whole) == before


def test_sessions_come_back_to_a_mended_target_little_by_little():
    share = {"models/m/endpoints/b": 0.1}
    picker = Picker(random.Random(1), lambda name: share.get(name, 1.0), Latencies(lambda: 0.0))
    tier = (Group((target("a"), target("b"))),)
    few = {key for key, owner in owners(picker, tier).items() if owner == "b"}
    share.clear()
    many = {key for key, owner in owners(picker, tier).items() if owner == "b"}
    assert few < many
    assert len(few) < 0.2 * 500 < 0.4 * 500 < len(many)


def test_a_session_finds_its_group_again_when_another_one_is_added(picker):
    groups = tuple(Group((target(name),), key=f"models/{name}") for name in "abc")
    before = owners(picker, groups)
    after = owners(picker, (Group((target("n"),), key="models/n"), *groups))
    assert {after[key] for key in before if before[key] != after[key]} == {"n"}


def test_a_session_does_not_lead_away_from_the_best(picker):
    tier = (Group((target("a"), target("b"))),)
    assert {picker.pick(tier, PickStrategy.BEST, sticky_key=str(key)).name[-1] for key in range(50)} == {"a"}


def test_two_are_taken_from_those_near_the_best_alone(picker):
    tier = (Group((target("good", latency=0.8), target("near", latency=0.75), target("far", latency=0.5))),)
    found = shares(picker, tier, PickStrategy.POWER_OF_TWO)
    assert "far" not in found
    with picker.lend(target("good", latency=0.8)):
        assert shares(picker, tier, PickStrategy.POWER_OF_TWO) == {"near": 1.0}


def measured(picker_latencies, name, seconds, *, stream=True, times=ENOUGH):
    for _ in range(times):
        picker_latencies.note(f"models/m/endpoints/{name}", seconds, stream=stream)


def test_what_was_measured_counts_more_than_what_was_declared():
    latencies = Latencies(lambda: 0.0)
    picker = Picker(random.Random(1), full_share, latencies)
    tier = (Group((target("said-quick", latency=0.55), target("is-quick", latency=0.5))),)
    assert shares(picker, tier, PickStrategy.POWER_OF_TWO) == {"said-quick": 1.0}
    measured(latencies, "said-quick", 2.0)
    assert shares(picker, tier, PickStrategy.POWER_OF_TWO) == {"said-quick": 1.0}, "the other one was not measured"
    measured(latencies, "is-quick", 0.2)
    assert shares(picker, tier, PickStrategy.POWER_OF_TWO) == {"is-quick": 1.0}


def test_a_quick_one_gets_more_calls_until_it_has_too_many():
    latencies = Latencies(lambda: 0.0)
    picker = Picker(random.Random(1), full_share, latencies)
    quick, slow = target("quick"), target("slow")
    measured(latencies, "quick", 0.1)
    measured(latencies, "slow", 0.25)
    tier = (Group((quick, slow)),)
    with picker.lend(quick):
        assert shares(picker, tier, PickStrategy.POWER_OF_TWO) == {"quick": 1.0}
        with picker.lend(quick):
            assert shares(picker, tier, PickStrategy.POWER_OF_TWO) == {"slow": 1.0}
