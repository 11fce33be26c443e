"""The load that holders tell: the newest counts wherever it came in, until its holder was silent for too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.observations.delta import Delta, decode, encode, merged, only
from registry.observations.loads import LONGEST, load_of
from registry.observations.windows import FROM_EPOCHS, Windows
from tests.measuring import ONE, TWO, measured

START = 1_700_000_000.0


def told(value, time=START, ttl=30.0, target=ONE):
    return Delta(loads={target: load_of(value, time, ttl)})


def load(windows, target=ONE):
    return windows.performance(target).load


@pytest.fixture
def windows():
    return Windows()


def test_a_load_is_told_with_its_time(windows):
    assert windows.apply(1, START, told(0.9)) == {ONE}
    shown = windows.performance(ONE)
    assert (shown.load, shown.load_time.timestamp(), shown.windows) == (0.9, START, ())
    assert load(windows, TWO) is None
    assert windows.known() == (ONE,)
    assert windows.idle() == set()


def test_what_was_said_before_comes_too_late(windows):
    windows.apply(1, START, told(0.9))
    windows.apply(2, START, told(0.1, time=START - 1))
    assert load(windows) == 0.9


def test_it_is_over_when_the_holder_was_silent_for_its_time_to_live(windows):
    windows.apply(1, START, told(0.9, ttl=30.0))
    windows.apply(2, START + 29.9, Delta())
    assert load(windows) == 0.9
    assert not windows.due(START + 29.9)
    assert windows.due(START + 30)
    assert windows.apply(3, START + 30, Delta()) == {ONE}
    assert load(windows) is None
    assert windows.idle() == {ONE}
    assert not windows.due(START + 1_000)


def test_who_goes_on_saying_it_keeps_it(windows):
    for number in range(10):
        windows.apply(number + 1, START + 10 * number, told(0.5, time=START + 10 * number))
    windows.apply(11, START + 119, Delta())
    assert load(windows) == 0.5


def test_a_lease_that_lives_long_keeps_a_load_no_longer_than_epochs_are_kept(windows):
    windows.apply(1, START, told(0.9, ttl=86_400.0))
    windows.apply(2, START + LONGEST, Delta())
    assert load(windows) is None


def test_who_says_nothing_of_it_any_more_has_none(windows):
    windows.apply(1, START, told(0.9))
    assert windows.apply(2, START + 1, told(None, time=START + 1)) == {ONE}
    assert load(windows) is None
    assert windows.load_known(ONE)


def test_who_is_forgotten_said_nothing(windows):
    windows.apply(1, START, told(0.9))
    windows.forget([ONE])
    assert load(windows) is None
    assert windows.known() == ()


def test_loads_are_stored_beside_counters():
    delta = merged([measured({"at": START}), told(0.25), told(None, target=TWO)])
    again = decode(encode(delta))
    assert again.loads == delta.loads == {**told(0.25).loads, **told(None, target=TWO).loads}
    assert again.entries == delta.entries > 0
    # Counters are divided among shards, loads are not.
    assert only(again, ()).loads == delta.loads
    assert only(again, ()).entries == 0


SAID = st.tuples(st.sampled_from([ONE, TWO]), st.none() | st.floats(0, 1), st.integers(0, 40))


@given(st.lists(st.lists(SAID, max_size=3), max_size=8))
def test_who_reads_all_at_once_knows_the_same_as_who_followed(epochs):
    followed, deltas = Windows(), []
    for number, said in enumerate(epochs, 1):
        deltas.append(merged([told(value, time=START + back, target=target) for target, value, back in said]))
        followed.apply(number, START + 5 * number, deltas[-1])
    read = Windows()
    read.begin(len(epochs), followed.time)
    read.fill(merged(deltas), FROM_EPOCHS)
    for target in (ONE, TWO):
        assert read.performance(target).load == followed.performance(target).load
