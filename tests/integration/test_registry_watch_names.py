"""Watch of exact names: how the holder of leases learns of their state."""

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette

from airegistry._rpc.aio_carrier import AioCarrier
from airegistry._rpc.carrier import Offer
from airegistry._rpc.health import HealthState
from airegistry._rpc.process import owned_tasks
from airegistry.client import RegistryClient
from airegistry.client.messages import LeaseRenewal, WatchEventType, WatchFilter
from airegistry.errors import InvalidArgumentError
from airegistry.resources.agent import Agent
from airegistry.resources.model import Model
from airegistry.resources.resource import Liveness, Resource
from airegistry.testing import FakeRegistry
from registry.rpc.service import registry_service
from registry.rpc.watches import Watches
from registry.store.sqlite import SqliteStore
from tests.clocks import Clock
from tests.contract.stores import running_catalog
from tests.planes import ANYWHERE, carrier

ADDED, UPDATED, REMOVED = WatchEventType


def model(id_, **fields):
    return Resource(name=f"models/{id_}", model=Model(**fields))


@pytest.fixture(params=["fake", "real"])
async def client(request, running):
    """A client of each implementation."""
    if request.param == "fake":
        async with FakeRegistry() as fake, RegistryClient(fake.address) as client:
            yield client
    else:
        async with running() as r, RegistryClient(r.registry.address) as client:
            yield client


async def told(stream, count):
    found: list[Any] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            found += [(event.type, event.resource.name) for event in (await anext(stream)).events]
    return found


async def test_only_the_named_are_in_the_snapshot_and_in_the_changes(client):
    await client.register([model("a"), model("b"), model("c")])
    wanted = WatchFilter(names=("models/c", "models/a", "models/later"))
    async with aclosing(client.watch(wanted)) as stream:
        assert await told(stream, 2) == [(ADDED, "models/a"), (ADDED, "models/c")]
        await client.register([model("b", family="f"), model("a", family="f"), model("other")])
        await client.register([model("later")])
        await client.deregister("models/c")
        assert await told(stream, 3) == [(UPDATED, "models/a"), (ADDED, "models/later"), (REMOVED, "models/c")]


async def test_names_go_with_what_else_the_filter_says(client):
    await client.register([model("a"), model("b", family="f")])
    wanted = WatchFilter(names=("models/a", "models/b"), name_prefix="models/b")
    async with aclosing(client.watch(wanted)) as stream:
        assert await told(stream, 1) == [(ADDED, "models/b")]


async def test_what_is_no_name_is_refused_by_its_place(client):
    with pytest.raises(InvalidArgumentError) as caught:
        await anext(client.watch(WatchFilter(names=("models/a", "models/A B"))))
    assert [violation.field for violation in caught.value.violations] == ["filter.names[1]"]


async def test_more_than_a_thousand_names_are_refused(running):
    async with running() as r, RegistryClient(r.registry.address) as client:
        names = tuple(f"models/m{number}" for number in range(1_001))
        async with aclosing(client.watch(WatchFilter(names=names[1:]))) as stream:
            assert (await anext(stream)).snapshot
        with pytest.raises(InvalidArgumentError) as caught:
            await anext(client.watch(WatchFilter(names=names)))
    assert [violation.field for violation in caught.value.violations] == ["filter.names"]


class Unobserved:
    def call_started(self, method):
        pass

    def call_ended(self, method, code, seconds):
        pass


@asynccontextmanager
async def served(catalog):
    watches = Watches(catalog)
    service = registry_service(catalog, watches, lambda: 0.0, lambda _batch, _result: None)
    offer = Offer([service], HealthState(), Starlette(), Unobserved(), ANYWHERE, ANYWHERE)
    async with owned_tasks() as tasks:
        waking = tasks.create_task(watches.run())
        carried = await (carrier() or AioCarrier()).open(offer, tasks)
        try:
            async with RegistryClient(carried.address) as client:
                yield client
        finally:
            catalog.feed.close()
            await carried.close(5)
            waking.cancel()


async def test_a_holder_sees_what_becomes_of_its_own_lease(tmp_path):
    clock = Clock()
    store = SqliteStore(tmp_path / "data", now=clock)
    agent = Resource(name="agents/mine", agent=Agent())
    async with running_catalog(store) as catalog, served(catalog) as client:
        await client.register([agent, Resource(name="agents/other", agent=Agent())], owner_id="holder-1", lease_ttl=10)
        async with aclosing(client.watch(WatchFilter(names=("agents/mine",)))) as stream:

            async def next_state():
                async with asyncio.timeout(10):
                    while not (events := (await anext(stream)).events):
                        pass
                (event,) = events
                return event.type, event.resource.status.liveness

            assert await next_state() == (ADDED, Liveness.LIVE)
            clock.time += 11
            await catalog.expire()
            assert await next_state() == (UPDATED, Liveness.SUSPECT)
            await client.heartbeat([LeaseRenewal("agents/mine")], owner_id="holder-1")
            assert await next_state() == (UPDATED, Liveness.LIVE)
            clock.time += 11
            await catalog.expire()
            assert await next_state() == (UPDATED, Liveness.SUSPECT)
            clock.time += 60
            await catalog.expire()
            assert (await next_state())[0] is REMOVED
    await store.close()
