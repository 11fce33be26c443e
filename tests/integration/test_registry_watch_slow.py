"""Watchers that read slowly or not at all."""

import asyncio
from contextlib import aclosing, asynccontextmanager

import aiohttp
import pytest
from grpc import StatusCode, aio

from airegistry.client import RegistryClient
from airegistry.resources.model import Model as ModelSpec
from airegistry.resources.resource import Resource as ResourceValue
from airegistry.testing import FakeRegistry
from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1.model_pb2 import Model
from airegistry.v1.registry_service_pb2_grpc import RegistryServiceStub
from airegistry.v1.resource_pb2 import Resource
from tests.calls import EOF

SNAPSHOT, SNAPSHOT_END, CHANGES, RESET = (
    pb.WATCH_RESPONSE_KIND_SNAPSHOT,
    pb.WATCH_RESPONSE_KIND_SNAPSHOT_END,
    pb.WATCH_RESPONSE_KIND_CHANGES,
    pb.WATCH_RESPONSE_KIND_RESET,
)
WATCH = "/airegistry.v1.RegistryService/Watch"
RUNNING = f'airegistry_rpc_running{{method="{WATCH}"}}'


async def change_much(r, turn):
    """Change more than a connection takes while its client does not read."""
    resources = [Resource(name=f"models/m{i}", model=Model(description=f"{turn % 10}" * 4000)) for i in range(100)]
    await r.stub.Register(pb.RegisterRequest(resources=resources))


@asynccontextmanager
async def narrow(r):
    """Open a channel whose window stays small: a client that does not read holds the server up soon."""
    options = [("grpc.http2.bdp_probe", 0), ("grpc.use_local_subchannel_pool", 1)]
    async with aio.insecure_channel(r.registry.address, options=options) as channel:
        yield RegistryServiceStub(channel)


async def read(watch):
    async with asyncio.timeout(10):
        return await watch.read()


async def read_until(watch, revision):
    messages = [await read(watch)]
    while messages[-1].revision < revision or messages[-1].kind not in {CHANGES, SNAPSHOT_END}:
        messages.append(await read(watch))
    return messages


async def rest(watch):
    """Return what still comes on a stream, and how it ends."""
    messages = []
    try:
        while (message := await read(watch)) is not EOF:
            messages.append(message)
    except aio.AioRpcError as error:
        return messages, error.code()
    return messages, await watch.code()


async def metrics(r):
    async with aiohttp.ClientSession() as http, http.get(f"http://{r.registry.http_address}/metrics") as page:
        lines = [line.rpartition(" ") for line in (await page.text()).splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def check_reset(messages, last):
    """What was told before the reset is whole, and after it everything is told anew."""
    kinds = [message.kind for message in messages]
    at = kinds.index(RESET)
    assert set(kinds[:at]) <= {CHANGES}
    assert not messages[at].resume_token
    assert not messages[at].events
    end = kinds.index(SNAPSHOT_END)
    assert set(kinds[at + 1 : end]) == {SNAPSHOT}
    assert messages[end].revision == last
    assert len({event.resource.name for message in messages[at:end] for event in message.events}) == 100
    told = [event.revision for message in messages[:at] for event in message.events]
    assert told == sorted(told)
    assert messages[at].revision == (told[-1] if told else 0)


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"registry_watch_max_lag_revisions": 10}, id="revisions"),
        pytest.param({"registry_watch_max_lag_bytes": 4_000_000}, id="bytes"),
    ],
)
async def test_who_missed_too_much_gets_a_reset_and_everything_anew_on_the_same_stream(running, limits):
    async with running(**limits) as r, narrow(r) as slow:
        watch = slow.Watch(pb.WatchRequest())
        assert (await read(watch)).kind == SNAPSHOT_END
        for turn in range(30):
            await change_much(r, turn)
        check_reset(await read_until(watch, 30), last=30)
        assert (await metrics(r))["airegistry_watch_resets_total"] == 1
        await change_much(r, 1)
        (message,) = await read_until(watch, 31)
        assert message.kind == CHANGES


async def test_who_is_compacted_away_while_it_reads_gets_a_reset(running):
    async with running() as r, narrow(r) as slow:
        watch = slow.Watch(pb.WatchRequest())
        assert (await read(watch)).kind == SNAPSHOT_END
        for turn in range(8):
            await change_much(r, turn)
        r.registry.catalog.feed.forget(7)
        check_reset(await read_until(watch, 8), last=8)


async def test_who_missed_less_than_allowed_is_told_every_change(running):
    async with running() as r, narrow(r) as slow:
        watch = slow.Watch(pb.WatchRequest())
        assert (await read(watch)).kind == SNAPSHOT_END
        for turn in range(30):
            await change_much(r, turn)
        seen = await metrics(r)
        assert seen["airegistry_watch_lag_revisions"] > 20
        assert seen["airegistry_watch_lag_seconds"] > 0
        assert seen['airegistry_watch_stream_lag_revisions{stream="1"}'] == seen["airegistry_watch_lag_revisions"]
        assert seen['airegistry_watch_streams_behind{at_most="100"}'] == 1
        messages = await read_until(watch, 30)
        assert {message.kind for message in messages} == {CHANGES}
        revisions = [event.revision for message in messages for event in message.events]
        assert revisions == [revision for revision in range(1, 31) for _ in range(100)]
        seen = await metrics(r)
        assert seen["airegistry_watch_lag_revisions"] == 0
        assert not any(name.startswith("airegistry_watch_stream_lag_revisions{") for name in seen)


async def test_who_resumes_inside_the_window_is_told_every_change_however_many(running):
    async with running(registry_watch_max_lag_revisions=3) as r:
        for turn in range(12):
            await change_much(r, turn)
        watch = r.stub.Watch(pb.WatchRequest(after_revision=0))
        messages = await read_until(watch, 12)
        assert {message.kind for message in messages} == {CHANGES}
        assert {event.revision for message in messages for event in message.events} == set(range(1, 13))


async def test_a_stream_that_nobody_reads_is_ended_and_says_so_when_it_is_read_again(running):
    async with running(registry_watch_stall_timeout=0.3) as r, narrow(r) as slow:
        watch = slow.Watch(pb.WatchRequest())
        assert (await read(watch)).kind == SNAPSHOT_END
        quick = r.stub.Watch(pb.WatchRequest())
        assert (await read(quick)).kind == SNAPSHOT_END
        for turn in range(5):
            await change_much(r, turn)
            await read(quick)
        async with asyncio.timeout(20):
            while (seen := await metrics(r))[RUNNING] > 1:  # noqa: ASYNC110 - only the page tells
                await asyncio.sleep(0.05)
        assert seen["airegistry_watch_stalled_total"] == 1
        assert seen["airegistry_watch_streams"] == 1
        assert seen[f'airegistry_rpc_duration_seconds_count{{code="UNAVAILABLE",method="{WATCH}"}}'] == 1
        messages, code = await rest(watch)
        assert code is StatusCode.UNAVAILABLE
        reached = max((message.revision for message in messages), default=0)
        # It goes on from the last message that it read.
        resumed = slow.Watch(pb.WatchRequest(after_revision=reached))
        messages = await read_until(resumed, 5)
        revisions = {event.revision for message in messages for event in message.events}
        assert revisions == set(range(reached + 1, 6))


async def test_a_stream_with_nothing_to_say_is_not_stalled(running):
    async with running(registry_watch_stall_timeout=0.1) as r:
        watch = r.stub.Watch(pb.WatchRequest())
        assert (await read(watch)).kind == SNAPSHOT_END
        await asyncio.sleep(0.5)
        await r.stub.Register(pb.RegisterRequest(resources=[Resource(name="models/m", model=Model())]))
        assert (await read(watch)).kind == CHANGES


async def test_a_reset_reaches_the_reader_of_the_sdk_as_what_it_changes():
    async with FakeRegistry() as fake, RegistryClient(fake.address) as client:
        await client.register([ResourceValue(name=f"models/{name}", model=ModelSpec()) for name in "ab"])
        async with asyncio.timeout(10), aclosing(client.watch()) as stream:
            assert len((await anext(stream)).events) == 2
            fake.reset()
            again = await anext(stream)
            assert again.snapshot
            assert again.events == ()
            await client.deregister("models/a")
            assert [event.resource and event.resource.name for event in (await anext(stream)).events] == ["models/a"]
