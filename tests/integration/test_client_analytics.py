"""What a client reports and reads of measurements, through a real server and over its restarts."""

import asyncio
from contextlib import aclosing

import grpc
import pytest

from airegistry.client import AnalyticsClient, Client, RegistryClient
from airegistry.errors import UnimplementedError
from airegistry.testing import FakeRegistry
from tests import catalogs
from tests.observing import HERE, REPORTER, seen
from tests.ports import free_address

NOWHERE = "http://127.0.0.1:1/v1"


@pytest.fixture
async def fake():
    async with FakeRegistry(address=free_address()) as fake, RegistryClient(fake.address) as client:
        await client.register([catalogs.model(), catalogs.endpoint("a", NOWHERE), catalogs.endpoint("b", NOWHERE)])
        yield fake


@pytest.fixture
async def client(fake):
    async with RegistryClient(fake.address) as client:
        yield client


async def report(client, *observations, number=1, **fields):
    return await client.report_usage(observations, reporter_id=REPORTER, batch_number=number, **fields)


async def test_a_large_batch_arrives_whole_and_in_order(fake, client):
    batch = [seen(duration=float(i)) for i in range(2_000)]
    assert (await report(client, *batch)).counted == 2_000
    assert [each.duration for each in fake.observations] == [each.duration for each in batch]


async def test_stats_are_windows_that_end_at_whole_multiples(client):
    await report(client, seen(duration=1.0))
    (performance,) = await client.get_stats(HERE, period=3_600.0, step=60.0)
    assert performance.windows[0].attempts == 1
    assert performance.time.timestamp() % 60 == 0


async def test_a_watch_goes_on_over_a_restart_with_everything(fake, client):
    await report(client, seen())
    async with aclosing(client.watch_performance(bookmark_interval=1.0)) as updates, asyncio.timeout(20):
        await anext(updates)
        await fake.stop()
        await fake.start()
        again = await anext(updates)
        while not again.snapshot:
            again = await anext(updates)
    assert [bool(each.windows) for each in again.performances] == [True]


async def test_a_registry_that_does_not_measure_says_so():
    async with FakeRegistry(analytics=False) as fake, AnalyticsClient(fake.address) as client:
        with pytest.raises(UnimplementedError):
            await client.get_performance([HERE])
        with pytest.raises(UnimplementedError):
            async with aclosing(client.watch_performance()) as updates:
                await anext(updates)


async def test_one_client_has_all_of_it(fake):
    async with Client(fake.address) as client:
        await report(client, seen())
        assert (await client.get_performance([HERE])).performances[0].windows


async def test_a_reconnect_is_noticed_that_is_over_before_anybody_looks(client, monkeypatch):
    class Quick:
        def __init__(self):
            self.lost = asyncio.Event()

        def get_state(self, **_):
            return grpc.ChannelConnectivity.READY

        async def wait_for_state_change(self, _last):
            await self.lost.wait()

    monkeypatch.setattr(client, "_registry", quick := Quick())
    waiting = asyncio.ensure_future(client.wait_for_reconnect())
    await asyncio.sleep(0)
    assert not waiting.done()
    quick.lost.set()
    async with asyncio.timeout(10):
        await waiting


async def test_a_reconnect_is_noticed(fake, client):
    await client.get("models/m")
    waiting = asyncio.ensure_future(client.wait_for_reconnect())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await fake.stop()
    await fake.start()
    async with asyncio.timeout(20):
        await waiting
