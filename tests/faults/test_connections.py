"""What becomes of a call whose caller is cut off, hangs up halfway, or does not read: the same on every carrier."""

import asyncio
import json
from contextlib import asynccontextmanager
from functools import partial

import aiohttp
import pytest
import pytest_asyncio
from grpc import aio

from airegistry.v1 import gateway_service_pb2 as pb
from tests.calls import EOF
from tests.faults.calling import Ask, Callers
from tests.faults.cancelling import PHASES, SETTLING
from tests.faults.judging import ANSWERED, as_it_ends
from tests.faults.misbehaving import healthy
from tests.faults.over_grpc import GRPC, invocation
from tests.faults.over_http import HTTP
from tests.faults.scene import HEALTHY, open_scene
from tests.faults.ways import each_carrier
from tests.faults.wires import OPENAI_CHAT
from tests.providers import provider
from tests.robustness.proxy import proxy

pytestmark = pytest.mark.asyncio(loop_scope="module")

each_phase = pytest.mark.parametrize("phase", PHASES)
# A client that does not read holds the server up soon.
NARROW = [("grpc.http2.bdp_probe", 0), ("grpc.use_local_subchannel_pool", 1)]
TOKEN = "x" * 4_000
TOKENS = 6_000
"""More than all the buffers of the sockets on the way can come to hold: 24 MB."""


@pytest_asyncio.fixture(loop_scope="module")
async def line(scene):
    """Return a line to the gateway for each kind of caller, and callers on it."""
    gateway = scene.gateway
    with proxy(gateway.address) as grpc, proxy(gateway.http_address) as http:
        async with (
            aio.insecure_channel(grpc.address) as channel,
            aiohttp.ClientSession(f"http://{http.address}") as session,
        ):
            yield Callers(channel, session), (grpc, http)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def roomy(tmp_path_factory):
    """Return a gateway that takes long answers."""
    async with open_scene(
        tmp_path_factory.mktemp("gateway"), gateway_max_answer_bytes=2 * TOKENS * len(TOKEN)
    ) as opened:
        yield opened


async def left(up):
    """Wait until the provider is left."""
    await asyncio.wait_for(up.seen[0].gone.wait(), 30)


@each_phase
@each_carrier
async def test_a_caller_that_is_cut_off_leaves_its_provider(scene, line, carrier, phase):
    callers, proxies = line
    async with scene.route(OPENAI_CHAT, (PHASES[phase],)) as (name, (up,)):
        calling = asyncio.ensure_future(carrier.call(callers, Ask(name)))
        await asyncio.wait_for(up.asked.wait(), 30)
        await asyncio.sleep(SETTLING)
        assert sum(one.cut() for one in proxies) > 0
        await left(up)
        await asyncio.wait([calling], timeout=30)
        assert calling.done()
        assert calling.exception() is not None or not calling.result().whole


def request(name, *, stream, length=None):
    body = json.dumps({"model": name, "messages": [{"role": "user", "content": "Go"}], "stream": stream}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nContent-Length: {length or len(body)}\r\n\r\n"
    return head.encode() + body


@asynccontextmanager
async def connection(scene):
    host, _, port = scene.gateway.http_address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()


@each_phase
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_caller_that_closes_its_side_of_an_http_connection_has_left(scene, phase, stream):
    async with scene.route(OPENAI_CHAT, (PHASES[phase],)) as (name, (up,)), connection(scene) as (_, writer):
        writer.write(request(name, stream=stream))
        await asyncio.wait_for(up.asked.wait(), 30)
        await asyncio.sleep(SETTLING)
        writer.write_eof()
        await left(up)


async def test_a_request_that_breaks_off_asks_nobody(scene):
    async with scene.route(OPENAI_CHAT, HEALTHY) as (name, (up,)):
        async with connection(scene) as (_, writer):
            writer.write(request(name, stream=False, length=100_000))
            await writer.drain()
            await asyncio.sleep(SETTLING)
        await scene.quiet([up])
        assert up.seen == []
        await others_are_answered(scene)


async def others_are_answered(scene):
    async with provider(partial(healthy, OPENAI_CHAT)) as up:
        name = scene.serve([up.url], [OPENAI_CHAT.communication], None)
        for one in (GRPC[0], HTTP[0]):
            as_it_ends(await one.call(scene.callers, Ask(name)), ANSWERED)


async def pouring(wire, peer, count):
    """Send many tokens, and note how many were taken."""
    await wire.some(peer, 0)
    for _ in range(TOKENS):
        await peer.send(wire.token(TOKEN))
        count.append(1)
    await peer.send(wire.closing + wire.mark)


async def until_held(count):
    """Wait until the provider sends nothing any more; it must not be all."""
    sent = looks = 0
    async with asyncio.timeout(30):
        # Several looks: during one of them all of this may have stood still.
        while not sent or looks < 4:
            await asyncio.sleep(0.1)
            looks = looks + 1 if len(count) == sent else 0
            sent = len(count)
    assert sent < TOKENS


async def test_a_stream_of_grpc_that_is_not_read_holds_its_provider_and_nobody_else(roomy):
    count: list[int] = []
    async with (
        roomy.route(OPENAI_CHAT, (partial(pouring, count=count),)) as (name, _),
        aio.insecure_channel(roomy.gateway.address, options=NARROW) as channel,
    ):
        stub = Callers(channel, roomy.callers.http).stub
        call = stub.InvokeStream(pb.InvokeStreamRequest(invocation=invocation(Ask(name))))
        events = list((await call.read()).events)
        await until_held(count)
        await others_are_answered(roomy)
        while (message := await call.read()) is not EOF:
            events += message.events
    said = sum(len(event.chat_delta.text) for event in events)
    assert said == TOKENS * len(TOKEN)
    assert events[-1].HasField("end")


async def test_a_stream_of_http_that_is_not_read_holds_its_provider_and_nobody_else(roomy):
    count: list[int] = []
    async with (
        roomy.route(OPENAI_CHAT, (partial(pouring, count=count),)) as (name, _),
        connection(roomy) as (reader, writer),
    ):
        writer.write(request(name, stream=True))
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        await until_held(count)
        await others_are_answered(roomy)
        said = 0
        while b"[DONE]" not in (line := await reader.readline()):
            said += line.count(b"x")
    assert said >= TOKENS * len(TOKEN)


async def test_who_leaves_without_having_read_is_counted_as_gone_and_is_no_error_of_ours(roomy, caplog):
    count: list[int] = []
    counted = 'duration_seconds_count{code="CANCELLED",method="/airegistry.v1.GatewayService/InvokeStream"} 1.0'
    async with roomy.route(OPENAI_CHAT, (partial(pouring, count=count),)) as (name, _):
        async with aio.insecure_channel(roomy.gateway.address, options=NARROW) as channel:
            stub = Callers(channel, roomy.callers.http).stub
            call = stub.InvokeStream(pb.InvokeStreamRequest(invocation=invocation(Ask(name))))
            await call.read()
            await until_held(count)
            call.cancel()
        async with asyncio.timeout(30):
            while counted not in await metrics_of(roomy):  # noqa: ASYNC110 - only the page tells
                await asyncio.sleep(0.02)
    assert [record for record in caplog.records if record.name.startswith("airegistry._rpc")] == []


async def metrics_of(scene):
    async with scene.callers.http.get("/metrics") as page:
        return await page.text()
