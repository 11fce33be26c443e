"""The engine's bounds, and what becomes of a provider's connection when the caller goes away."""

import asyncio
from contextlib import aclosing, asynccontextmanager

import pytest

from airegistry import errors, invoke
from airegistry.invocations.invocation import AttemptOutcome
from airegistry.invoke import EngineSettings
from tests import providers
from tests.catalogs import cache_of, chat, served
from tests.engines import Notes
from tests.providers import provider

AT_ONCE = 10.0
"""Seconds on a machine that has much else to do; nothing else would end such a connection that soon."""


@asynccontextmanager
async def engine_over(behaviour, settings=None, observer=None):
    async with provider(behaviour) as up:
        cache = cache_of(served(up.url))
        async with invoke.open_engine(cache, settings=settings, observer=observer) as engine:
            yield engine, up


async def cancelled(task):
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()


async def test_a_whole_answer_that_nobody_waits_for_is_cancelled():
    notes = Notes()
    async with engine_over(providers.hang_before_headers, observer=notes) as (engine, up):
        asking = asyncio.ensure_future(engine.invoke(chat()))
        await asyncio.wait_for(up.asked.wait(), AT_ONCE)
        await cancelled(asking)
        async with asyncio.timeout(AT_ONCE):
            await up.seen[0].gone.wait()
    assert [attempt.outcome for attempt in notes.attempts] == [AttemptOutcome.CANCELED]
    assert [answered for _, answered in notes.calls] == [False]


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(providers.hang_before_headers, id="before-headers"),
        pytest.param(providers.hang_before_first_token, id="before-first-token"),
        pytest.param(providers.hang_in_the_middle, id="mid-stream"),
    ],
)
async def test_a_cancelled_stream_closes_its_connection(behaviour):
    notes = Notes()
    async with engine_over(behaviour, observer=notes) as (engine, up):
        asking = asyncio.ensure_future(everything(engine.stream(chat())))
        await asyncio.wait_for(up.asked.wait(), AT_ONCE)
        await asyncio.sleep(0.05)
        await cancelled(asking)
        async with asyncio.timeout(AT_ONCE):
            await up.seen[0].gone.wait()
    assert [attempt.outcome for attempt in notes.attempts] == [AttemptOutcome.CANCELED]


async def everything(stream):
    async with aclosing(stream) as batches:
        return [batch async for batch in batches]


async def test_a_stream_that_is_closed_early_closes_its_connection():
    async with engine_over(providers.hang_in_the_middle) as (engine, up):
        async with aclosing(engine.stream(chat())) as batches:
            await anext(batches)
        async with asyncio.timeout(AT_ONCE):
            await up.seen[0].gone.wait()


async def test_a_call_that_is_cancelled_while_it_waits_asks_nobody():
    settings = EngineSettings(max_in_flight=1, queue_length=1)
    async with engine_over(providers.hang_before_headers, settings) as (engine, up):
        running = asyncio.ensure_future(engine.invoke(chat()))
        await asyncio.wait_for(up.asked.wait(), AT_ONCE)
        waiting = asyncio.ensure_future(engine.invoke(chat()))
        await asyncio.sleep(0)
        assert engine.admission.waiting == 1
        await cancelled(waiting)
        assert engine.admission.waiting == 0
        await cancelled(running)
        assert engine.admission.running == 0
        assert len(up.seen) == 1


async def test_more_calls_than_fit_are_refused_with_a_time_to_try_again():
    settings = EngineSettings(max_in_flight=1, queue_length=1)
    async with engine_over(providers.hang_before_headers, settings) as (engine, _):
        tasks = [asyncio.ensure_future(engine.invoke(chat())) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(errors.OverloadedError) as refused:
            await engine.invoke(chat())
        for task in tasks:
            await cancelled(task)
    assert refused.value.retry_after is not None


async def test_a_call_waits_for_room_no_longer_than_it_may():
    settings = EngineSettings(max_in_flight=1, longest_wait=0.2)
    async with engine_over(providers.hang_before_headers, settings) as (engine, _):
        running = asyncio.ensure_future(engine.invoke(chat()))
        await asyncio.sleep(0)
        with pytest.raises(errors.OverloadedError):
            await engine.invoke(chat())
        with pytest.raises(errors.DeadlineExceededError):
            await engine.invoke(chat(), deadline=0.05)
        await cancelled(running)


async def test_a_call_that_waited_for_room_is_answered():
    settings = EngineSettings(max_in_flight=1)
    async with engine_over(providers.ok, settings) as (engine, up):
        await asyncio.gather(*(engine.invoke(chat()) for _ in range(5)))
        assert len(up.seen) == 5
        assert engine.admission.running == 0
