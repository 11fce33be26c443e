"""Windows: what is in them, what leaves them and when, and that they follow from the epochs alone."""

from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.observations.delta import Delta, merged
from registry.observations.windows import FROM_EPOCHS, FROM_HOURS, FROM_MINUTES, SHAPES, Windows
from tests.measuring import ONE, TWO, measured

# A multiple of two hours, so that tests know where slots end.
START = 1_699_999_200.0 // 7200 * 7200


class Steps:
    """Windows that are moved by hand."""

    def __init__(self):
        self.windows = Windows()
        self.numbers = count(1)

    def apply(self, time, delta=Delta()):  # noqa: B008 - immutable
        return self.windows.apply(next(self.numbers), time, delta)

    def attempts(self, target=ONE):
        return {window.window: window.attempts for window in self.windows.performance(target).windows}


@pytest.fixture
def steps():
    return Steps()


def test_what_ends_now_is_in_all_windows(steps):
    assert steps.apply(START, measured({"at": START})) == {ONE}
    assert steps.attempts() == {60: 1, 300: 1, 1800: 1, 86400: 1}


@pytest.mark.parametrize(
    ("age", "lengths"), [(70, {300, 1800, 86400}), (400, {1800, 86400}), (7200, {86400}), (95_000, set())]
)
def test_what_ended_before_is_in_the_windows_that_reach_there(steps, age, lengths):
    steps.apply(START, measured({"at": START - age}))
    assert set(steps.attempts()) == lengths


def test_a_reporter_whose_clock_is_ahead_counts_at_once(steps):
    steps.apply(START, measured({"at": START + 59}))
    assert steps.attempts()[60] == 1


@pytest.mark.parametrize(("length", "width"), SHAPES)
def test_a_window_covers_its_length_but_for_a_slot(steps, length, width):
    steps.apply(START, measured({"at": START}))
    steps.apply(START + length - width - 1)
    assert steps.attempts()[length] == 1
    steps.apply(START + length)
    assert length not in steps.attempts()


def test_what_leaves_a_window_is_told(steps):
    steps.apply(START, measured({"at": START}))
    assert steps.apply(START + 55) == set()
    assert not steps.windows.due(START + 59)
    assert steps.windows.due(START + 60)
    assert steps.apply(START + 60) == {ONE}
    assert steps.apply(START + 86_400 + 7200) == {ONE}
    assert steps.windows.performance(ONE).windows == ()
    assert steps.windows.idle() == {ONE}
    assert not steps.windows.due(START + 10 * 86_400)


def test_an_epoch_without_observations_changes_nothing_else(steps):
    steps.apply(START, measured({"at": START}, {"at": START, "target": 1}, targets=(ONE, TWO)))
    assert steps.apply(START + 1) == set()


def test_the_last_time_is_exact_to_the_microsecond(steps):
    steps.apply(START, measured({"at": START + 1.234567}))
    steps.apply(START, measured({"at": START - 100}))
    assert {window.last_time.timestamp() for window in steps.windows.performance(ONE).windows} == {START + 1.234567}


def test_who_is_forgotten_leaves_the_others_as_they_are(steps):
    steps.apply(START, measured({"at": START}, {"at": START, "target": 1}, targets=(ONE, TWO)))
    steps.windows.forget([ONE])
    assert steps.attempts() == {}
    assert steps.attempts(TWO)[60] == 1
    # Another number: nothing of before is seen when it comes back.
    steps.apply(START, measured({"at": START}))
    assert steps.attempts()[86400] == 1
    steps.apply(START + 95_000)
    assert steps.windows.entries == 0


def test_costs_of_nothing_come_and_go(steps):
    # Counters of 0 beside so many that leave that the zeros are swept out.
    targets = tuple(ONE._replace(uid=f"uid-{place:03}") for place in range(400))
    free = [{"at": START, "target": place, "cost": 0, "tokens": 0} for place in range(400)]
    steps.apply(START, measured(*free, targets=targets))
    steps.apply(START + 30, measured({"at": START + 30, "cost": 0, "tokens": 0}, targets=targets[-1:]))
    steps.apply(START + 65)
    (minute, *_) = steps.windows.performance(targets[-1]).windows
    assert (minute.window, minute.attempts, minute.cost_nanos, minute.costed) == (60, 1, 0, 1)
    steps.apply(START + 95)
    assert 60 not in steps.attempts(targets[-1])
    steps.apply(START + 95_000)
    assert steps.windows.entries == 0


EPOCHS = st.lists(
    st.tuples(
        st.integers(0, 900),
        st.lists(st.tuples(st.integers(-90_000, 59), st.integers(0, 1), st.floats(0.001, 100)), min_size=0, max_size=8),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60)
@given(EPOCHS)
def test_windows_hold_what_a_slow_count_of_single_observations_finds(epochs):
    steps, time, everything = Steps(), START, []
    for step, found in epochs:
        time += step
        observations = [{"at": time + age, "target": target, "duration": value} for age, target, value in found]
        everything += observations
        steps.apply(time, both_measured(observations))
    for place, target in enumerate((ONE, TWO)):
        expected = {}
        for length, width in SHAPES:
            first = (time // width - length // width + 1) * width
            inside = [one for one in everything if one["target"] == place and one["at"] >= first]
            if inside:
                expected[length] = len(inside)
        assert steps.attempts(target) == expected


def both_measured(observations):
    # A target that is named must occur.
    of_each = [[{**one, "target": 0} for one in observations if one["target"] == place] for place in (0, 1)]
    return merged(
        measured(*found, targets=(target,)) for found, target in zip(of_each, (ONE, TWO), strict=True) if found
    )


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=6))
def test_windows_filled_after_a_start_are_those_that_went_through_all_of_it(ages):
    steps = Steps()
    deltas = [measured({"at": START - age, "duration": 1.0 + age}) for age in ages]
    for delta in deltas:
        steps.apply(START, delta)
    filled = Windows()
    filled.begin(len(deltas), START)
    filled.fill(merged(deltas), (*FROM_EPOCHS, *FROM_MINUTES, *FROM_HOURS))
    assert filled.performance(ONE) == steps.windows.performance(ONE)
