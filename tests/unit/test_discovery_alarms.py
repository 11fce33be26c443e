from hypothesis import given
from hypothesis import strategies as st

from airegistry.discovery.alarms import Alarms

SETTINGS = st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(1, 20)) | st.integers(0, 20), max_size=40)


@given(SETTINGS)
def test_a_name_is_due_once_at_the_moment_that_was_set_last(steps):
    alarms, now = Alarms(), 0
    expected: dict[str, int] = {}
    for step in steps:
        if isinstance(step, int):
            now = max(now, step)
            assert sorted(alarms.due(now)) == sorted(name for name, moment in expected.items() if moment <= now)
            expected = {name: moment for name, moment in expected.items() if moment > now}
        else:
            name, moment = step
            alarms.set(name, moment)
            expected.pop(name, None)
            if moment is not None:
                expected[name] = moment


def test_a_name_that_is_set_again_while_it_is_due_is_due_again():
    alarms = Alarms()
    alarms.set("a", 1)
    seen = []
    for name in alarms.due(5):
        seen.append(name)
        alarms.set(name, len(seen) + 3)
    assert seen == ["a", "a", "a"]


def test_moments_that_move_about_for_ever_take_no_room():
    alarms = Alarms()
    for number in range(5_000):
        alarms.set("on", number)
        alarms.set("back", -number)
        alarms.set("gone", number)
        alarms.set("gone", None)
    assert len(alarms._heap) < 2_000
    assert sorted(alarms.due(10_000)) == ["back", "on"]
