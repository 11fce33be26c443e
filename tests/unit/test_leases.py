"""Who holds what, and until when."""

import random
from dataclasses import replace

import pytest

from registry.leases import MIN_PER_PASS, Leases

ME, OTHER = "owner-me", "owner-other"


class Clock:
    def __init__(self):
        self.time = 1000.0

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def leases(clock):
    return Leases(clock, rng=random.Random(1))


def hold(leases, name="agents/a", owner=ME, ttl=10.0):
    leases.put(leases.grant(name, owner, ttl))


def names(due):
    return sorted(lease.name for lease in due)


def test_a_lease_lives_at_least_its_time_to_live(leases, clock):
    hold(leases, ttl=10)
    clock.time += 9.99
    assert leases.due() == []
    clock.time += 0.01
    assert names(leases.due()) == ["agents/a"]


def test_a_renewal_gives_the_whole_time_again(leases, clock):
    hold(leases, ttl=10)
    clock.time += 9
    leases.put(leases.renew(leases.get("agents/a")))
    clock.time += 9
    assert leases.due() == []


@pytest.mark.parametrize(
    ("ttl", "removed_after"), [pytest.param(10, 60, id="a-minute"), pytest.param(30, 90, id="three-times")]
)
def test_a_suspect_is_due_again_after_three_times_its_ttl_but_a_minute_at_least(leases, clock, ttl, removed_after):
    hold(leases, ttl=ttl)
    clock.time += ttl
    (lease,) = leases.due()
    leases.put(replace(lease, suspect=True))
    assert leases.due() == []
    clock.time = 1000 + removed_after - 0.01
    assert leases.due() == []
    clock.time = 1000 + removed_after
    assert names(leases.due()) == ["agents/a"]


def test_what_is_due_stays_due_until_something_is_done(leases, clock):
    hold(leases)
    clock.time += 11
    assert names(leases.due()) == names(leases.due()) == ["agents/a"]


def test_a_renewal_ends_suspicion(leases, clock):
    hold(leases)
    leases.put(replace(leases.get("agents/a"), suspect=True))
    leases.put(leases.renew(leases.get("agents/a"), load=0.5))
    assert not leases.get("agents/a").suspect
    assert leases.get("agents/a").load == 0.5


def test_a_live_lease_keeps_others_out_and_an_unrenewed_one_does_not(leases, clock):
    hold(leases, ttl=10)
    assert leases.held_by_another("agents/a", OTHER)
    assert not leases.held_by_another("agents/a", ME)
    clock.time += 10
    assert not leases.held_by_another("agents/a", OTHER)


def test_nobody_holds_what_has_no_lease(leases):
    assert not leases.held_by_another("agents/a", "")


def test_a_dropped_lease_is_never_due(leases, clock):
    hold(leases)
    leases.drop("agents/a")
    clock.time += 1000
    assert leases.due() == []
    assert len(leases) == 0


@pytest.mark.parametrize(
    ("count", "ended"), [pytest.param(1000, 50, id="five-percent"), pytest.param(40, MIN_PER_PASS, id="few")]
)
def test_one_pass_ends_only_a_share(leases, clock, count, ended):
    for i in range(count):
        hold(leases, f"agents/a{i}")
    clock.time += 1000
    assert len(leases.due()) == ended


def test_which_leases_end_first_is_random(leases, clock):
    for i in range(40):
        hold(leases, f"agents/a{i}")
    clock.time += 1000
    assert names(leases.due()) != names(leases.due())


def test_forgiving_counts_as_a_renewal_of_all(leases, clock):
    hold(leases, ttl=10)
    clock.time += 500
    leases.forgive()
    clock.time += 9.99
    assert leases.due() == []
    clock.time += 0.01
    assert names(leases.due()) == ["agents/a"]


def test_forgiving_takes_nothing_from_a_lease_renewed_later_than_the_clock_shows(leases, clock):
    hold(leases, ttl=10)
    clock.time -= 5
    leases.forgive()
    assert leases.get("agents/a").expires_at == 1010
