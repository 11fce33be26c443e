"""A cache that is kept fed."""

import asyncio
import logging
import os
import threading
import time
from datetime import UTC, datetime

import pytest

from airegistry.cache import Cache
from airegistry.client import RegistryClient
from airegistry.client.messages import WatchFilter, WatchResponseKind
from airegistry.errors import UnavailableError
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource, ResourceKind
from airegistry.snapshots import SnapshotFile
from airegistry.testing import FakeRegistry
from airegistry.watching import CacheFeeder
from tests.observing import REPORTER, seen
from tests.waiting import until

NOBODY = "127.0.0.1:1"


def model(id_, **fields):
    return Resource(name=f"models/{id_}", model=Model(**fields))


def names(cache):
    return [resource.name for resource in cache.resources()]


@pytest.fixture
def cache():
    return Cache(lambda: datetime.now(UTC))


@pytest.fixture
async def client(fake):
    async with RegistryClient(fake.address) as client:
        yield client


def record(client, monkeypatch):
    """Return the list of all messages that watches receive from now on."""
    received = []
    watch_once = client.watch_once

    async def recorded(request):
        async for response in watch_once(request):
            received.append(response)
            yield response

    monkeypatch.setattr(client, "watch_once", recorded)
    return received


async def test_the_cache_follows_the_registry(client, cache):
    await client.register([model("a")])
    async with CacheFeeder(client, cache) as feeder:
        await feeder.wait_until_ready()
        assert names(cache) == ["models/a"]
        assert not cache.stale(time.monotonic())
        await client.register([model("b")])
        await client.deregister("models/a")
        await until(lambda: cache.revision == 3)
        assert names(cache) == ["models/b"]
        assert cache.names.resolve("b") == ("models/b",)


async def test_the_cache_is_never_empty_while_the_registry_restarts(fake, client, cache):
    await client.register([model("a"), model("b")])
    sizes = []
    cache.on_change(lambda _: sizes.append(len(cache)))
    async with CacheFeeder(client, cache) as feeder:
        await feeder.wait_until_ready()
        await fake.stop()
        assert names(cache) == ["models/a", "models/b"]
        await fake.start()
        fake.compact()
        await retry(lambda: client.register([model("c")]))
        await until(lambda: len(cache) == 3)
    assert sizes == [2, 3]


async def test_a_filter_narrows_what_is_kept(client, cache):
    await client.register(
        [model("a"), Resource(name="models/a/endpoints/x", endpoint=Endpoint(provider="p", upstream_model="u"))]
    )
    async with CacheFeeder(client, cache, filter=WatchFilter(kinds=(ResourceKind.ENDPOINT,))) as feeder:
        await feeder.wait_until_ready()
        assert names(cache) == ["models/a/endpoints/x"]


async def test_a_process_starts_on_the_last_good_view_while_every_registry_is_down(client, cache, tmp_path):
    file = SnapshotFile(tmp_path / "snapshot")
    await client.register([model("a")])
    async with CacheFeeder(client, cache, file=file) as feeder:
        await feeder.wait_until_ready()
    later = Cache(lambda: datetime.now(UTC))
    async with RegistryClient(NOBODY) as nobody, CacheFeeder(nobody, later, file=file) as feeder:
        await asyncio.wait_for(feeder.wait_until_ready(), 30)
        assert (names(later), later.revision) == (["models/a"], 1)
        assert later.stale(time.monotonic())


async def test_a_start_from_disk_goes_on_where_it_was_left(client, cache, tmp_path, monkeypatch):
    file = SnapshotFile(tmp_path / "snapshot")
    await client.register([model("a"), model("b")])
    async with CacheFeeder(client, cache, file=file) as feeder:
        await feeder.wait_until_ready()
    await client.deregister("models/a")
    await client.register([model("c")])
    received = record(client, monkeypatch)
    later = Cache(lambda: datetime.now(UTC))
    async with CacheFeeder(client, later, file=file):
        await until(lambda: later.revision == 3)
        assert names(later) == ["models/b", "models/c"]
        assert not later.stale(time.monotonic())
    assert {response.kind for response in received} == {WatchResponseKind.CHANGES}


async def test_a_file_that_is_broken_is_ignored_and_written_anew(client, cache, tmp_path, caplog):
    path = tmp_path / "snapshot"
    path.write_bytes(b"rubbish")
    await client.register([model("a")])
    async with CacheFeeder(client, cache, file=SnapshotFile(path)) as feeder:
        await feeder.wait_until_ready()
        await until(lambda: path.read_bytes() != b"rubbish")
        assert names(cache) == ["models/a"]
    assert "ignoring the snapshot" in caplog.text
    loaded = SnapshotFile(path).load()
    assert loaded is not None
    assert loaded.revision == 1


async def test_a_folder_that_cannot_be_written_is_a_warning(client, cache, tmp_path, caplog):
    (tmp_path / "file").touch()
    async with CacheFeeder(client, cache, file=SnapshotFile(tmp_path / "file" / "snapshot")) as feeder:
        await feeder.wait_until_ready()
        await until(lambda: "cannot save the snapshot" in caplog.text)


async def test_the_snapshot_is_written_seldom(client, cache, tmp_path, monkeypatch):
    file = SnapshotFile(tmp_path / "snapshot")
    saves = []
    save = file.save

    def counted(snapshot):
        saves.append(snapshot.revision)
        save(snapshot)

    monkeypatch.setattr(file, "save", counted)
    async with CacheFeeder(client, cache, file=file, save_interval=60) as feeder:
        await feeder.wait_until_ready()
        await until(lambda: saves == [0])
        for i in range(5):
            await client.register([model(f"m{i}")])
        await until(lambda: cache.revision == 5)
        assert saves == [0]
    assert saves == [0, 5]


async def test_a_save_that_the_end_interrupts_is_done_again(client, cache, tmp_path, monkeypatch):
    file = SnapshotFile(tmp_path / "snapshot")
    begun = threading.Event()
    sync = os.fsync

    def slowly(descriptor):
        begun.set()
        time.sleep(0.1)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", slowly)
    await client.register([model("a")])
    async with CacheFeeder(client, cache, file=file):
        await until(begun.is_set)
    loaded = file.load()
    assert loaded is not None
    assert loaded.revision == 1


async def test_a_feeder_that_dies_says_so_and_raises_at_the_end(client, cache, caplog, monkeypatch):
    def bug(*_):
        raise RuntimeError("bug")

    monkeypatch.setattr(cache, "replace", bug)
    with caplog.at_level(logging.ERROR), pytest.RaisesGroup(RuntimeError):
        async with CacheFeeder(client, cache):
            await until(lambda: "the cache feeder died" in caplog.text)


async def retry(attempt):
    async with asyncio.timeout(30):
        while True:
            try:
                return await attempt()
            except UnavailableError:
                await asyncio.sleep(0.05)


def known(cache, *ids):
    """Return for which endpoints of the model `a` something measured is known."""
    return [id_ for id_ in ids if cache.index._evidence.get(f"models/a/endpoints/{id_}")]


def endpoints(*ids):
    served = (Endpoint(provider="p", upstream_model="u") for _ in ids)
    named = zip(ids, served, strict=True)
    return [model("a"), *(Resource(name=f"models/a/endpoints/{id_}", endpoint=facts) for id_, facts in named)]


async def report(client, *ids, number=1):
    observations = [seen(f"models/a/endpoints/{id_}") for id_ in ids]
    await client.report_usage(observations, reporter_id=REPORTER, batch_number=number)


async def test_what_was_measured_reaches_the_cache(client, cache):
    await client.register(endpoints("x", "y"))
    await report(client, "x")
    async with CacheFeeder(client, cache):
        await until(lambda: cache.index.observation_epoch == 1 and known(cache, "x", "y") == ["x"])
        await report(client, "y", number=2)
        await until(lambda: known(cache, "x", "y") == ["x", "y"])
    assert cache.index.observation_epoch == 2


async def test_what_was_measured_stays_while_the_registry_is_away(fake, client, cache):
    await client.register(endpoints("x"))
    await report(client, "x")
    async with CacheFeeder(client, cache):
        await until(lambda: known(cache, "x"))
        for _ in range(3):
            await fake.stop()
            await asyncio.sleep(0.05)
            assert known(cache, "x") == ["x"]
            await fake.start()
        await retry(lambda: report(client, "x", number=2))
        await until(lambda: cache.index.observation_epoch == 2)
        assert known(cache, "x") == ["x"]


async def test_what_another_registry_does_not_tell_again_is_gone(fake, client, cache):
    await client.register(endpoints("x", "y"))
    await report(client, "x", "y")
    async with CacheFeeder(client, cache):
        await until(lambda: known(cache, "x", "y") == ["x", "y"])
        await fake.stop()
        async with FakeRegistry(address=fake.address), RegistryClient(fake.address) as other:
            await other.register(endpoints("x", "y"))
            await report(other, "y")
            await until(lambda: known(cache, "x", "y") == ["y"])


async def test_a_registry_that_does_not_measure_feeds_the_rest(cache, caplog):
    async with FakeRegistry(analytics=False) as old, RegistryClient(old.address) as client:
        await client.register([model("a")])
        async with CacheFeeder(client, cache) as feeder:
            await feeder.wait_until_ready()
            await until(lambda: any("tells nothing of what was measured" in each.message for each in caplog.records))
            await client.register([model("b")])
            await until(lambda: cache.revision == 2)
    assert names(cache) == ["models/a", "models/b"]


async def test_a_snapshot_of_many_names_is_taken_in_whole(fake, client, cache):
    ids = [f"x{number}" for number in range(250)]
    for start in range(0, 250, 50):
        await client.register(endpoints(*ids[start : start + 50]))
    await report(client, *ids)
    async with CacheFeeder(client, cache):
        await until(lambda: cache.index.observation_epoch == 1)
        assert known(cache, *ids) == ids
