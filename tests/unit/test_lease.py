import random

import pytest

from airegistry.lease import Lease, LeaseState


@pytest.fixture
def lease(clock):
    return Lease(30.0, now=clock, rng=random.Random(1))


@pytest.fixture
def held(lease, clock):
    lease.granted(30.0, asked=clock.time)
    return lease


def test_it_begins_with_a_registration_that_is_due_at_once(lease, clock):
    assert (lease.state, lease.must_register, lease.due) == (LeaseState.UNREGISTERED, True, clock.time)


def test_a_renewal_is_due_within_a_third_of_the_time_to_live(lease, clock):
    dues = set()
    for _ in range(100):
        lease.granted(30.0, asked=clock.time)
        assert 8.0 <= lease.due - clock.time <= 10.0
        dues.add(lease.due)
    assert len(dues) > 90
    assert lease.state is LeaseState.HELD
    assert not lease.must_register


def test_the_time_to_live_counts_from_the_question_not_from_the_answer(lease, clock):
    asked = clock.time
    clock.time += 25.0
    lease.granted(30.0, asked=asked)
    before = lease.state
    clock.time += 5.0
    assert (before, lease.state) == (LeaseState.HELD, LeaseState.LOST)


def test_a_registry_that_grants_less_is_asked_more_often(lease, clock):
    lease.granted(3.0, asked=clock.time)
    assert lease.due - clock.time <= 1.0


def test_a_lease_that_is_gone_is_registered_again_at_once(held, clock):
    held.expired()
    assert (held.state, held.must_register, held.due) == (LeaseState.LOST, True, clock.time)


def test_a_failed_renewal_comes_again_soon_and_the_lease_is_held_until_its_end(held, clock):
    held.failed()
    assert 0 <= held.due - clock.time <= 1.0
    assert not held.must_register
    before = held.state
    clock.time += 30.0
    assert (before, held.state) == (LeaseState.HELD, LeaseState.LOST)


def test_failures_back_off_but_never_beyond_a_third_of_the_time_to_live(held, clock):
    waits = []
    for _ in range(200):
        held.failed()
        waits.append(held.due - clock.time)
    assert max(waits[:2]) <= 2.0
    assert 8.0 < max(waits) <= 10.0


def test_the_registry_may_ask_for_patience(held, clock):
    held.failed(retry_after=20.0)
    assert held.due - clock.time >= 20.0


def test_a_refusal_is_shown_and_asked_again(held, clock):
    held.refused()
    assert (held.state, held.must_register) == (LeaseState.REFUSED, True)
    assert held.due < clock.time + 10.0
    held.granted(30.0, asked=clock.time)
    assert held.state is LeaseState.HELD


def test_news_are_sent_at_once_unless_the_registry_is_failing(held, clock):
    held.changed()
    assert held.due == clock.time
    held.failed()
    due = held.due
    held.changed()
    assert held.due == due


def test_a_closed_lease_is_closed(held):
    held.close()
    assert held.state is LeaseState.CLOSED
