"""A client with the addresses of several replicas: any of them will do, and one that dies disturbs little."""

import asyncio
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

import pytest

from airegistry.client import GatewayClient, RegistryClient
from airegistry.client.messages import WatchFilter
from airegistry.errors import UnavailableError
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource
from tests import catalogs, providers
from tests.catalogs import chat
from tests.planes import NOWHERE, gateway_at, registry_at, until_revision
from tests.ports import free_address
from tests.providers import provider
from tests.robustness.processes import Server


@asynccontextmanager
async def replicas(folder, url, count=3):
    """Run replicas as processes, and kill what is left of them."""
    async with AsyncExitStack() as stack:
        servers = {}
        for index in range(count):
            address = free_address()
            settings = {
                "DATA_DIR": str(folder),
                "REGISTRY_ADDRESS": address,
                "REGISTRY_HTTP_ADDRESS": "127.0.0.1:0",
                "REGISTRY_DATABASE_URL": url,
            }
            servers[address] = Server("registry", settings, folder / f"registry-{index}.log")
            stack.push_async_callback(servers[address].kill)
            await servers[address].start()
        yield servers


def model(number):
    return Resource(name=f"models/m{number}", model=Model())


async def registered(client, *resources, dead=1):
    """Register one after the other and return the last revision.

    Calls go to one replica after the other: the first one to each of the *dead* may say so, and the next goes elsewhere.
    """
    revision = 0
    waiting = list(resources)
    while waiting:
        try:
            revision = (await client.register(waiting[:1])).revision
        except UnavailableError:
            dead -= 1
            assert dead >= 0
        else:
            del waiting[0]
    return revision


async def test_one_of_several_addresses_is_enough(tmp_path):
    async with registry_at(tmp_path) as registry, RegistryClient(f"{NOWHERE},{registry.address}") as client:
        for number in range(10):
            await client.register([model(number)])


@pytest.mark.parametrize("victim", range(3))
async def test_calls_and_a_watch_go_on_while_replicas_are_killed(tmp_path, database_url, victim):
    """Whichever replica the stream is on: each is killed in one of the runs, and the other two carry on."""
    async with replicas(tmp_path, database_url) as servers, RegistryClient(",".join(servers)) as client:
        async with aclosing(client.watch(WatchFilter())) as updates, asyncio.timeout(60):
            assert (await anext(updates)).snapshot
            known: list[str] = []
            await client.register([model(0)])
            await servers[list(servers)[victim]].kill()
            await registered(client, *map(model, range(1, 10)))
            while set(known) != {f"models/m{number}" for number in range(10)}:
                known += [event.resource.name for event in (await anext(updates)).events if event.resource is not None]
        assert len(known) == 10
        for number in range(10):
            await client.get(f"models/m{number}")


async def test_the_gateway_does_not_notice_that_a_replica_was_killed(tmp_path, database_url):
    async with provider(providers.ok) as up, replicas(tmp_path, database_url) as servers:
        addresses = ",".join(servers)
        async with (
            RegistryClient(addresses) as client,
            gateway_at(tmp_path / "gateway", addresses) as gateway,
            GatewayClient(gateway.address) as caller,
        ):
            revision = (await client.register(catalogs.served(up.url))).revision
            await until_revision(gateway.cache, revision)
            for server in list(servers.values())[:2]:
                await server.kill()
                answer = await caller.invoke(chat())
                assert answer.settlement is not None
                assert not answer.settlement.stale
            # The last one tells it what changes from here on.
            revision = await registered(client, model(1), dead=2)
            await until_revision(gateway.cache, revision)
            await caller.invoke(chat())
