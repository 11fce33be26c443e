"""What is no proper call at all, on gRPC and on HTTP: refused by its own status, and the server goes on."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
from google.protobuf import descriptor_pool
from grpc import StatusCode, aio

from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1 import registry_service_pb2_grpc
from airegistry.v1.model_pb2 import Model
from airegistry.v1.resource_pb2 import Resource
from tests import catalogs, providers
from tests.calls import refusal
from tests.planes import carrier, gateway_knowing
from tests.providers import provider

ONE_PORT = carrier() is not None
"""Envoy speaks gRPC and HTTP on one port; grpc.aio has its own."""
PACKAGE = "airegistry.v1"
REGISTRY, ANALYTICS, GATEWAY = (f"{PACKAGE}.{name}Service" for name in ("Registry", "Analytics", "Gateway"))
METHODS = [
    pytest.param(service, method.name, method.server_streaming, id=f"{service.rpartition('.')[2]}.{method.name}")
    for service in (REGISTRY, ANALYTICS, GATEWAY)
    for method in descriptor_pool.Default().FindServiceByName(service).methods
]


def call(channel, service, method, streams):
    path = f"/{service}/{method}"
    return channel.unary_stream(path) if streams else channel.unary_unary(path)


async def first(answering):
    """Return the first answer of a call of either kind, as it came."""
    return await (answering.read() if isinstance(answering, aio.UnaryStreamCall) else answering)


async def refused(answering):
    with pytest.raises(aio.AioRpcError) as caught:
        await asyncio.wait_for(first(answering), 30)
    return refusal(caught.value)


@pytest.fixture
def reached(running, tmp_path):
    """Return `reached(service)`: a context manager that runs the server of a service, and yields a channel to it."""

    @asynccontextmanager
    async def reach(service):
        if service != GATEWAY:
            async with running() as r:
                yield r.channel
                await r.stub.List(pb.ListRequest(collection="models"))
        else:
            async with (
                gateway_knowing(tmp_path, catalogs.served("http://127.0.0.1:1/v1")) as gateway,
                aio.insecure_channel(gateway.address) as channel,
            ):
                yield channel

    return reach


@pytest.mark.parametrize(("service", "method", "streams"), METHODS)
async def test_bytes_that_are_no_request_are_refused_by_every_rpc(reached, service, method, streams):
    async with reached(service) as channel:
        got = await refused(call(channel, service, method, streams)(b"\xff\xff\xff"))
        again = await refused(call(channel, service, method, streams)(b"\x0a\x05ab"))
    assert (got.code, got.reason) == (StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert got.message == f"the request is not a serialized {method}Request"
    assert again.message == got.message


EMPTY = {
    "Register": "resources",
    "Get": "name",
    "List": "collection",
    "Update": "resource",
    "Deregister": "name",
    "BatchDiscover": "requests",
    "Heartbeat": "owner_id",
    "Invoke": "invocation.model",
    "InvokeStream": "invocation.model",
    "Explain": "invocation.model",
    "ReportFeedback": "call_id",
    "ReportUsage": "reporter_id",
    "GetPerformance": "names",
    "GetStats": "name",
}
ASKS_FOR_NOTHING = {"Discover", "Watch", "WatchPerformance"}
"""An empty request is a good one: everything."""


@pytest.mark.parametrize(("service", "method", "streams"), METHODS)
async def test_an_empty_request_is_refused_by_the_field_that_it_needs(reached, service, method, streams):
    async with reached(service) as channel:
        answering = call(channel, service, method, streams)(b"")
        if method in ASKS_FOR_NOTHING:
            assert isinstance(await first(answering), bytes)
            answering.cancel()
            return
        got = await refused(answering)
    assert (got.code, got.reason) == (StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert EMPTY[method] in got.paths


async def failed(answering):
    with pytest.raises(aio.AioRpcError) as caught:
        await asyncio.wait_for(first(answering), 30)
    return caught.value.code()


@asynccontextmanager
async def undisturbed(r):
    """See that a stream on the same connection goes on."""
    beside = r.stub.Watch(pb.WatchRequest())
    await beside.read()
    yield
    await r.stub.Register(pb.RegisterRequest(resources=[Resource(name="models/m", model=Model())]))
    assert (await asyncio.wait_for(beside.read(), 30)).revision == 1
    beside.cancel()


async def test_what_grpc_itself_refuses_leaves_the_connection_as_it_was(running):
    """These answers are gRPC's own: they come before any handler, and have no ErrorInfo."""
    async with running() as r, undisturbed(r):
        get = r.channel.unary_unary(f"/{REGISTRY}/Get")
        assert await failed(r.channel.unary_unary(f"/{REGISTRY}/Whatever")(b"")) is StatusCode.UNIMPLEMENTED
        assert await failed(r.channel.unary_unary("/no.such.Service/Get")(b"")) is StatusCode.UNIMPLEMENTED
        assert await failed(get(b"y" * 9_000_000)) is StatusCode.RESOURCE_EXHAUSTED
        assert await failed(get(b"", timeout=-1)) is StatusCode.DEADLINE_EXCEEDED
        assert (await refused(get(b""))).paths == ["name"]


KIBIBYTE = "y" * 1024
# What is beyond 256 KiB in all Envoy resets, and says no more.
HEADERS = [
    pytest.param([("x-big", 100 * KIBIBYTE)], StatusCode.INVALID_ARGUMENT, id="one-of-100-KiB"),
    pytest.param([(f"x-{i}", KIBIBYTE) for i in range(200)], StatusCode.INVALID_ARGUMENT, id="200-KiB-in-all"),
    pytest.param([(f"x-{i}", 10 * KIBIBYTE) for i in range(40)], StatusCode.INTERNAL, id="400-KiB-in-all"),
]


@pytest.mark.parametrize(("metadata", "inside_envoy"), HEADERS)
async def test_large_headers_are_the_trouble_of_their_own_call(running, metadata, inside_envoy):
    """gRPC's core takes 16 KiB and refuses more; Envoy takes 256 KiB, and nobody reads them: it misses the name."""
    async with running() as r, undisturbed(r):
        get = r.channel.unary_unary(f"/{REGISTRY}/Get")
        assert await failed(get(b"", metadata=metadata)) is (
            inside_envoy if ONE_PORT else StatusCode.RESOURCE_EXHAUSTED
        )


async def test_after_a_header_of_a_megabyte_calls_are_answered_as_before(running):
    """Envoy cannot skip it, so that it ends the connection, and the channel makes another."""
    async with running() as r:
        get = r.channel.unary_unary(f"/{REGISTRY}/Get")
        refusal = StatusCode.UNAVAILABLE if ONE_PORT else StatusCode.RESOURCE_EXHAUSTED
        assert await failed(get(b"", metadata=[("x-big", 1024 * KIBIBYTE)])) is refusal
        assert (await refused(get(b"", wait_for_ready=True))).paths == ["name"]


async def test_callers_that_go_away_leave_nothing_behind(running):
    async with running() as r:
        later = pb.ReadConsistency(level=pb.CONSISTENCY_LEVEL_NOT_OLDER_THAN, min_revision=99)
        future = pb.GetRequest(name="models/m", consistency=later)
        for _ in range(50):
            stream, unary = r.stub.Watch(pb.WatchRequest()), r.stub.Get(future)
            await stream.read()
            stream.cancel()
            unary.cancel()
        async with asyncio.timeout(30), aiohttp.ClientSession(f"http://{r.registry.http_address}") as http:
            while await open_streams(http):  # noqa: ASYNC110 - the server says so only when it is asked
                await asyncio.sleep(0.01)
        await r.stub.Register(pb.RegisterRequest(resources=[Resource(name="models/m", model=Model())]))


async def open_streams(http) -> float:
    """Return how many watches the server says that it has open."""
    async with http.get("/metrics") as page:
        (line,) = (line for line in (await page.text()).splitlines() if line.startswith("airegistry_watch_streams "))
    return float(line.split(" ")[1])


async def say(address: str, data: bytes, *, silence: float = 30.0) -> bytes:
    """Send bytes on a connection of their own, and return what comes back until it ends, or for *silence* seconds."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    said = b""
    with suppress(TimeoutError, ConnectionError):
        writer.write(data)
        await writer.drain()
        async with asyncio.timeout(silence):
            while part := await reader.read(65536):
                said += part
    writer.close()
    return said


HTTP_2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xff" * 1000, id="garbage"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01", id="tls"),
        pytest.param(HTTP_2[:24] + b"\xff" * 100, id="broken-frames"),
    ],
)
async def test_another_protocol_on_the_grpc_port_is_hung_up_on(running, data):
    async with running() as r:
        said = await say(r.registry.address, data, silence=2.0)
        assert b"HTTP/1.1 200" not in said
        assert (await r.stub.List(pb.ListRequest(collection="models"))).revision == 0


async def test_http_on_the_grpc_port_is_answered_where_that_speaks_http_and_hung_up_on_elsewhere(running):
    async with running() as r:
        said = await say(r.registry.address, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 200 ") == ONE_PORT
        assert (b"SERVING" in said) == ONE_PORT
        assert (await r.stub.List(pb.ListRequest(collection="models"))).revision == 0


async def test_grpc_on_the_http_port_is_answered_or_fails_at_once_and_http_goes_on(running):
    async with running() as r:
        async with aio.insecure_channel(r.registry.http_address) as channel:
            stub: Any = registry_service_pb2_grpc.RegistryServiceStub(channel)
            listing = stub.List(pb.ListRequest(collection="models"))
            if ONE_PORT:
                assert (await listing).revision == 0
            else:
                assert await failed(listing) is StatusCode.UNAVAILABLE
        async with aiohttp.ClientSession() as http, http.get(f"http://{r.registry.http_address}/health") as reply:
            assert (await reply.json())["status"] == "SERVING"


async def test_two_thousand_connections_that_come_and_go_leave_the_server_as_it_was(running):
    async with running() as r:
        host, _, port = r.registry.address.rpartition(":")
        for i in range(2_000):
            _, writer = await asyncio.open_connection(host, int(port))
            if i % 2:
                writer.write(HTTP_2[: i % len(HTTP_2)])
            writer.close()
        assert (await r.stub.List(pb.ListRequest(collection="models"))).revision == 0


def chat_request(body: bytes, *, length: object = None, head: bytes = b"") -> bytes:
    said = len(body) if length is None else length
    lines = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + head
    return lines + f"Content-Length: {said}\r\n\r\n".encode() + body


def asking(**fields) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}], **fields}).encode()


BODIES = [
    pytest.param(b"", None, id="nothing"),
    pytest.param(b"null", None, id="null"),
    pytest.param(b"[]", None, id="array"),
    pytest.param(b'{"model":"\xff\xfe"}', None, id="invalid-utf8"),
    pytest.param(b'{"model":"\\ud800"}', None, id="lone-surrogate"),
    pytest.param(b'{"model":"m","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}", None, id="nested-deeply"),
    pytest.param(b'{"model":"m","temperature":NaN}', None, id="nan"),
    pytest.param(asking(n=10**9), "n", id="huge-n"),
    pytest.param(asking(n=-1), "n", id="negative-n"),
    pytest.param(asking(seed=2**63), "seed", id="seed-beyond-64-bits"),
    pytest.param(asking(max_completion_tokens=10**18), "max_completion_tokens", id="huge-max-tokens"),
    pytest.param(asking(temperature="hot"), "temperature", id="wrong-type"),
]


@pytest.fixture
async def front(tmp_path):
    """Run a gateway over a provider that answers, and return its HTTP address."""
    async with provider(providers.ok) as up, gateway_knowing(tmp_path, catalogs.served(up.url)) as gateway:
        yield gateway.http_address
        assert b"200 OK" in await say(gateway.http_address, chat_request(asking()))


@pytest.mark.parametrize(("body", "param"), BODIES)
async def test_a_body_that_means_nothing_is_a_400_that_names_the_field(front, body, param):
    said = await say(front, chat_request(body))
    assert said.startswith(b"HTTP/1.1 400 ")
    error = json.loads(said.partition(b"\r\n\r\n")[2])["error"]
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "invalid_argument", param)


@pytest.mark.parametrize(
    ("data", "beginning"),
    [
        pytest.param(chat_request(asking(), length=3), b"HTTP/1.1 400 ", id="length-too-short"),
        pytest.param(chat_request(asking(), length=-5), b"HTTP/1.1 400 ", id="length-negative"),
        pytest.param(chat_request(asking(), length="many"), b"HTTP/1.1 400 ", id="length-no-number"),
        pytest.param(
            chat_request(b"0\r\n\r\n", head=b"Transfer-Encoding: chunked\r\n"), b"HTTP/1.1 400 ", id="two-lengths"
        ),
        pytest.param(chat_request(asking(), length=10_000), b"", id="length-too-long"),
        pytest.param(chat_request(asking(), length=10**15), b"", id="length-absurd"),
        pytest.param(b"\x00\x01garbage\r\n\r\n", b"HTTP/1.1 400 ", id="garbage"),
    ],
)
async def test_a_request_that_lies_about_itself_is_refused_or_waited_for_and_harms_nobody(front, data, beginning):
    # Who is told of more than comes waits for it.
    said = await say(front, data, silence=30.0 if beginning else 2.0)
    assert said.startswith(beginning)
    assert bool(said) == bool(beginning)


async def test_http_2_on_the_http_port_is_answered_where_it_is_spoken_and_refused_elsewhere(front):
    said = await say(front, HTTP_2, silence=2.0 if ONE_PORT else 30.0)
    if ONE_PORT:
        # A frame of settings.
        assert said[3] == 4
    else:
        assert said.startswith(b"HTTP/1.1 400 ")
