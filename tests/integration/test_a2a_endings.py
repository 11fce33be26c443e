"""Tasks of agents that end otherwise than well, and what becomes of them in the engine."""

import pytest
from a2a.types.a2a_pb2 import TaskState
from a2a.utils.errors import ContentTypeNotSupportedError

from airegistry.errors import (
    ProviderError,
    ProviderFailedError,
    ProviderRejectedError,
    TaskCanceledError,
    TaskRejectedError,
    TruncatedAnswerError,
)
from airegistry.invocations.invocation import AttemptOutcome
from airegistry.resources import agent as resources
from airegistry.resources.requirements import DiscoverQuery, DiscoverTarget, Requirements
from tests.agent_tasks import ONCE, engine_for, events_of, task
from tests.agents import Doing, agent_server
from tests.catalogs import chat


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (TaskState.TASK_STATE_FAILED, ProviderFailedError),
        (TaskState.TASK_STATE_REJECTED, TaskRejectedError),
        (TaskState.TASK_STATE_CANCELED, TaskCanceledError),
    ],
    ids=["failed", "rejected", "canceled"],
)
async def test_a_task_that_was_not_done_is_an_error_in_the_agent_s_words(state, error):
    async def work(doing: Doing) -> None:
        await doing.working()
        await doing.write("half")
        await doing.updater.update_status(state, doing.message("no such number, key sk-12345678abcdef"))

    for streams in (True, False):
        capabilities = resources.AgentCapabilities(streaming=streams)
        async with agent_server(work) as up, engine_for(up, capabilities=capabilities) as engine:
            for invocation in (chat("agents/a"), task()):
                with pytest.raises(error) as failed:
                    await engine.invoke(invocation)
                assert "no such number" in failed.value.message
                assert "sk-12345678" not in failed.value.message
                assert failed.value.metadata["task_id"] == up.seen[-1].context.task_id
                with pytest.raises(error):
                    await events_of(engine, invocation)


async def test_who_declines_a_task_is_passed_by_and_who_has_it_cancelled_ends_it():
    async def decline(doing: Doing) -> None:
        await doing.begin()
        await doing.updater.reject()

    async def cancel(doing: Doing) -> None:
        await doing.begin()
        await doing.updater.cancel()

    query = DiscoverQuery(DiscoverTarget.AGENT, Requirements(skills=("count",)))
    async with agent_server(decline) as a, agent_server() as b, engine_for(a, b) as engine:
        answered = await engine.invoke(task(query=query))
    assert [attempt.outcome for attempt in answered.settlement.attempts] == [AttemptOutcome.ERROR, AttemptOutcome.OK]
    assert answered.settlement.target == "agents/b"
    async with agent_server(cancel) as a, agent_server() as b, engine_for(a, b) as engine:
        with pytest.raises(TaskCanceledError):
            await engine.invoke(task(query=query))
    assert b.seen == []


async def test_an_agent_that_stops_before_its_task_has_no_clean_end():
    async def work(doing: Doing) -> None:
        await doing.working()
        await doing.write("half")

    async with agent_server(work) as up, engine_for(up) as engine:
        for invocation in (chat("agents/a", policy=ONCE), task(policy=ONCE)):
            with pytest.raises(TruncatedAnswerError):
                await engine.invoke(invocation)


async def test_an_agent_that_breaks_is_an_error_of_its_own():
    async def work(doing: Doing) -> None:
        await doing.begin()
        raise RuntimeError("bug")

    async with agent_server(work) as up, engine_for(up) as engine:
        with pytest.raises(ProviderError):
            await engine.invoke(task(policy=ONCE))


async def test_what_an_agent_refuses_is_not_sent_to_another_one():
    async def work(_doing: Doing) -> None:
        raise ContentTypeNotSupportedError("no pictures, please")

    query = DiscoverQuery(DiscoverTarget.AGENT)
    for streams in (True, False):
        capabilities = resources.AgentCapabilities(streaming=streams)
        async with (
            agent_server(work) as a,
            agent_server() as b,
            engine_for(a, b, capabilities=capabilities) as engine,
        ):
            with pytest.raises(ProviderRejectedError, match="no pictures") as refused:
                await engine.invoke(task(query=query))
            assert refused.value.metadata["code"] == "CONTENT_TYPE_NOT_SUPPORTED"
            assert b.seen == []


async def test_a_task_that_the_agent_does_not_know_is_the_caller_s_fault():
    async with agent_server() as up, engine_for(up) as engine:
        with pytest.raises(ProviderRejectedError) as refused:
            await engine.invoke(task(task_id="gone"))
        assert refused.value.metadata["code"] == "TASK_NOT_FOUND"
        assert engine.breakers.state("agents/a").value == "closed"
