"""What a caller knows from another replica, and connections that move on to one."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest
from grpc import StatusCode, aio

from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1.model_pb2 import Model
from airegistry.v1.registry_service_pb2_grpc import RegistryServiceStub
from airegistry.v1.resource_pb2 import Resource
from registry.rpc import consistency
from registry.rpc.batches import resume_token
from registry.rpc.tokens import seal
from tests.calls import EOF, refusal

BOOKMARK, CHANGES = pb.WATCH_RESPONSE_KIND_BOOKMARK, pb.WATCH_RESPONSE_KIND_CHANGES


async def register(r, *names):
    resources = [Resource(name=f"models/{name}", model=Model()) for name in names]
    return (await r.stub.Register(pb.RegisterRequest(resources=resources))).revision


@pytest.fixture
def behind(monkeypatch):
    """Return what makes a registry a replica that is behind: another one wrote *names*, and it learns of that when it asks."""

    def make(r, *names):
        catalog, asked = r.registry.catalog, []

        async def catch_up():
            asked.append(catalog.revision)
            if len(asked) == 1:
                await register(r, *names)
            return catalog.revision

        monkeypatch.setattr(catalog, "catch_up", catch_up)
        return asked

    return make


async def read(watch):
    async with asyncio.timeout(10):
        return await watch.read()


async def test_a_stream_resumes_where_another_replica_is_already(running, behind):
    async with running() as r:
        await register(r, "a")
        asked = behind(r, "b")
        token = resume_token(r.registry.catalog.cluster_id, 2)
        watch = r.stub.Watch(pb.WatchRequest(resume_token=token))
        async with asyncio.timeout(10):
            while not asked:  # noqa: ASYNC110 - nobody tells when a request came in
                await asyncio.sleep(0.01)
        await register(r, "c")
        message = await read(watch)
        assert [event.resource.name for event in message.events] == ["models/c"]
        assert asked == [1]


async def test_a_position_that_no_replica_has_reached_is_refused(running, behind):
    async with running() as r:
        await register(r, "a")
        behind(r, "b")
        with pytest.raises(aio.AioRpcError) as caught:
            await read(r.stub.Watch(pb.WatchRequest(after_revision=3)))
        found = refusal(caught.value)
        assert (found.code, found.reason) == (StatusCode.OUT_OF_RANGE, "REVISION_IN_FUTURE")
        assert found.metadata == {"current_revision": "2"}


async def test_a_position_that_is_known_asks_nobody(running, behind):
    async with running() as r:
        await register(r, "a")
        asked = behind(r, "b")
        assert (await read(r.stub.Watch(pb.WatchRequest(after_revision=0)))).kind == CHANGES
        assert asked == []


async def test_a_list_goes_on_with_the_page_of_another_replica(running, behind):
    async with running() as r:
        await register(r, "a")
        asked = behind(r, "b")
        token = seal("page", r.registry.catalog.cluster_id, "models", "", 2, "models/a")
        page = await r.stub.List(pb.ListRequest(collection="models", page_token=token))
        assert [resource.name for resource in page.resources] == ["models/b"]
        assert (page.revision, asked) == (2, [1])


READS = [
    pytest.param("LINEARIZABLE", 1, id="linearizable"),
    pytest.param("UNSPECIFIED", 1, id="default"),
    pytest.param("ANY", 0, id="any"),
]


@pytest.mark.parametrize(("level", "asks"), READS)
async def test_get_and_list_catch_up_unless_any_revision_will_do(running, behind, level, asks):
    wanted = pb.ReadConsistency(level=getattr(pb, f"CONSISTENCY_LEVEL_{level}")) if level != "UNSPECIFIED" else None
    async with running() as r:
        await register(r, "a")
        asked = behind(r, "b")
        found = await r.stub.Get(pb.GetRequest(name="models/a", consistency=wanted))
        assert (found.revision, len(asked)) == (1 + asks, asks)
        await r.stub.List(pb.ListRequest(collection="models", consistency=wanted))
        assert len(asked) == 2 * asks


async def test_discover_catches_up_only_when_it_is_asked_to(running, behind):
    async with running() as r:
        await register(r, "a")
        asked = behind(r, "b")
        assert (await r.stub.Discover(pb.DiscoverRequest())).revision == 1
        assert asked == []
        linearizable = pb.ReadConsistency(level=pb.CONSISTENCY_LEVEL_LINEARIZABLE)
        assert (await r.stub.Discover(pb.DiscoverRequest(consistency=linearizable))).revision == 2


async def test_a_read_that_cannot_catch_up_does_not_wait_for_ever(running, monkeypatch):
    monkeypatch.setattr(consistency, "MAX_WAIT", 0.2)
    async with running() as r:
        monkeypatch.setattr(r.registry.catalog, "catch_up", asyncio.Event().wait)
        with pytest.raises(aio.AioRpcError) as caught:
            await r.stub.Get(pb.GetRequest(name="models/a"), timeout=20)
        found = refusal(caught.value)
        assert (found.code, found.metadata) == (StatusCode.DEADLINE_EXCEEDED, {"current_revision": "0"})


@asynccontextmanager
async def counted(address):
    """Pass connections on to *address*; yield where it listens, and a list that grows with each connection."""
    host, _, port = address.rpartition(":")
    opened: list[asyncio.Task[None] | None] = []

    async def pass_on(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

    async def connect(reader, writer):
        opened.append(asyncio.current_task())
        there = await asyncio.open_connection(host, int(port))
        async with asyncio.TaskGroup() as both:
            both.create_task(pass_on(reader, there[1]))
            both.create_task(pass_on(there[0], writer))

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", opened
    finally:
        server.close()
        tasks = [task for task in opened if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await server.wait_closed()


async def test_streams_move_to_a_new_connection_after_its_age_and_none_is_cut(running):
    async with (
        running(registry_max_watch_age=0.5) as r,
        counted(r.registry.address) as (address, connections),
        aio.insecure_channel(address) as channel,
        asyncio.timeout(20),
    ):
        stub = RegistryServiceStub(channel)
        while len(connections) < 3:
            watch = stub.Watch(pb.WatchRequest())
            messages: list[Any] = []
            while (message := await watch.read()) is not EOF:
                messages.append(message)
            assert await watch.code() is StatusCode.OK
            assert messages[-1].kind == BOOKMARK
            assert messages[-1].resume_token
