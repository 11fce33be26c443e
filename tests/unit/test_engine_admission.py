"""When calls are refused before they pile up."""

import asyncio
import time

import pytest

from airegistry import errors
from airegistry.invoke.admission import Admission, Pace
from airegistry.invoke.budgets import Budget
from airegistry.invoke.lag import LoopLag
from tests.clocks import Clock
from tests.waiting import until


def unlimited():
    return Budget(None, time.monotonic)


def late(*seconds, bound=0.25):
    lag = LoopLag(bound)
    for one in seconds:
        lag.note(one)
    return lag


@pytest.mark.parametrize(
    ("beats", "strained"),
    [
        pytest.param([], False, id="nothing-known"),
        pytest.param([0.5] * 4, False, id="for-a-moment"),
        pytest.param([0.5] * 5, True, id="again-and-again"),
        pytest.param([0.5] * 5 + [0.0], False, id="over"),
        pytest.param([9.0, 0.0, 0.0, 0.0, 0.0], False, id="one-long-step"),
    ],
)
def test_a_process_is_strained_when_it_is_late_again_and_again(beats, strained):
    assert late(*beats).strained is strained


async def test_a_loop_that_is_kept_busy_is_seen_to_be_late():
    lag = LoopLag(0.01)
    with lag.measured():
        for _ in range(11):
            time.sleep(0.12)  # noqa: ASYNC251 - this is what is tested: somebody keeps the loop
            await asyncio.sleep(0)
        assert lag.strained
        # A machine that is busy for a moment is busy for one beat.
        await until(lambda: lag.seconds < 0.1)


async def test_a_strained_process_takes_no_call_and_says_when_to_come_back():
    lag = late(*[0.5] * 5)
    admission = Admission(10, 10, 10.0, strained=lambda: lag.strained)
    with pytest.raises(errors.OverloadedError) as refused:
        async with admission.slot(unlimited()):
            pass
    assert refused.value.retry_after == 1.0
    lag.note(0.0)
    async with admission.slot(unlimited()):
        assert admission.running == 1


def paced(*times, memory=10.0):
    pace = Pace(memory)
    for at in times:
        pace.freed(at, waited_for=True)
    return pace


def test_a_wait_is_expected_from_the_pace_of_late():
    assert paced(0.0, 2.0, 4.0).expected(3, 4.0) == 6.0


def test_without_a_pace_nothing_is_expected():
    assert paced().expected(3, 4.0) == 0.0
    assert paced(1.0).expected(3, 4.0) == 0.0
    assert paced(0.0, 2.0).expected(3, 60.0) == 0.0, "what is old says nothing"


def test_room_that_nobody_waited_for_tells_no_pace():
    pace = Pace(10.0)
    pace.freed(0.0, waited_for=True)
    pace.freed(1.0, waited_for=False)
    pace.freed(2.0, waited_for=True)
    assert pace.expected(1, 2.0) == 0.0


async def turns():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_would_not_be_reached_in_time_is_refused_at_once(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", clock)
    admission, ends = Admission(1, 100, 0.5), asyncio.Semaphore(0)

    async def call():
        async with admission.slot(unlimited()):
            await ends.acquire()

    tasks = [asyncio.ensure_future(call()) for _ in range(4)]
    await turns()
    for _ in range(2):
        clock.time += 0.09
        ends.release()
        await turns()
    more = [asyncio.ensure_future(call()) for _ in range(10)]
    await turns()
    # One waits already; four more of them will be reached within half a second, at 0.09 s each.
    assert [task.done() for task in more] == [False] * 4 + [True] * 6
    assert {type(task.exception()) for task in more[4:]} == {errors.OverloadedError}
    for _ in range(6):
        ends.release()
    await asyncio.gather(*tasks, *more[:4])
    assert (admission.running, admission.waiting) == (0, 0)
