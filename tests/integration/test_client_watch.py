"""Client.watch over cuts, restarts and compactions."""

import asyncio
from contextlib import aclosing

import pytest

from airegistry.backoff import Backoff
from airegistry.client import Client, RegistryClient
from airegistry.client.follower import Follower
from airegistry.client.following import follow
from airegistry.client.messages import WatchEventType, WatchFilter, WatchRequest, WatchResponse, WatchResponseKind
from airegistry.errors import InvalidArgumentError, UnavailableError
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource
from airegistry.testing import FakeRegistry
from tests.ports import free_address

ADDED, UPDATED, REMOVED = WatchEventType


def model(id_, **fields):
    return Resource(name=f"models/{id_}", model=Model(**fields))


@pytest.fixture
async def client(fake):
    async with Client(fake.address) as client:
        yield client


async def updates(stream, count):
    """Return the next *count* updates that changed something, as (type, id)."""
    found: list[list[tuple[object, str]]] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            update = await anext(stream)
            if update.events or update.snapshot:
                found.append([(event.type, event.resource.name.split("/")[-1]) for event in update.events])
    return found


async def test_a_watch_goes_on_over_a_restart_without_losing_or_repeating(fake, client):
    await client.register([model("a")])
    async with aclosing(client.watch()) as stream:
        assert await updates(stream, 1) == [[(ADDED, "a")]]
        await client.register([model("b")])
        assert await updates(stream, 1) == [[(ADDED, "b")]]
        await fake.stop()
        await fake.start()
        await until(lambda: client.register([model("c")]))
        assert await updates(stream, 1) == [[(ADDED, "c")]]


async def test_a_watch_that_missed_too_much_gets_the_difference(fake, client):
    await client.register([model("a"), model("b")])
    async with aclosing(client.watch()) as stream:
        await updates(stream, 1)
        await fake.stop()
        await fake.start()
        await until(lambda: client.register([model("b", family="f"), model("c")]))
        await client.deregister("models/a")
        fake.compact()
        # The watch may have come back before the compaction; what it says in the end is the same.
        seen = dict[str, object]()
        while len(seen) < 3:
            for kind, name in (await updates(stream, 1))[0]:
                seen[name] = kind
        assert seen == {"a": REMOVED, "b": UPDATED, "c": ADDED}


async def test_a_token_of_another_store_is_a_resync(client):
    await client.register([model("a")])
    async with (
        FakeRegistry() as elsewhere,
        RegistryClient(elsewhere.address) as other,
        aclosing(other.watch()) as stream,
    ):
        token = (await anext(stream)).resume_token
    async with aclosing(client.watch(resume_token=token)) as stream:
        assert await updates(stream, 1) == [[(ADDED, "a")]]


@pytest.mark.parametrize(
    "position",
    [
        pytest.param({"resume_token": "nonsense"}, id="malformed-token"),
        pytest.param({"after_revision": 99}, id="from-the-future"),
    ],
)
async def test_a_position_that_means_nothing_is_a_resync(client, position):
    await client.register([model("a")])
    async with aclosing(client.watch(**position)) as stream:
        assert await updates(stream, 1) == [[(ADDED, "a")]]


async def test_a_filter_that_is_wrong_is_an_error_and_not_tried_again(client):
    with pytest.raises(InvalidArgumentError):
        await anext(client.watch(WatchFilter(filter="a = b")))
    with pytest.raises(InvalidArgumentError):
        await anext(client.watch(bookmark_interval=0.5))


async def test_a_watch_waits_for_a_registry_that_is_not_there_yet(fake, client):
    await fake.stop()
    async with aclosing(client.watch()) as stream:
        first = asyncio.create_task(updates(stream, 1))
        await asyncio.sleep(0.05)
        await fake.start()
        assert await first == [[]]


async def test_a_stream_that_is_left_early_ends_on_the_server():
    async with FakeRegistry(address=free_address(), drain=60.0) as fake, Client(fake.address) as client:
        async with aclosing(client.watch()) as stream:
            await updates(stream, 1)
        async with asyncio.timeout(30):
            await fake.stop()


async def test_silence_is_taken_for_a_broken_connection():
    opened = []

    async def silent(request):
        opened.append(request)
        if len(opened) > 1:
            yield WatchResponse(WatchResponseKind.SNAPSHOT_END, (), 1, "t1")
        await asyncio.Event().wait()

    request = WatchRequest(bookmark_interval=0.1)
    async with aclosing(follow(silent, Follower(request), Backoff(first=0.01))) as stream:
        assert (await asyncio.wait_for(anext(stream), 30)).snapshot
    assert len(opened) == 2


async def test_an_outage_is_logged_once_and_so_is_its_end(caplog):
    opened = []

    async def away(request):
        opened.append(request)
        if len(opened) < 5:
            raise UnavailableError("away")
        yield WatchResponse(WatchResponseKind.SNAPSHOT_END, (), 1, "t1")

    async with aclosing(follow(away, Follower(WatchRequest()), Backoff(first=0.001))) as stream:
        await asyncio.wait_for(anext(stream), 30)
    first, last = (record.getMessage() for record in caplog.records)
    assert first == "the watch failed, and is tried again: away"
    assert last.startswith("the watch works again after ")


async def until(attempt):
    """Try until the registry is back."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await attempt()
            except UnavailableError:
                await asyncio.sleep(0.05)
