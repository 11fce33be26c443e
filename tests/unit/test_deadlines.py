"""Deadlines by ticks: nobody is early, forgotten or told twice."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airegistry._rpc.deadlines import Deadlines

TICK = 0.1
MOMENTS = st.floats(0, 50, allow_nan=False)


def made() -> Deadlines[Any]:
    return Deadlines(TICK)


def test_a_deadline_passes_once_and_within_a_tick():
    deadlines = made()
    deadlines.add("a", 1000.05)
    assert deadlines.passed(1000.04) == []
    assert deadlines.passed(1000.151) == ["a"]
    assert deadlines.passed(2000.0) == []


def test_one_that_is_over_when_it_comes_passes_with_the_next_tick():
    deadlines = made()
    for number in range(100):
        # So many that the ticks are gone through one by one.
        deadlines.add(number, 5000.0 + number)
    deadlines.passed(1000.0)
    deadlines.add("late", 900.0)
    assert deadlines.passed(1000.0) == []
    assert deadlines.passed(1000.2) == ["late"]


def test_what_is_removed_does_not_pass():
    deadlines = made()
    deadlines.add("a", 1.0)
    deadlines.passed(2.0)
    deadlines.remove("a")
    deadlines.add("b", 3.0)
    deadlines.remove("b")
    deadlines.remove("b")
    assert deadlines.passed(9.0) == []
    assert len(deadlines) == 0


def test_who_passed_may_come_again():
    deadlines = made()
    deadlines.add("a", 1.0)
    assert deadlines.passed(1.2) == ["a"]
    deadlines.add("a", 2.0)
    assert deadlines.passed(2.2) == ["a"]


@given(st.lists(st.tuples(MOMENTS, st.sampled_from(["add", "remove", "pass"])), max_size=60))
def test_each_passes_when_its_time_has_come(steps):
    deadlines, now = made(), 0.0
    kept: dict[int, float] = {}
    for number, (moment, step) in enumerate(steps):
        if step == "add":
            kept[number] = max(moment, now)
            deadlines.add(number, moment)
        elif step == "remove" and kept:
            gone = min(kept)
            del kept[gone]
            deadlines.remove(gone)
        elif step == "pass":
            now += moment / 50
            for one in deadlines.passed(now):
                assert kept.pop(one) <= now
            assert all(deadline > now - 2 * TICK for deadline in kept.values())
    assert set(deadlines.passed(1000.0)) == set(kept)
