"""Callers of agents who go away or run out of time: the task is cancelled at the agent."""

import asyncio
from contextlib import aclosing

import pytest

from airegistry import invoke
from airegistry.errors import DeadlineExceededError, ProviderError
from airegistry.invoke.transport import TransportSettings
from airegistry.resources.endpoint import Auth, AuthMethod
from airegistry.resources.route import RoutePolicy
from tests.agent_tasks import engine_for, events_of, open_engine, task, waiting
from tests.agents import LONG, Doing, agent_server, asking_back, until
from tests.catalogs import agent, cache_of, chat
from tests.certificates import Authorities
from tests.engines import text_of


@pytest.mark.parametrize("invocation", [chat("agents/a"), task()], ids=["chat", "task"])
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_a_caller_who_goes_away_has_the_task_cancelled_at_the_agent(invocation, stream):
    async with agent_server(waiting) as up, engine_for(up) as engine:
        call = events_of(engine, invocation) if stream else engine.invoke(invocation)
        running = asyncio.create_task(call)
        await until(up.asked)
        # The agent has said that it works, and that is on its way.
        await asyncio.sleep(0.2)
        running.cancel()
        await asyncio.wait([running])
        await until(up.cancelled)
    assert up.cancels == [up.seen[0].context.task_id]


async def test_a_caller_who_leaves_in_the_middle_has_the_task_cancelled():
    async def work(doing: Doing) -> None:
        await doing.working()
        await doing.write("One")
        await asyncio.sleep(60)

    async with agent_server(work) as up, engine_for(up) as engine:
        async with aclosing(engine.stream(chat("agents/a"))) as batches:
            async for batch in batches:
                if text_of(batch):
                    break
        await until(up.cancelled)


async def test_a_task_that_has_ended_or_waits_is_not_cancelled():
    async with agent_server() as up, agent_server(asking_back) as other, engine_for(up, other) as engine:
        await engine.invoke(task())
        await events_of(engine, chat("agents/a"))
        await engine.invoke(task("agents/b"))
    assert up.cancels == other.cancels == []


async def test_a_deadline_is_the_task_s_end():
    async with agent_server(waiting) as up, engine_for(up) as engine:
        with pytest.raises(DeadlineExceededError):
            await engine.invoke(task(), deadline=2.0)
        await until(up.cancelled)
        assert len(up.seen) == 1


async def test_a_silent_agent_is_not_taken_for_a_slow_model():
    """Of an agent only the times that somebody set count."""

    async def work(doing: Doing) -> None:
        await doing.working()
        await asyncio.sleep(0.4)
        await doing.write("Four")
        await doing.updater.complete()

    settings = invoke.EngineSettings(policy=RoutePolicy(first_token_timeout=0.2, idle_timeout=0.2))
    async with agent_server(work) as up:
        async with open_engine(cache_of([agent("a", up.url)]), settings=settings) as engine:
            assert text_of(await events_of(engine, chat("agents/a"))) == "Four"
        impatient = RoutePolicy(first_token_timeout=0.2, max_attempts=1)
        async with engine_for(up) as engine:
            with pytest.raises(ProviderError):
                await events_of(engine, chat("agents/a", policy=impatient))


async def test_who_goes_away_from_an_agent_behind_mutual_tls_has_the_task_cancelled(tmp_path):
    """The request to cancel proves who sends it as the first one did."""
    authorities = Authorities(tmp_path)
    authorities.key_pair("good-pair")
    trusting = invoke.EngineSettings(transport=TransportSettings(ca_file=authorities.ca_file))
    facts = {"auth": Auth(AuthMethod.MTLS), "credential": "good-pair"}
    async with agent_server(waiting, tls=authorities.grpc_server(mutual=True)) as up:
        cache, known = cache_of([agent("a", up.url, **facts)]), authorities.credentials()
        async with open_engine(cache, credentials=known, settings=trusting) as engine:
            with pytest.raises(DeadlineExceededError):
                await engine.invoke(task(), deadline=3.0)
            await until(up.cancelled)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_who_goes_away_before_the_agent_said_a_word_has_the_task_cancelled_with_the_first(stream):
    begun, alone = asyncio.Event(), asyncio.Event()

    async def late(doing: Doing) -> None:
        begun.set()
        await alone.wait()
        await doing.working()
        await asyncio.sleep(60)

    async with agent_server(late) as up, engine_for(up) as engine:
        running = asyncio.create_task(events_of(engine, task()) if stream else engine.invoke(task()))
        await until(begun)
        running.cancel()
        # The caller goes at once; the agent is told when there is something to tell.
        async with asyncio.timeout(LONG):
            await asyncio.wait([running])
        assert not up.cancelled.is_set()
        alone.set()
        await until(up.cancelled)


async def test_an_agent_that_never_says_a_word_is_not_waited_for_without_an_end():
    async def silent(_doing: Doing) -> None:
        await asyncio.sleep(60)

    async with agent_server(silent) as up, asyncio.timeout(2 * LONG):
        async with engine_for(up) as engine:
            running = asyncio.create_task(engine.invoke(task()))
            await until(up.asked)
            running.cancel()
            await asyncio.wait([running])
        # Closing waits for what nobody else waits for, and that is bounded.
        assert up.cancels == []
