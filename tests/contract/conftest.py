"""A catalog on every store, with a clock that tests move themselves."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from airegistry.discovery.index import Index
from airegistry.discovery.naming import NameTable
from registry.catalog import Catalog
from registry.store.sqlite import SqliteStore
from registry.upkeep import Upkeep

STORES = {"sqlite": SqliteStore}
# Tests move the clock, and take the steps that the passing of time takes.
STILL = Upkeep(sweep_interval=3600, compact_interval=3600)


class Clock:
    def __init__(self):
        self.time = 1_700_000_000.0

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=list(STORES.values()), ids=list(STORES))
def open_store(request, tmp_path, clock):
    """A store on a fresh folder: one more line in STORES for each implementation."""
    return lambda: request.param(tmp_path / "data", now=clock)


@pytest.fixture
def open_catalog(open_store):
    @asynccontextmanager
    async def open_one():
        store = open_store()
        catalog = await Catalog.open(store, index=Index(lambda: datetime.now(UTC)), names=NameTable())
        running = asyncio.create_task(catalog.run(STILL))
        try:
            yield catalog
        finally:
            catalog.feed.close()
            running.cancel()
            await asyncio.wait([running])
            await store.close()

    return open_one


@pytest.fixture
async def catalog(open_catalog):
    async with open_catalog() as catalog:
        yield catalog
