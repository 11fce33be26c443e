"""Tasks and conversations for agents on loopback, through an engine."""

import asyncio
from contextlib import aclosing
from typing import Any

from airegistry import invoke
from airegistry.invocations.invocation import Invocation
from airegistry.invocations.kinds import AgentTaskRequest
from airegistry.resources.route import RoutePolicy
from tests.agents import TOKENS, Doing
from tests.blocks import text
from tests.catalogs import agent, cache_of

TEXT = "".join(TOKENS)
ONCE = RoutePolicy(max_attempts=1)
open_engine: Any = invoke.open_engine


def task(model="agents/a", words="Count to four", **facts):
    policy, query = facts.pop("policy", None), facts.pop("query", None)
    request = AgentTaskRequest(**{"content": (text(words),), **facts})
    return Invocation(model="" if query else model, query=query, agent_task=request, policy=policy)


def engine_for(*runnings, known=None, **facts):
    agents = [agent(id_, running.url, **facts) for id_, running in zip("abc", runnings, strict=False)]
    return open_engine(cache_of(agents), credentials=known)


async def events_of(engine, invocation, **options) -> list[Any]:
    async with aclosing(engine.stream(invocation, **options)) as batches:
        return [event async for batch in batches for event in batch]


async def waiting(doing: Doing) -> None:
    await doing.working()
    await asyncio.sleep(60)
