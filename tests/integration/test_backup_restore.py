"""Backup and restore, step by step as docs/operations.md has it, with clients that remember what the restore took away."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from airegistry.cache import Cache
from airegistry.client import RegistryClient
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource
from airegistry.snapshots import SnapshotFile
from airegistry.watching import CacheFeeder
from tests.ports import free_address
from tests.stores_at_rest import (
    Place,
    back_up_postgres,
    back_up_sqlite,
    cluster_id,
    restore_sqlite,
    restored_postgres,
)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    return Place(tmp_path, request.getfixturevalue("database_url") if request.param == "postgres" else "")


async def register(client, *names):
    return (await client.register([Resource(name=f"models/{name}", model=Model()) for name in names])).revision


def view():
    return Cache(lambda: datetime.now(UTC))


def names(cache):
    return sorted(resource.name.removeprefix("models/") for resource in cache.resources())


async def until_shown(cache, *expected):
    moved = asyncio.Event()
    stop = cache.on_change(lambda _: moved.set())
    try:
        async with asyncio.timeout(30):
            while names(cache) != sorted(expected):
                moved.clear()
                await moved.wait()
    finally:
        stop()


def back_up(place, file):
    (back_up_postgres if place.url else back_up_sqlite)(place, file)


@asynccontextmanager
async def restored(file, place):
    if place.url:
        async with restored_postgres(file, place) as elsewhere:
            yield elsewhere
    else:
        restore_sqlite(file, place)
        yield place


async def test_after_a_restore_clients_see_what_is_there_now_and_never_nothing(place, tmp_path):
    file = SnapshotFile(tmp_path / "view")
    live, later = view(), view()
    shown = []
    # The clients look for it there while nobody serves, and nobody else may.
    address = free_address()
    async with place.registry(address), RegistryClient(address) as client:
        await register(client, "a")
        await register(client, "b")
        await asyncio.to_thread(back_up, place, tmp_path / "backup")
        lost = await register(client, "lost")
        async with CacheFeeder(client, view(), file=file) as feeder:
            await until_shown(feeder.cache, "a", "b", "lost")
        lived = RegistryClient(address)
        feeding = CacheFeeder(lived, live)
        await feeding.__aenter__()
        await until_shown(live, "a", "b", "lost")
        live.on_change(lambda _: shown.append(names(live)))
    try:
        async with restored(tmp_path / "backup", place) as there:
            done = await there.command("store", "new-id")
            assert done.exit_code == 0, done.stderr
            async with there.registry(address), RegistryClient(address) as client:
                # The number of the lost revision is given out again, which the old id would hide.
                assert await register(client, "new") == lost
                await until_shown(live, "a", "b", "new")
                assert [] not in shown
                feeder = CacheFeeder(client, later, file=file)
                await feeder.load()
                assert names(later) == ["a", "b", "lost"]
                later.on_change(lambda _: shown.append(names(later)))
                running = asyncio.create_task(feeder.run())
                await until_shown(later, "a", "b", "new")
                running.cancel()
                await asyncio.wait([running])
                assert [] not in shown
    finally:
        await feeding.close()
        await lived.close()


async def test_a_backup_is_whole_while_clients_write(place, tmp_path):
    """Each write makes two resources in one revision: a backup has both or none of each, and the counter fits."""

    async def write(client):
        number = 0
        while not ended.is_set():
            await register(client, f"one-{number}", f"other-{number}")
            number += 1
        return number

    ended = asyncio.Event()
    async with place.registry() as registry, RegistryClient(registry.address) as client:
        writing = asyncio.create_task(write(client))
        await registry.catalog.feed.wait_for(20, 30.0)
        await asyncio.to_thread(back_up, place, tmp_path / "backup")
        ended.set()
        written = await writing
    async with restored(tmp_path / "backup", place) as there, there.registry() as registry:
        revision = registry.catalog.revision
        assert 20 <= revision <= written
        assert sorted(registry.catalog.entries.keys()) == sorted(
            f"models/{which}-{number}" for number in range(revision) for which in ("one", "other")
        )


async def test_a_restored_database_has_the_id_of_its_origin_until_it_gets_another(database_url, tmp_path):
    place = Place(tmp_path, database_url)
    async with place.registry():
        pass  # makes the tables
    back_up_postgres(place, tmp_path / "backup")
    async with restored_postgres(tmp_path / "backup", place) as there:
        assert await cluster_id(there.url) == await cluster_id(place.url)
        await there.command("store", "new-id")
        assert await cluster_id(there.url) != await cluster_id(place.url)
