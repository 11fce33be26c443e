"""When so much is out of reach that it must be us."""

import pytest

from registry.probes.guard import GONE_AFTER, LEAST, Guard


def guard_of(connected=0, failing=0):
    guard = Guard()
    for i in range(connected):
        guard.note(f"up-{i}:80", connected=True)
    for i in range(failing):
        guard.note(f"down-{i}:80", connected=False)
    return guard


@pytest.mark.parametrize(
    ("connected", "failing", "active"),
    [
        pytest.param(0, 0, False, id="nothing"),
        pytest.param(0, LEAST - 1, False, id="too-few"),
        pytest.param(0, LEAST, True, id="enough"),
        pytest.param(LEAST, LEAST, False, id="half"),
        pytest.param(LEAST, LEAST + 1, True, id="more-than-half"),
    ],
)
def test_it_is_us_when_most_addresses_fail_at_once(connected, failing, active):
    assert guard_of(connected, failing).active is active


def test_a_failure_is_believed_until_it_is_us():
    guard = guard_of(failing=LEAST - 2)
    assert guard.note("a:80", connected=False)
    assert not guard.note("b:80", connected=False)


def test_a_success_is_always_believed():
    guard = guard_of(failing=100)
    assert guard.note("down-0:80", connected=True)


def test_it_ends_when_addresses_answer_again():
    guard = guard_of(failing=2 * LEAST)
    for i in range(LEAST):
        assert guard.active
        guard.note(f"down-{i}:80", connected=True)
    assert not guard.active


def test_failures_that_nobody_believed_do_not_add_up():
    guard = guard_of(failing=2 * LEAST)
    for _ in range(GONE_AFTER):
        for i in range(2 * LEAST):
            guard.note(f"down-{i}:80", connected=False)
    assert guard.active


def test_what_is_long_gone_says_nothing_of_our_network():
    guard = guard_of(connected=LEAST)
    for i in range(LEAST - 1):
        for _ in range(GONE_AFTER):
            assert guard.note(f"gone-{i}:80", connected=False)
    for i in range(LEAST - 1):
        assert guard.note(f"up-{i}:80", connected=False)


def test_what_is_long_gone_does_not_hide_that_it_is_us():
    guard = guard_of(connected=LEAST)
    for i in range(3 * LEAST):
        guard.presume_gone(f"gone-{i}:80")
    for i in range(LEAST):
        guard.note(f"up-{i}:80", connected=False)
    assert guard.active


def test_what_others_found_gone_does_not_count():
    guard = Guard()
    for i in range(LEAST):
        guard.presume_gone(f"gone-{i}:80")
        assert guard.note(f"gone-{i}:80", connected=False)
    assert not guard.active


def test_what_was_seen_here_counts_more_than_what_others_found():
    guard = guard_of(failing=LEAST)
    guard.presume_gone("down-0:80")
    assert guard.active


def test_what_is_forgotten_does_not_count():
    guard = guard_of(failing=LEAST)
    guard.forget("down-0:80")
    guard.forget("never-seen:80")
    assert not guard.active
