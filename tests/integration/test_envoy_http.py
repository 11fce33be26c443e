"""What a real Envoy makes of the bootstrap: gRPC-Web, other origins, compression, limits, the access log, the admin pages."""

import asyncio
import base64
import json
import re
import socket
import sys

import aiohttp
import psutil
import pytest
import pytest_asyncio
from grpc import StatusCode, aio

from airegistry._rpc.edge import RateLimit
from airegistry._rpc.envoy.bootstrap import admin_socket
from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1.registry_service_pb2_grpc import RegistryServiceStub
from tests.envoys import ask_admin, plan, running

GET = "/airegistry.v1.RegistryService/Get"
WATCH = "/airegistry.v1.RegistryService/Watch"
NAMED = "/registry/v1/models/tiny"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def usual(tmp_path_factory):
    """Lend an Envoy that pages of two origins may call."""
    folder = tmp_path_factory.mktemp("envoy")
    async with running(plan(folder, cors_origins=("https://a.example", "https://b.example"))) as envoy:
        yield envoy


@pytest_asyncio.fixture(loop_scope="module")
async def session(usual):
    async with aiohttp.ClientSession(usual.url, auto_decompress=False) as session:
        yield session


def frame(message, flag=0):
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


def frames(data):
    while data:
        size = int.from_bytes(data[1:5], "big")
        yield data[0], data[5 : 5 + size]
        data = data[5 + size :]


@pytest.mark.parametrize("text", [False, True], ids=["binary", "text"])
async def test_a_browser_calls_by_grpc_web(session, text):
    kind = "application/grpc-web-text+proto" if text else "application/grpc-web+proto"
    headers = {"content-type": kind, "accept": kind, "x-grpc-web": "1"}
    body = frame(pb.GetRequest(name="models/tiny").SerializeToString())
    async with session.post(GET, data=base64.b64encode(body) if text else body, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, kind)
        (_, message), (flag, trailers) = frames(decoded(await answer.read(), text=text))
    assert pb.GetResponse.FromString(message).revision == 7
    assert (flag, trailers) == (0x80, b"grpc-status:0\r\n")
    body = frame(pb.WatchRequest(after_revision=3).SerializeToString())
    async with session.post(WATCH, data=base64.b64encode(body) if text else body, headers=headers) as answer:
        *messages, (flag, _) = frames(decoded(await answer.read(), text=text))
    assert [pb.WatchResponse.FromString(message).revision for _, message in messages] == [1, 2, 3]
    assert flag == 0x80


def decoded(data, *, text):
    # Each piece is encoded by itself.
    return b"".join(base64.b64decode(piece + b"==") for piece in pieces(data)) if text else data


def pieces(data):
    while data:
        end = data.find(b"=")
        end = len(data) if end < 0 else end + (2 if data[end + 1 : end + 2] == b"=" else 1)
        yield data[:end].rstrip(b"=") + b"=" * (-len(data[:end].rstrip(b"=")) % 4)
        data = data[end:]


async def test_pages_of_named_origins_may_call(session):
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "x-grpc-web,authorization"}
    for path in (GET, NAMED, "/v1/chat/completions"):
        async with session.options(path, headers={"origin": "https://b.example", **asked}) as answer:
            assert answer.status == 200
            assert answer.headers["access-control-allow-origin"] == "https://b.example"
            allowed = answer.headers["access-control-allow-headers"]
            assert {"authorization", "x-grpc-web", "grpc-timeout"} <= set(allowed.split(", "))
            assert "POST" in answer.headers["access-control-allow-methods"]
        async with session.options(path, headers={"origin": "https://c.example", **asked}) as answer:
            assert "access-control-allow-origin" not in answer.headers
    async with session.get(NAMED, headers={"origin": "https://a.example"}) as answer:
        assert answer.headers["access-control-allow-origin"] == "https://a.example"
        assert "grpc-status-details-bin" in answer.headers["access-control-expose-headers"]


async def test_any_origin_may_call_when_that_is_said(tmp_path):
    async with (
        running(plan(tmp_path, cors_origins=("*",))) as envoy,
        aiohttp.ClientSession(envoy.url) as session,
        session.get(NAMED, headers={"origin": "https://c.example"}) as answer,
    ):
        assert answer.headers["access-control-allow-origin"] == "https://c.example"
        assert "access-control-allow-credentials" not in answer.headers


async def test_answers_are_compressed_for_who_asks_and_grpc_never(session):
    for encoding in ("gzip", "br", "zstd"):
        for path in (NAMED, "/v1/models"):
            async with session.get(path, headers={"accept-encoding": encoding}) as answer:
                assert answer.headers["content-encoding"] == encoding
    async with session.get(NAMED, headers={"accept-encoding": "identity"}) as answer:
        assert "content-encoding" not in answer.headers
    body = frame(pb.GetRequest(name="models/tiny").SerializeToString())
    for kind in ("application/grpc-web+proto", "application/grpc"):
        headers = {"accept-encoding": "gzip", "content-type": kind}
        async with session.post(GET, data=body, headers=headers) as answer:
            assert "content-encoding" not in answer.headers


async def test_nothing_is_compressed_when_that_is_said(tmp_path):
    async with (
        running(plan(tmp_path, compression=False)) as envoy,
        aiohttp.ClientSession(envoy.url) as session,
        session.get(NAMED, headers={"accept-encoding": "gzip"}) as answer,
    ):
        assert "content-encoding" not in answer.headers


async def test_too_many_requests_are_refused_in_the_words_of_each_protocol(tmp_path):
    limited = plan(tmp_path, pages=("/registry/v1/health",), rate_limit=RateLimit(per_second=0.01, burst=2))
    async with running(limited) as envoy, aiohttp.ClientSession(envoy.url) as session:
        for _ in range(2):
            async with session.get(NAMED) as answer:
                assert answer.status == 200
        async with session.get(NAMED) as answer:
            assert (answer.status, answer.headers["retry-after"]) == (429, "1")
            shown = await answer.json()
        assert (shown["code"], shown["details"][0]["reason"]) == (8, "OVERLOADED")
        async with session.get("/v1/models") as answer:
            assert (answer.status, answer.content_type) == (429, "text/plain")
            assert "rate limit" in await answer.text()
        async with aio.insecure_channel(envoy.address) as channel:
            with pytest.raises(aio.AioRpcError) as refused:
                await RegistryServiceStub(channel).Get(pb.GetRequest(name="models/tiny"))
        assert refused.value.code() is StatusCode.RESOURCE_EXHAUSTED
        assert "rate limit" in str(refused.value.details())
        for path in ("/health", "/metrics", "/registry/v1/health"):
            async with session.get(path) as answer:
                assert answer.status == 200


async def test_a_head_that_is_too_large_is_refused(session):
    async with session.get("/v1/models", headers={"x-large": "x" * 250_000}) as answer:
        assert answer.status == 200
    async with session.get("/v1/models", headers={f"x-{i}": "x" for i in range(900)}) as answer:
        assert answer.status == 200
    for path in ("/v1/models", NAMED):
        for headers in ({"x-large": "x" * 270_000}, {f"x-{i}": "x" for i in range(1_100)}):
            async with session.get(path, headers=headers) as answer:
                assert answer.status == 431


async def test_one_connection_more_than_allowed_is_closed(tmp_path):
    async with running(plan(tmp_path, max_connections=2)) as envoy:
        host, port = envoy.address.split(":")
        opened = [await asyncio.open_connection(host, int(port)) for _ in range(3)]
        ends = [asyncio.ensure_future(reader.read()) for reader, _ in opened]
        ended, open_still = await asyncio.wait(ends, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        assert (len(ended), len(open_still)) == (1, 2)
        for end in open_still:
            end.cancel()
        for _, writer in opened:
            writer.close()


async def test_the_access_log_says_who_asked_for_what_and_no_secret(tmp_path):
    log = tmp_path / "access.log"
    async with running(plan(tmp_path, access_log=str(log))) as envoy, aiohttp.ClientSession(envoy.url) as session:
        secrets = {"authorization": "Bearer hunter2", "x-api-key": "hunter2", "cookie": "a=hunter2"}
        async with session.get(f"{NAMED}?view=hunter2", headers=secrets) as answer:
            assert answer.status == 400
        async with session.post("/v1/chat/completions?key=hunter2", data="hunter2", headers=secrets) as answer:
            assert answer.status == 200
        async with aio.insecure_channel(envoy.address) as channel:
            stub = RegistryServiceStub(channel)
            with pytest.raises(aio.AioRpcError):
                await stub.Get(pb.GetRequest(name="models/wrong"), metadata=[("authorization", "hunter2")])
        async with session.get(NAMED, headers=secrets) as answer:
            assert answer.status == 200
        written = await lines_of(log, 4)
    assert "hunter2" not in "\n".join(written)
    wrong, chat, call, good = (json.loads(line) for line in written)
    assert (wrong["method"], wrong["path"], wrong["status"]) == ("GET", NAMED, 400)
    assert (chat["method"], chat["path"], chat["status"]) == ("POST", "/v1/chat/completions", 200)
    assert (call["path"], call["grpc_status"], call["peer"].split(":")[0]) == (GET, "INVALID_ARGUMENT", "127.0.0.1")
    assert (good["method"], good["path"], good["rpc"], good["status"]) == ("GET", NAMED, GET, 200)


async def lines_of(log, count):
    """Wait until *count* lines are written; Envoy gathers them for a moment."""
    async with asyncio.timeout(30):
        while len(lines := log.read_text().splitlines()) < count:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    return lines


async def test_admin_pages_are_for_this_user_alone_and_on_no_port(tmp_path):
    planned = plan(tmp_path, addresses=("127.0.0.1:0", "127.0.0.1:0"))
    async with running(planned) as envoy:
        admin = admin_socket(planned)
        assert admin.stat().st_mode & 0o777 == 0o600
        assert b"LIVE" in await ask_admin(admin, "/ready")
        assert len(set(envoy.addresses)) == 2
        ports = {int(address.rsplit(":", 1)[1]) for address in envoy.addresses}
        assert listening_ports(envoy.process.pid) == ports
        for address in envoy.addresses:
            async with aiohttp.ClientSession(f"http://{address}") as session, session.get("/config_dump") as answer:
                assert "path" in await answer.json()


def listening_ports(pid):
    return {one.laddr.port for one in psutil.Process(pid).net_connections("inet") if one.status == psutil.CONN_LISTEN}


async def test_a_taken_port_is_an_error_unless_it_is_shared(tmp_path):
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(AssertionError, match="in use"):
            async with running(plan(tmp_path, addresses=(address,))):
                pass
        async with running(plan(tmp_path, addresses=(address,), reuse_port=True)) as envoy:
            assert envoy.address == address


async def test_many_cancelled_calls_do_not_end_those_beside_them(usual):
    async with aio.insecure_channel(usual.address) as channel:
        stub = RegistryServiceStub(channel)
        beside = stub.Watch(pb.WatchRequest(after_revision=100_000))
        await beside.read()
        for _ in range(30):
            calls = [stub.Watch(pb.WatchRequest(after_revision=100_000)) for _ in range(100)]
            await asyncio.gather(*(call.read() for call in calls))
            for call in calls:
                call.cancel()
        answer = await stub.Get(pb.GetRequest(name="models/tiny"))
        assert answer.revision == 7
        # The end of a connection would be known by now.
        await asyncio.sleep(0.3)
        assert not beside.done()
        beside.cancel()


async def test_a_reader_that_stops_stops_its_sender_soon(usual, session):
    # A client that takes no more than it has to: what is sent on lies in Envoy and in the kernel.
    options = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_536)]
    async with aio.insecure_channel(usual.address, options=options) as channel:
        flood = RegistryServiceStub(channel).Watch(pb.WatchRequest(resume_token="flood"))
        await flood.read()
        sent = -1
        while sent != (sent := await flooded(session)):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.5)
        flood.cancel()
    assert 0 < sent < 1024 * 1024


async def flooded(session):
    async with session.get("/flooded", headers={"accept-encoding": "identity"}) as answer:
        return (await answer.json())["flooded"]


async def test_freed_memory_goes_back_to_the_system(usual):
    async def given_back():
        return int(json.loads(await ask_admin(usual.admin, "/memory"))["pageheap_unmapped"])

    async with asyncio.timeout(30):
        # What its start took alone is several MiB.
        while await given_back() < 2**20:  # noqa: ASYNC110 - Envoy tells nobody
            await asyncio.sleep(0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="restartable sequences are Linux's")
async def test_free_memory_is_kept_for_each_core_and_not_for_each_thread(usual):
    page = (await ask_admin(usual.admin, "/memory/tcmalloc")).decode()
    (used,) = re.findall(r"(\d+) \( *[\d.]+ MiB\) per-CPU slab bytes used", page)
    assert int(used) > 0
