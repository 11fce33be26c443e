"""A new filter expression over much is evaluated in steps: others run in between, whoever evaluates it."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from airegistry.cache import Cache
from airegistry.discovery.satisfying import STEP
from airegistry.errors import NoCandidateError
from airegistry.expressions.expression import compile_expression
from airegistry.invoke.opening import open_engine
from airegistry.resources.requirements import DiscoverQuery, Requirements
from airegistry.resources.resource import Resource, ResourceKind
from airegistry.v1 import registry_service_pb2 as pb
from registry.entry import Entry, content_of
from registry.rpc import reads
from registry.rpc.discoveries import Discoveries
from registry.rpc.satisfying import Satisfying
from tests.catalogs import chat, endpoint, model

MANY = 1_000


@asynccontextmanager
async def somebody_else():
    """Count how often another task gets its turn."""
    turns: list[None] = []

    async def run():
        while True:
            turns.append(None)
            await asyncio.sleep(0)

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    turns.clear()
    yield turns
    task.cancel()


async def test_a_list_lets_others_run():
    resources = [Resource(name=f"models/m{i}", model=model().model) for i in range(MANY)]
    entries = [Entry(name=each.name, kind=ResourceKind.MODEL, revision=1, body=content_of(each)) for each in resources]
    satisfying = Satisfying(compile_expression("!has(model.family)", "filter"))
    async with somebody_else() as turns:
        await reads._evaluate(satisfying, entries)
    assert len(turns) >= MANY // reads._STEP
    assert all(satisfying.has(entry) for entry in entries)


async def test_a_registry_that_discovers_lets_others_run():
    cache = Cache(lambda: datetime.now(UTC), compile_filter=compile_expression)
    cache.replace([model(), *(endpoint(f"e{i}", "http://127.0.0.1:1") for i in range(MANY))], 1)
    catalog: Any = SimpleNamespace(index=cache.index, revision=1)
    request = pb.DiscoverRequest()
    request.query.requirements.filter = 'endpoint.region == "nowhere"'
    async with somebody_else() as turns:
        call: Any = None
        reply = await Discoveries(catalog, lambda: 0.0).discover(request.SerializeToString(), call)
    assert len(turns) >= MANY // STEP
    assert pb.DiscoverResponse.FromString(reply.joined()).exclusions[0].count == MANY


async def test_an_engine_lets_others_run():
    cache = Cache(lambda: datetime.now(UTC), compile_filter=compile_expression)
    cache.replace([model(), *(endpoint(f"e{i}", "http://127.0.0.1:1") for i in range(MANY))], 1)
    query = DiscoverQuery(requirements=Requirements(filter='endpoint.region == "nowhere"'))
    async with open_engine(cache) as engine:
        # A first call opens what is opened once.
        with pytest.raises(NoCandidateError):
            await engine.invoke(chat(query=DiscoverQuery(requirements=Requirements(regions=("nowhere",)))))
        async with somebody_else() as turns:
            with pytest.raises(NoCandidateError):
                await engine.invoke(chat(query=query))
    assert len(turns) >= MANY // STEP
