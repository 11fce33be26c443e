"""Who is due next."""

from hypothesis import given
from hypothesis import strategies as st

from registry.probes.schedule import Schedule


def test_nothing_is_due_when_nothing_is_scheduled():
    schedule: Schedule[object] = Schedule()
    assert (schedule.next_due(), schedule.pop(1e9)) == (None, None)


def test_keys_come_in_the_order_of_their_times_and_not_before():
    schedule: Schedule[object] = Schedule()
    for key, due in {"b": 2.0, "a": 1.0, "c": 3.0}.items():
        schedule.put(key, due)
    assert [schedule.pop(2.0) for _ in range(3)] == ["a", "b", None]
    assert (len(schedule), schedule.next_due()) == (1, 3.0)


def test_the_last_time_counts():
    schedule: Schedule[object] = Schedule()
    schedule.put("a", 1.0)
    schedule.put("a", 5.0)
    assert (schedule.pop(4.0), schedule.next_due()) == (None, 5.0)


def test_hastening_never_delays():
    schedule: Schedule[object] = Schedule()
    schedule.put("a", 5.0)
    schedule.hasten("a", 9.0)
    assert schedule.next_due() == 5.0
    schedule.hasten("a", 2.0)
    assert schedule.next_due() == 2.0


def test_what_was_dropped_is_never_due():
    schedule: Schedule[object] = Schedule()
    schedule.put("a", 1.0)
    schedule.drop("a")
    schedule.drop("never-there")
    assert (schedule.pop(9.0), "a" in schedule) == (None, False)


def test_keys_need_no_order():
    schedule: Schedule[object] = Schedule()
    for key in (("a", 1), "b", 3):
        schedule.put(key, 1.0)
    assert [schedule.pop(1.0) for _ in range(3)] == [("a", 1), "b", 3]


def test_times_of_before_do_not_pile_up():
    schedule: Schedule[object] = Schedule()
    for i in range(10_000):
        schedule.put("a", float(i))
    assert len(schedule._heap) < 200


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.one_of(st.none(), st.floats(0, 100)))))
def test_it_is_a_table_of_times(steps):
    schedule: Schedule[str] = Schedule()
    model: dict[str, float] = {}
    for key, due in steps:
        if due is None:
            schedule.drop(key)
            model.pop(key, None)
        else:
            schedule.put(key, due)
            model[key] = due
    assert schedule.next_due() == min(model.values(), default=None)
    popped = [key for _ in model if (key := schedule.pop(100.0)) is not None]
    assert sorted(popped) == sorted(model)
    assert [model[key] for key in popped] == sorted(model.values())
