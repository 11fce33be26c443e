"""gRPC over ASGI, inside a real Envoy: what no client of gRPC sends, and what tools of others ask for."""

import asyncio
import gzip
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import grpc
import pytest
import pytest_asyncio
from google.protobuf import descriptor_pool, message_factory
from grpc import StatusCode, aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pyqwest import Client, HTTPTransport, HTTPVersion

from airegistry._rpc.asgi.framing import compressed_frame, frame
from airegistry._rpc.reflection import reflection_services
from tests.calls import EOF
from tests.echo_servers import connected, echoing

pytestmark = pytest.mark.asyncio(loop_scope="module")

GRPCURL = Path(__file__).parents[3] / "build" / "go" / "grpcurl"
COMPRESS_ABOVE = 1000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address():
    async with echoing(ECHO_COMPRESS_ABOVE=str(COMPRESS_ABOVE)) as address:
        yield address


async def post(
    address: str, method: str, body: bytes | AsyncIterator[bytes], headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """Send bytes as a call, by a client that knows no gRPC; return status, content, and every header and trailer."""
    head = {"content-type": "application/grpc", "te": "trailers"} | (headers or {})
    transport = HTTPTransport(http_version=HTTPVersion.HTTP2, enable_gzip=False, enable_otel=False)
    url = f"http://{address}/test.Echo/{method}"
    async with asyncio.timeout(30), transport, Client(transport).stream("POST", url, head, body) as answer:
        content = b"".join([bytes(part) async for part in answer.content])
        said = dict(answer.headers.items()) | dict(answer.trailers.items())
    return said | {"http": answer.status, "content": content}


async def in_pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
        await asyncio.sleep(0.001)


async def never() -> AsyncIterator[bytes]:
    yield b"\0"
    await asyncio.sleep(60)


def status(answer):
    return answer["http"], answer.get("grpc-status"), unquote(answer.get("grpc-message", ""))


async def test_a_call_is_its_head_one_message_and_trailers(address):
    answer = await post(address, "Unary", frame(b"abc"))
    assert answer["content-type"] == "application/grpc"
    assert answer["content"] == frame(b"abc")
    assert status(answer) == (200, "0", "")


@pytest.mark.parametrize("size", [1, 3, 7], ids=str)
async def test_a_request_that_comes_in_pieces_is_the_same_request(address, size):
    assert (await post(address, "Unary", in_pieces(frame(b"abc" * 10), size)))["content"] == frame(b"abc" * 10)
    packed = {"grpc-encoding": "gzip"}
    assert (await post(address, "Unary", in_pieces(compressed_frame(b"abc"), size), packed))["content"] == frame(b"abc")
    messages = [b"", b"a", b"bc" * 30]
    data = b"".join(map(frame, messages))
    assert json.loads((await post(address, "Collect", in_pieces(data, size)))["content"][5:]) == [0, 1, 60]


@pytest.mark.parametrize(
    ("method", "body", "headers", "code", "message"),
    [
        pytest.param("Unary", b"", {}, 12, "no request messages where exactly one is expected", id="none"),
        pytest.param(
            "Unary", frame(b"a") * 2, {}, 12, "several request messages where exactly one is expected", id="two"
        ),
        pytest.param("Count", b"", {}, 12, "no request messages where exactly one is expected", id="none-for-stream"),
        pytest.param(
            "Unary", frame(b"abc")[:-1], {}, 13, "the request ends inside a message: 2 of its 3 bytes", id="cut"
        ),
        pytest.param(
            "Collect",
            frame(b"a") + b"\0\0",
            {},
            13,
            "the request ends inside a message: 2 of the 5 bytes that precede each",
            id="stream-cut",
        ),
        pytest.param("Unary", b"\7\0\0\0\0", {}, 13, "Bad GRPC frame type 0x07", id="flag"),
        pytest.param("Unary", b"\1\0\0\0\0", {}, 13, "Compression bit set but no encoding configured", id="encoding"),
        pytest.param(
            "Unary",
            b"\1\0\0\0\1a",
            {"grpc-encoding": "gzip"},
            13,
            "Decompression failed due to data error",
            id="no-gzip",
        ),
        pytest.param("Unary", b"\0\xff\xff\xff\xff", {}, 8, None, id="huge"),
        pytest.param(
            "Unary", frame(b""), {"grpc-timeout": "soon"}, 13, "Error parsing 'grpc-timeout' metadata", id="timeout"
        ),
        pytest.param("Unary", frame(b""), {"grpc-timeout": "0n"}, 4, "Deadline Exceeded", id="too-late"),
        pytest.param("Hang", frame(b""), {"grpc-timeout": "100m"}, 4, "Deadline Exceeded", id="late"),
        pytest.param(
            "Tell", frame(b""), {"k-bin": "!"}, 13, "Error parsing 'k-bin' metadata: illegal base64 encoding", id="bin"
        ),
    ],
)
async def test_what_is_no_proper_call_is_refused(address, method, body, headers, code, message):
    answer = await post(address, method, body, headers)
    http, got, said = status(answer)
    assert (http, got) == (200, str(code))
    assert message is None or said == message
    assert not answer["content"]


async def test_a_caller_that_never_says_what_it_wants_is_told_at_its_deadline(address):
    assert status(await post(address, "Unary", never(), {"grpc-timeout": "100m"})) == (200, "4", "Deadline Exceeded")


async def test_a_compression_that_is_unknown_is_refused_and_the_known_ones_are_named(address):
    answer = await post(address, "Unary", frame(b""), {"grpc-encoding": "snappy"})
    assert status(answer) == (200, "12", "the server does not know the compression 'snappy'")
    assert answer["grpc-accept-encoding"] == "identity,deflate,gzip"


@pytest.mark.parametrize("kind", ["application/json", "application/grpc-web", ""], ids=repr)
async def test_what_is_no_grpc_is_415(address, kind):
    assert (await post(address, "Unary", frame(b""), {"content-type": kind}))["http"] == 415


async def test_answers_are_compressed_for_those_who_take_it_when_they_are_long(address, channel):
    takes = {"grpc-accept-encoding": "identity, gzip"}
    long = b"abc" * COMPRESS_ABOVE
    answer = await post(address, "Unary", frame(long), takes)
    assert answer["grpc-encoding"] == "gzip"
    assert answer["content"][0] == 1
    assert gzip.decompress(answer["content"][5:]) == long
    short = await post(address, "Unary", frame(b"abc"), takes)
    assert short["content"] == frame(b"abc")
    plain = await post(address, "Unary", frame(long))
    assert plain["content"] == frame(long)
    assert "grpc-encoding" not in plain
    # And the client of gRPC's core makes of it what was said.
    assert await channel.unary_unary("/test.Echo/Unary")(long, compression=grpc.Compression.Gzip) == long
    wanted = json.dumps({"name": "zipped", "messages": 3, "size": 5000}).encode()
    call = channel.unary_stream("/test.Echo/Count")(wanted)
    assert [answer async for answer in call] == [b"%d" % number + b"." * 5000 for number in range(3)]


async def test_health_is_told_and_watched(channel):
    stub: Any = health_pb2_grpc.HealthStub(channel)
    serving = health_pb2.HealthCheckResponse.SERVING
    assert (await stub.Check(health_pb2.HealthCheckRequest())).status == serving
    watch = stub.Watch(health_pb2.HealthCheckRequest())
    assert (await watch.read()).status == serving
    watch.cancel()
    with pytest.raises(aio.AioRpcError) as caught:
        await stub.Check(health_pb2.HealthCheckRequest(service="no.such"))
    assert caught.value.code() is StatusCode.NOT_FOUND


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_answers_question_after_question(channel, version):
    name = f"grpc.reflection.{version}.ServerReflection"
    # Also makes the descriptors of v1 known here.
    assert name in {service.name for service in reflection_services([])}
    method = descriptor_pool.Default().FindServiceByName(name).methods[0]
    request, response = (message_factory.GetMessageClass(t) for t in (method.input_type, method.output_type))
    call = channel.stream_stream(
        f"/{name}/ServerReflectionInfo",
        request_serializer=request.SerializeToString,
        response_deserializer=response.FromString,
    )()
    for _ in range(3):
        await call.write(request(list_services=""))
        services = {service.name for service in (await call.read()).list_services_response.service}
        assert {"test.Echo", "grpc.health.v1.Health", name} <= services
    await call.write(request(file_containing_symbol="grpc.health.v1.Health"))
    assert (await call.read()).file_descriptor_response.file_descriptor_proto
    await call.done_writing()
    assert await call.read() is EOF


@pytest.mark.skipif(not GRPCURL.exists(), reason="make grpcurl builds it, and needs Go")
async def test_grpcurl_asks_without_a_proto_file(address):
    run = [GRPCURL, "-plaintext", "-max-time", "10", address, "grpc.health.v1.Health/Check"]
    done = await asyncio.to_thread(subprocess.run, run, capture_output=True, text=True, timeout=30, check=False)
    assert json.loads(done.stdout) == {"status": "SERVING"}, done.stderr


async def test_a_server_that_drains_refuses_new_calls_and_gives_running_ones_their_time():
    async with echoing() as address, connected(address) as channel:
        wanted = {"name": "drained", "messages": 1, "size": 0, "hang": True}
        hanging = channel.unary_stream("/test.Echo/Count")(json.dumps(wanted).encode())
        chat = channel.stream_stream("/test.Echo/Chat")()
        await hanging.read()
        await chat.write(b"a")
        await chat.read()
        await channel.unary_unary("/test.Echo/Drain")(b"2")
        with pytest.raises(aio.AioRpcError) as refused:
            await channel.unary_unary("/test.Echo/Unary")(b"")
        assert (refused.value.code(), refused.value.details()) == (StatusCode.UNAVAILABLE, "the server is stopping")
        # What runs goes on as before, and may end well.
        await chat.write(b"b")
        assert await chat.read() == b"you said b"
        await chat.done_writing()
        assert [await chat.read(), await chat.read()] == [b"bye", EOF]
        with pytest.raises(aio.AioRpcError) as ended:
            await asyncio.wait_for(hanging.read(), 30)
        assert (ended.value.code(), ended.value.details()) == (StatusCode.UNAVAILABLE, "the server is stopping")
