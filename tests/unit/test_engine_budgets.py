"""How a wait is bound: whose time ran out, and what a cancellation from elsewhere is."""

import asyncio
import time

import pytest

from airegistry.errors import DeadlineExceededError, ProviderTimeoutError
from airegistry.invoke.budgets import Budget

LONG = 60.0


def canceled():
    task = asyncio.current_task()
    return task is None or task.cancelling()


def lapse():
    return "no answer within 0 s"


def budget(deadline=None):
    return Budget(deadline, time.monotonic)


async def test_a_wait_that_takes_too_long_ends_in_the_words_of_its_lapse():
    with pytest.raises(ProviderTimeoutError, match="no answer within 0 s"), budget(LONG).within(0.01, lapse):
        await asyncio.sleep(LONG)
    assert canceled() == 0


async def test_the_time_of_the_call_ends_a_wait_that_could_go_on():
    words = "the caller's deadline passed"
    with pytest.raises(DeadlineExceededError, match=words), budget(0.01).within(LONG, lapse):
        await asyncio.sleep(LONG)
    assert canceled() == 0


async def test_nobody_waits_once_the_time_of_the_call_is_over():
    waited = False
    with pytest.raises(DeadlineExceededError), budget(0.0).within(LONG, lapse):
        waited = True
    assert not waited


async def test_a_timeout_from_within_is_one_of_the_wait():
    with pytest.raises(ProviderTimeoutError), budget().within(LONG, lapse):
        async with asyncio.timeout(0.01):
            await asyncio.sleep(LONG)


async def test_a_wait_that_ended_in_time_cancels_nobody_later():
    with budget().within(0.01, lapse):
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)


async def test_what_failed_within_is_raised_as_it_is():
    with pytest.raises(KeyError), budget().within(LONG, lapse):
        raise KeyError


async def test_a_wait_without_any_bound_lasts_as_long_as_it_takes():
    with budget().within(float("inf"), lapse):
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("late", [False, True], ids=["before-the-lapse", "as-it-lapses"])
async def test_who_is_cancelled_by_somebody_else_is_cancelled(late):
    """Also when both come together: a call that was given up is not tried elsewhere."""
    began = asyncio.Event()

    async def waiting():
        with budget().within(0.01 if late else LONG, lapse):
            began.set()
            await asyncio.sleep(LONG)

    task = asyncio.create_task(waiting())
    await began.wait()
    if late:
        # Both are due before the task runs again.
        time.sleep(0.05)  # noqa: ASYNC251 - the loop must not run meanwhile
        asyncio.get_running_loop().call_later(0, task.cancel)
    else:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_the_outer_of_two_waits_ends_the_inner_one():
    outer, inner = budget().within(0.01, lambda: "outer"), budget().within(LONG, lapse)
    with pytest.raises(ProviderTimeoutError, match="outer"), outer, inner:
        await asyncio.sleep(LONG)
