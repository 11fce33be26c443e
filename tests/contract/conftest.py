"""A catalog on every store, with a clock that tests move themselves, and RegistryService by all who serve it."""

from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from airegistry.client import RegistryClient
from registry.store.postgres import PostgresStore, connections
from registry.store.sqlite import SqliteStore
from tests.clocks import Clock
from tests.contract.observed import running
from tests.contract.services import fake_registry, real_registry
from tests.contract.sharing import agree
from tests.contract.stores import IDLE, running_catalog
from tests.orders import batch, endpoint, model


@pytest.fixture
def clock():
    return Clock(1_700_000_000.0)


@pytest.fixture
def open_sqlite(tmp_path, clock):
    @asynccontextmanager
    async def open_one(now=clock):
        store = SqliteStore(tmp_path / "data", now=now)
        try:
            yield store
        finally:
            await store.close()

    return open_one


@pytest.fixture
def open_postgres(database_url, clock, monkeypatch):
    # The server ends what a stopped replica holds after a second, and a test may be stopped for as long.
    monkeypatch.setitem(connections._SESSION, IDLE, "30000")

    @asynccontextmanager
    async def open_one(now=clock, **options):
        store = await PostgresStore.open(database_url, now=now, **options)
        try:
            yield store
        finally:
            await store.close()

    return open_one


@pytest.fixture(params=["sqlite", "postgres"])
def open_store(request):
    """What opens a store on a fresh place, again and again: one more fixture for each implementation."""
    return request.getfixturevalue(f"open_{request.param}")


@pytest.fixture
async def store(open_store):
    async with open_store() as store:
        yield store


@pytest.fixture
def open_catalog(open_store):
    @asynccontextmanager
    async def open_one():
        async with open_store() as store, running_catalog(store) as catalog:
            yield catalog

    return open_one


@pytest.fixture
async def catalog(store):
    async with running_catalog(store) as catalog:
        yield catalog


@pytest.fixture
async def replica(store):
    async with running(store) as replica:
        await replica.catalog.register(batch(model(), endpoint(), endpoint("y")))
        yield replica


@pytest.fixture(params=[fake_registry, real_registry], ids=["fake", "real"])
async def address(request, tmp_path):
    async with request.param(tmp_path) as address:
        yield address


@pytest.fixture
async def client(address):
    async with RegistryClient(address, timeout=30) as client:
        yield client


@pytest.fixture
def open_replica(open_postgres):
    @asynccontextmanager
    async def open_one():
        async with open_postgres(poll_interval=0.05) as store, running_catalog(store) as catalog:
            yield catalog

    return open_one


@pytest.fixture
async def catalogs(open_replica):
    """Three catalogs on one database, which must never miss a revision."""
    async with AsyncExitStack() as stack:
        catalogs = [await stack.enter_async_context(open_replica()) for _ in range(3)]
        yield catalogs
        await agree(catalogs)
        assert [catalog.tail.gaps for catalog in catalogs] == [0, 0, 0]
