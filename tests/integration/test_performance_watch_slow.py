"""Watchers of what was measured who read slowly, or not at all: they are told the latest, and nobody keeps a queue for them."""

import asyncio
import socket
import time
from contextlib import asynccontextmanager
from typing import Any

import pytest

from airegistry.errors import UnavailableError
from airegistry.v1 import analytics_service_pb2 as pb
from registry.observations.intake import Batch, Intake
from registry.observations.observations import Observations
from registry.observations.records import BatchKey
from registry.observations.targets import target_of
from registry.rpc.performance_watches import PerformanceWatches
from registry.rpc.watches import WatchLimits
from registry.store.sqlite import SqliteStore
from tests.contract.stores import running_catalog
from tests.measuring import Told, measured
from tests.orders import batch, endpoint, model
from tests.waiting import until

LONG = 20.0
NAME = "models/a/endpoints/x"


class Reader:
    """A peer that reads as fast as it is let."""

    def __init__(self):
        self.messages = []
        self.reads = asyncio.Event()
        self.ended = None

    async def send(self, message):
        await self.reads.wait()
        self.messages.append(pb.WatchPerformanceResponse.FromString(message))

    def end(self, error):
        self.ended = error


@pytest.fixture
async def scene(tmp_path):
    store = SqliteStore(tmp_path / "data")
    async with running_catalog(store) as catalog:
        await catalog.register(batch(model(), endpoint(), endpoint("y")))
        observations = Observations(store.observations, Told(), catalog.entries, catalog.feed)
        intake = Intake(store.observations, observations.take, gather=0.001, max_waiting=10_000, max_reporters=10)
        running = asyncio.create_task(intake.run())
        yield observations, intake, target_of(catalog.entries[NAME])
        running.cancel()
        await asyncio.wait([running])
    await store.close()


@asynccontextmanager
async def watching(observations, reader, **limits):
    watches = PerformanceWatches(observations, WatchLimits(**limits))
    task = asyncio.create_task(watches.watch(pb.WatchPerformanceRequest(), reader))
    await asyncio.sleep(0.01)
    try:
        yield watches
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert len(watches) == 0


async def report(intake, target, number):
    delta = measured({"at": time.time()}, targets=(target,))
    await asyncio.wait_for(intake.submit(Batch(BatchKey("reporter-one", number), b"", delta, 1)), LONG)


async def test_who_reads_slowly_is_told_the_latest_once(scene):
    observations, intake, target = scene
    reader = Reader()
    async with watching(observations, reader):
        for number in range(1, 31):
            await report(intake, target, number)
        reader.reads.set()
        await until(lambda: len(reader.messages) >= 2)
        snapshot, changes = reader.messages
        assert (snapshot.snapshot, list(snapshot.performances)) == (True, [])
        assert [(one.name, one.windows[0].attempts) for one in changes.performances] == [(NAME, 30)]
        assert changes.observation_epoch == observations.epoch


async def test_who_reads_nothing_is_ended(scene):
    observations, *_ = scene
    reader = Reader()
    async with watching(observations, reader, stall_timeout=0.05) as watches:
        await until(lambda: reader.ended is not None)
        assert isinstance(reader.ended, UnavailableError)
        assert watches.stalled == 1


async def test_who_reads_is_not_ended(scene):
    observations, *_ = scene
    reader = Reader()
    reader.reads.set()
    async with watching(observations, reader, stall_timeout=0.05):
        await asyncio.sleep(0.2)
        assert reader.ended is None


async def test_a_stream_ends_by_itself_at_its_age_with_everything_told(scene):
    observations, intake, target = scene
    reader: Any = Reader()
    reader.reads.set()
    await report(intake, target, 1)
    watches = PerformanceWatches(observations, WatchLimits(max_age=0.05))
    await asyncio.wait_for(watches.watch(pb.WatchPerformanceRequest(), reader), LONG)
    assert reader.messages[0].snapshot
    assert reader.messages[-1].observation_epoch == observations.epoch == 1
    assert len(watches) == 0


async def test_a_name_is_encoded_once_for_all_watchers(scene):
    observations, intake, target = scene
    derived = []
    latest = observations.latest

    def noted(name):
        derived.append(name)
        return latest(name)

    observations.latest = noted
    readers = [Reader() for _ in range(5)]
    async with watching(observations, readers[0]) as watches:
        tasks = [asyncio.create_task(watches.watch(pb.WatchPerformanceRequest(), one)) for one in readers[1:]]
        for one in readers:
            one.reads.set()
        await asyncio.sleep(0.01)
        await report(intake, target, 1)
        await until(lambda: all(len(one.messages) == 2 for one in readers))
        assert derived == [NAME]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    assert len({one.messages[1].SerializeToString() for one in readers}) == 1


async def test_many_names_come_in_parts_and_only_the_last_says_that_it_is_all(scene, monkeypatch):
    monkeypatch.setattr("registry.rpc.performance_watches.AT_ONCE", 1)
    observations, intake, target = scene
    other = target._replace(name="models/a/endpoints/y", uid=observations.targets.get("models/a/endpoints/y")[0].uid)
    for number, each in enumerate((target, other), 1):
        await report(intake, each, number)
    reader = Reader()
    reader.reads.set()
    async with watching(observations, reader):
        await until(lambda: len(reader.messages) == 2)
    first, last = reader.messages
    assert (first.snapshot, first.HasField("observation_epoch")) == (True, False)
    assert (last.snapshot, last.observation_epoch) == (False, 2)
    assert {one.performances[0].name for one in reader.messages} == {NAME, other.name}


async def test_a_registry_that_was_away_hears_what_was_read_before_it_gives_up(scene):
    observations, _, _ = scene
    loop, reader = asyncio.get_running_loop(), Reader()
    ours, peers = socket.socketpair()
    ours.setblocking(False)
    with ours, peers:
        # As a transport does: the loop tells of it.
        loop.add_reader(ours, reader.reads.set)
        async with watching(observations, reader, stall_timeout=0.2) as watches:
            peers.send(b"read")
            time.sleep(0.5)  # noqa: ASYNC251 - nothing else runs
            await until(lambda: reader.messages)
            loop.remove_reader(ours)
            await asyncio.sleep(0.3)
            assert watches.stalled == 0
    assert reader.ended is None
