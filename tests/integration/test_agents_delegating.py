"""Tasks that are delegated by skill or by name, over a real registry and gateway."""

import asyncio

import pytest

from airegistry import delegate_task
from airegistry.agents.delegating import Terms
from airegistry.errors import InvalidArgumentError, NoCandidateError
from airegistry.invocations.kinds import AgentTaskState
from tests import catalogs
from tests.agent_planes import Slow, planes
from tests.agents import agent_server, asking_back, until


async def test_a_task_goes_to_who_has_the_skill_or_the_name(tmp_path):
    async with planes(tmp_path) as all_, agent_server() as up:
        await all_.add(catalogs.agent("a", up.url))
        by_tag = await delegate_task(all_.client, "Count", skill="numbers")
        by_name = await delegate_task(all_.client, "Count", agent="a", skill="count")
    assert (by_tag.by, by_tag.done, by_tag.text) == ("agents/a", True, "One two three fo😀ur")
    assert up.seen[1].context.metadata == {"skill": "count"}
    assert by_name.settlement.attempts[0].target == "agents/a"


async def test_nobody_with_the_skill_and_nobody_named_are_errors(tmp_path):
    async with planes(tmp_path) as all_:
        with pytest.raises(NoCandidateError):
            await delegate_task(all_.client, "Count", skill="numbers")
        with pytest.raises(InvalidArgumentError, match="skill"):
            await delegate_task(all_.client, "Count")


async def test_a_conversation_goes_on_with_the_task(tmp_path):
    async with planes(tmp_path) as all_, agent_server(asking_back) as up:
        await all_.add(catalogs.agent("a", up.url))
        first = await delegate_task(all_.client, "Count", agent="a")
        assert (first.done, first.state, first.text) == (False, AgentTaskState.INPUT_REQUIRED, "How far?")
        more = Terms(task_id=first.task_id, context_id=first.context_id)
        second = await delegate_task(all_.client, "four", agent=first.by, terms=more)
    assert (second.done, second.text, second.task_id) == (True, "To four", first.task_id)


async def test_cancelling_the_call_cancels_the_task_at_the_agent(tmp_path):
    async with planes(tmp_path) as all_:
        slow = Slow()
        await all_.integrate(slow)
        running = asyncio.create_task(delegate_task(all_.client, "x", skill="wait"))
        await until(slow.begun)
        # The agent's word that it has begun is on its way to the gateway.
        await asyncio.sleep(0.2)
        running.cancel()
        await asyncio.wait([running])
        await until(slow.ended)
