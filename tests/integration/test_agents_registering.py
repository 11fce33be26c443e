"""Registering an agent by the SDK: it is there for as long as it lives."""

import asyncio

import pytest

from airegistry import Client, describe_agent, register_agent
from airegistry.errors import InvalidArgumentError, OwnedByAnotherError, UnavailableError
from airegistry.lease import LeaseState
from airegistry.resources.resource import AgentState
from tests.agent_planes import planes, state_of
from tests.agents import LONG
from tests.waiting import until


async def test_an_agent_is_registered_for_as_long_as_it_lives(tmp_path):
    async with planes(tmp_path) as all_:
        agent = describe_agent("t", "grpc://127.0.0.1:1", ["translate"], max_concurrent_tasks=2)
        async with register_agent(all_.client, agent, ttl=1.0) as me:
            with me.working(), me.working():
                assert await state_of(all_, me.name, AgentState.BUSY) is AgentState.BUSY
            assert await state_of(all_, me.name, AgentState.AVAILABLE) is AgentState.AVAILABLE
            await asyncio.sleep(1.2)
            assert (await all_.client.get("agents/t")).agent is not None
            # Who could not renew in time is not the holder, and takes nothing away.
            await until(lambda: me.state is LeaseState.HELD)
        assert [resource async for resource in all_.client.list("agents")] == []


async def test_who_may_not_register_is_told_at_once(tmp_path):
    async with planes(tmp_path) as all_:
        agent = describe_agent("t", "grpc://127.0.0.1:1", ["translate"])
        async with register_agent(all_.client, agent, owner_id="owner-one"):
            with pytest.raises(OwnedByAnotherError):
                async with asyncio.timeout(LONG), register_agent(all_.client, agent, owner_id="owner-two", wait=60):
                    pass
        with pytest.raises(InvalidArgumentError, match="skills"):
            async with register_agent(all_.client, describe_agent("t", "grpc://h:1", [str(i) for i in range(200)])):
                pass


async def test_a_registry_that_is_away_is_told_in_time():
    async with Client("127.0.0.1:1") as client:
        with pytest.raises(UnavailableError):
            async with register_agent(client, describe_agent("t", "grpc://h:1", ["x"]), wait=0.3):
                pass
