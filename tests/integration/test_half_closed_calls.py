"""Calls whose callers have said all they have to say, or never say that they have: the same on every carrier."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from grpc import StatusCode
from grpc_reflection.v1alpha import reflection_pb2
from pyqwest import Client, HTTPTransport, HTTPVersion

from airegistry._rpc.asgi.framing import frame
from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1.model_pb2 import Model
from airegistry.v1.resource_pb2 import Resource
from tests.calls import EOF

SERVICE = "/airegistry.v1.RegistryService"
REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
HEAD = {"content-type": "application/grpc", "te": "trailers"}


class Open:
    """A request of one message, whose end comes when the test says so."""

    def __init__(self, message):
        self._message = message
        self.ended = asyncio.Event()

    async def parts(self):
        yield frame(self._message.SerializeToString())
        await self.ended.wait()


@asynccontextmanager
async def calling(r, method, request):
    """Call by a client that knows no gRPC; yield the answer."""
    transport = HTTPTransport(http_version=HTTPVersion.HTTP2, enable_gzip=False, enable_otel=False)
    url = f"http://{r.registry.address}{SERVICE}/{method}"
    async with asyncio.timeout(20), transport, Client(transport).stream("POST", url, HEAD, request.parts()) as answer:
        yield answer


async def message(content, type_):
    """Read one message of an answer."""
    data = b""
    while len(data) < 5 or len(data) < 5 + int.from_bytes(data[1:5], "big"):
        data += bytes(await anext(content))
    assert len(data) == 5 + int.from_bytes(data[1:5], "big")
    return type_.FromString(data[5:])


async def test_a_call_is_answered_though_its_request_does_not_end(running):
    async with running() as r:
        request = Open(pb.ListRequest(collection="models"))
        async with calling(r, "List", request) as answer:
            assert (await message(aiter(answer.content), pb.ListResponse)).revision == 0
            request.ended.set()


async def test_a_watch_tells_of_changes_before_and_after_its_request_ends(running):
    async with running() as r:
        request = Open(pb.WatchRequest())
        async with calling(r, "Watch", request) as answer:
            content = aiter(answer.content)
            assert (await message(content, pb.WatchResponse)).kind == pb.WATCH_RESPONSE_KIND_SNAPSHOT_END
            for name, end in (("before", False), ("after", True)):
                if end:
                    request.ended.set()
                    await asyncio.sleep(0.2)
                await r.stub.Register(pb.RegisterRequest(resources=[Resource(name=f"models/{name}", model=Model())]))
                told = await message(content, pb.WatchResponse)
                assert [event.resource.name for event in told.events] == [f"models/{name}"]


@pytest.mark.parametrize("questions", [0, 1, 3])
async def test_a_stream_of_questions_is_answered_to_its_end_after_the_last_one(running, questions):
    async with running() as r:
        asking = r.channel.stream_stream(REFLECTION)()
        for _ in range(questions):
            await asking.write(reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString())
        await asking.done_writing()
        answers = []
        async with asyncio.timeout(10):
            while (answer := await asking.read()) is not EOF:
                answers.append(answer)
            assert await asking.code() is StatusCode.OK
        assert len(answers) == questions
