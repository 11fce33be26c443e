"""Breakers, on a clock that the test drives."""

import pytest

from airegistry.routing.gates.breaker import Breakers, BreakerSettings, BreakerState

SETTINGS = BreakerSettings(window=30, minimum_volume=4, failure_share=0.5, open_for=5, max_open_for=15, slow_start=20)


@pytest.fixture
def breakers(clock):
    return Breakers(SETTINGS, clock)


def call(breakers, name="a", *, good):
    with breakers.passage(name) as passage:
        if good:
            passage.succeeded()
        else:
            passage.failed()


def fail(breakers, name="a", times=4):
    for _ in range(times):
        call(breakers, name, good=False)


def test_it_opens_only_after_enough_calls(breakers):
    fail(breakers, times=3)
    assert breakers.state("a") is BreakerState.CLOSED
    fail(breakers, times=1)
    assert breakers.state("a") is BreakerState.OPEN


def test_it_stays_closed_while_most_calls_are_good(breakers):
    for good in [True, True, False] * 5:
        call(breakers, good=good)
    assert breakers.state("a") is BreakerState.CLOSED


def test_old_failures_are_forgotten(breakers, clock):
    fail(breakers, times=3)
    clock.time += 31
    fail(breakers, times=1)
    assert breakers.state("a") is BreakerState.CLOSED


def test_a_call_without_a_verdict_counts_for_nothing(breakers):
    fail(breakers, times=3)
    for _ in range(10):
        with breakers.passage("a"):
            pass
    assert breakers.state("a") is BreakerState.CLOSED


def test_after_a_while_one_call_at_a_time_may_probe(breakers, clock):
    fail(breakers)
    assert breakers.ejected(["a"]) == {"a"}
    clock.time += 5
    assert breakers.state("a") is BreakerState.HALF_OPEN
    assert breakers.ejected(["a"]) == frozenset()
    with breakers.passage("a"):
        assert breakers.ejected(["a"]) == {"a"}
    assert breakers.ejected(["a"]) == frozenset()


def test_a_good_probe_closes_it(breakers, clock):
    fail(breakers)
    clock.time += 5
    call(breakers, good=True)
    assert breakers.state("a") is BreakerState.CLOSED


def test_a_bad_probe_opens_it_for_longer_each_time(breakers, clock):
    fail(breakers)
    waits = []
    for _ in range(4):
        waits.append(breakers.wait(["a"]))
        clock.time += waits[-1]
        call(breakers, good=False)
    assert waits == [5, 10, 15, 15]


def test_a_probe_that_is_cancelled_lets_the_next_one_try(breakers, clock):
    fail(breakers)
    clock.time += 5
    with breakers.passage("a"):
        pass
    assert breakers.state("a") is BreakerState.HALF_OPEN
    call(breakers, good=True)
    assert breakers.state("a") is BreakerState.CLOSED


def test_a_call_beside_a_probe_decides_nothing(breakers, clock):
    fail(breakers)
    clock.time += 5
    with breakers.passage("a"):
        call(breakers, good=True)
        assert breakers.ejected(["a"]) == {"a"}
    assert breakers.state("a") is BreakerState.HALF_OPEN


def test_a_probe_that_raises_is_given_back(breakers, clock):
    fail(breakers)
    clock.time += 5
    with pytest.raises(ZeroDivisionError), breakers.passage("a"):
        raise ZeroDivisionError
    assert breakers.ejected(["a"]) == frozenset()


def test_traffic_comes_back_slowly(breakers, clock):
    fail(breakers)
    clock.time += 5
    call(breakers, good=True)
    shares = []
    for _ in range(3):
        shares.append(breakers.share("a"))
        clock.time += 10
    assert shares == [0.1, 0.5, 1.0]


def test_no_more_than_a_share_of_a_models_endpoints_is_ejected(breakers):
    for name in "abcd":
        fail(breakers, name)
    assert breakers.ejected(list("abcd")) == {"a", "b"}


def test_the_only_endpoint_may_be_ejected(breakers):
    fail(breakers)
    assert breakers.ejected(["a"]) == {"a"}


def test_a_cool_down_is_kept_however_many_ask_for_it(breakers, clock):
    for name in "abcd":
        breakers.cool(name, 30)
    assert breakers.ejected(list("abcd")) == set("abcd")
    assert breakers.state("a") is BreakerState.OPEN
    assert breakers.wait(list("abcd")) == 30
    clock.time += 30
    assert breakers.ejected(list("abcd")) == frozenset()


def test_a_cool_down_has_a_bound_and_a_default(breakers):
    breakers.cool("a", 1e9)
    breakers.cool("b", None)
    assert breakers.wait(["a"]) == BreakerSettings().max_cool_down
    assert breakers.wait(["b"]) == BreakerSettings().default_cool_down


def test_a_shorter_cool_down_does_not_cut_a_longer_one(breakers):
    breakers.cool("a", 30)
    breakers.cool("a", 1)
    assert breakers.wait(["a"]) == 30


def test_what_is_forgotten_is_what_has_nothing_to_remember(breakers):
    fail(breakers, "bad")
    for i in range(5_000):
        with breakers.passage(f"idle-{i}"):
            pass
    assert len(breakers.states()) < 4_100
    assert breakers.state("bad") is BreakerState.OPEN


def test_those_that_failed_and_were_never_asked_again_are_forgotten_too(breakers, clock):
    for i in range(5_000):
        fail(breakers, f"gone-{i}")
        clock.time += 1
    assert len(breakers.states()) < 4_100
    assert breakers.state("gone-4999") is BreakerState.OPEN
