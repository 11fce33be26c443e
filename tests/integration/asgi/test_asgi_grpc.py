"""gRPC over ASGI, inside a real Envoy, called by the client of gRPC's core: as if grpc.aio served it."""

import asyncio
import json
from itertools import count

import grpc
import pytest
from grpc import StatusCode, aio

from tests.calls import EOF, refusal
from tests.echo_servers import connected, seen, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

NARROW = ("grpc.http2.bdp_probe", 0)
"""A window that stays small: a client that does not read holds the server up soon."""

names = (f"name{number}" for number in count())


def unary(channel, method):
    return channel.unary_unary(f"/test.Echo/{method}")


def counting(channel, **wanted):
    return channel.unary_stream("/test.Echo/Count")(json.dumps(wanted).encode())


async def failed(call):
    with pytest.raises(aio.AioRpcError) as caught:
        await asyncio.wait_for(call, 30)
    return caught.value


async def rest(call):
    """Return what still comes on a stream until it ends."""
    answers = []
    while (answer := await asyncio.wait_for(call.read(), 30)) is not EOF:
        answers.append(answer)
    return answers


@pytest.mark.parametrize("size", [0, 1, 20_000, 99_995], ids=str)
async def test_a_unary_call_is_answered(channel, size):
    assert await unary(channel, "Unary")(b"x" * size) == b"x" * size


async def test_many_calls_at_once_are_answered_each_with_its_own(channel):
    echo = unary(channel, "Unary")
    requests = [b"%d" % number for number in range(300)]
    assert await asyncio.gather(*(echo(request) for request in requests)) == requests


async def test_a_stream_is_answered_in_order(channel):
    answers = [answer async for answer in counting(channel, name=next(names), messages=300, size=0)]
    assert answers == [b"%d" % number for number in range(300)]


async def test_a_stream_of_nothing_ends_well(channel):
    assert [answer async for answer in counting(channel, name=next(names), messages=0, size=0)] == []


async def test_a_streamed_request_is_read_to_its_end(channel):
    sizes = [0, 1, 70_000, 5, 99_999, 0]
    got = await channel.stream_unary("/test.Echo/Collect")(b"x" * size for size in sizes)
    assert json.loads(got) == sizes


async def test_a_streamed_request_may_be_empty(channel):
    assert json.loads(await channel.stream_unary("/test.Echo/Collect")(iter(()))) == []


async def test_a_streamed_request_may_be_answered_before_it_ends(channel):
    call = channel.stream_unary("/test.Echo/First")()
    await call.write(b"one")
    assert await asyncio.wait_for(call, 30) == b"one"


async def test_both_sides_stream_in_turns_and_a_half_closed_stream_is_answered_on(channel):
    call = channel.stream_stream("/test.Echo/Chat")()
    for word in (b"a", b"b" * 50_000):
        await call.write(word)
        assert await call.read() == b"you said " + word
    await call.done_writing()
    assert [await call.read(), await call.read()] == [b"bye", EOF]
    assert await call.code() is StatusCode.OK


async def test_a_handler_learns_metadata_peer_and_deadline(channel):
    sent = [("k", "v"), ("k", "w"), ("raw-bin", b"\0\1"), ("raw-bin", bytes(range(256))), ("empty-bin", b"")]
    told = json.loads(await unary(channel, "Tell")(b"", metadata=sent, timeout=20))
    agent = told["metadata"].pop("user-agent")
    assert agent.startswith("grpc-python-asyncio/")
    assert told["metadata"] == {"k": "w", "raw-bin": bytes(range(256)).hex(), "empty-bin": ""}
    assert told["peer"].startswith("ipv4:127.0.0.1:")
    assert 15 < told["time_left"] <= 20.1
    assert json.loads(await unary(channel, "Tell")(b""))["time_left"] is None


async def test_an_error_arrives_with_its_details_though_nothing_was_sent(channel):
    got = refusal(await failed(unary(channel, "Fail")(b"")))
    assert (got.code, got.message) == (StatusCode.INVALID_ARGUMENT, "100 % wrong: ü")
    assert got.paths == ["a.b"]


async def test_an_error_arrives_with_its_details_after_messages(channel):
    call = counting(channel, name=next(names), messages=2, size=1, fail=True)
    assert [await call.read(), await call.read()] == [b"0.", b"1."]
    got = refusal(await failed(call.read()))
    assert (got.code, got.reason, got.message) == (StatusCode.UNAVAILABLE, "UNAVAILABLE", "no more of it")


async def test_what_nobody_expected_says_nothing_of_itself(channel):
    got = refusal(await failed(unary(channel, "Fail")(b"unknown")))
    assert (got.code, got.message) == (StatusCode.INTERNAL, "internal error")


async def test_a_handler_that_cancels_itself_ends_its_call(channel):
    assert (await failed(unary(channel, "Fail")(b"cancelled"))).code() is StatusCode.CANCELLED


@pytest.mark.parametrize("path", ["/test.Echo/Nothing", "/no.such.Service/Unary", "/"], ids=str)
async def test_a_method_that_is_not_there_is_unimplemented(channel, path):
    error = await failed(channel.unary_unary(path)(b""))
    assert (error.code(), error.details()) == (StatusCode.UNIMPLEMENTED, "Method not found!")


async def test_a_message_beyond_the_limit_is_refused_and_the_connection_goes_on(channel):
    for call in (unary(channel, "Unary"), channel.stream_unary("/test.Echo/Collect")):
        large = b"x" * 1_000_000
        error = await failed(call(large if isinstance(call, aio.UnaryUnaryMultiCallable) else iter([b"", large])))
        assert error.code() is StatusCode.RESOURCE_EXHAUSTED
        assert error.details() == "SERVER: Received message larger than max (1000000 vs. 100000)"
    assert await unary(channel, "Unary")(b"x") == b"x"


async def test_a_small_message_that_becomes_large_is_refused(channel):
    error = await failed(unary(channel, "Unary")(b"\0" * 50_000_000, compression=grpc.Compression.Gzip))
    assert error.code() is StatusCode.RESOURCE_EXHAUSTED
    assert error.details() == "SERVER: Received message larger than max (more than 100000 vs. 100000)"


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate], ids=str)
async def test_compressed_requests_are_read(channel, compression):
    assert await unary(channel, "Unary")(b"zip" * 10_000, compression=compression) == b"zip" * 10_000
    messages = [b"a" * 5_000, b"", b"b" * 70_000]
    call = channel.stream_stream("/test.Echo/Chat", request_serializer=None)(iter(messages), compression=compression)
    answers = [answer async for answer in call]
    assert answers == [*(b"you said " + message for message in messages), b"bye"]


async def test_the_server_ends_a_call_at_its_deadline_and_its_handler_sees_that(channel):
    name = next(names)
    error = await failed(unary(channel, "Hang")(name.encode(), timeout=1.0))
    assert error.code() is StatusCode.DEADLINE_EXCEEDED
    await until(channel, lambda saw: saw.get(f"{name} cancelled True"))


async def test_a_handler_is_cancelled_when_its_caller_goes(channel):
    name = next(names)
    call = unary(channel, "Hang")(name.encode())
    await until(channel, lambda saw: saw.get(f"{name} hangs"))
    call.cancel()
    await until(channel, lambda saw: saw.get(f"{name} cancelled True"))


async def test_calls_that_are_taken_back_at_once_leave_nothing_behind(channel):
    for _ in range(50):
        call = unary(channel, "Hang")(b"taken back")
        await asyncio.sleep(0)
        call.cancel()
    await until(channel, lambda saw: saw["in flight"] == 1)


async def test_a_stream_that_says_nothing_learns_that_its_caller_went(channel):
    name = next(names)
    call = counting(channel, name=name, messages=1, size=0, hang=True)
    await call.read()
    call.cancel()
    await until(channel, lambda saw: saw.get(f"{name} over"))


async def test_a_cut_connection_ends_every_call_on_it(address, channel):
    lost = [next(names) for _ in range(20)]
    async with connected(address) as other:
        calls = [counting(other, name=name, messages=2, size=0, hang=True) for name in lost]
        for call in calls:
            await call.read()
        chat = other.stream_stream("/test.Echo/Chat")()
        await chat.write(b"a")
        await chat.read()
        await until(channel, lambda saw: saw["in flight"] == 22)
    await until(channel, lambda saw: all(saw.get(f"{name} over") for name in lost))
    await until(channel, lambda saw: saw["in flight"] == 1)


async def test_a_peer_that_does_not_read_holds_its_stream_up_and_nobody_else(address, channel):
    name = next(names)
    async with connected(address, NARROW) as slow:
        call = counting(slow, name=name, messages=1000, size=50_000)
        await call.read()
        sent = -1
        async with asyncio.timeout(60):
            while (now := (await seen(channel))[f"{name} sent"]) != sent:
                sent = now
                await asyncio.sleep(0.3)
        assert sent < 400
        assert await unary(channel, "Unary")(b"x") == b"x"
        assert len(await rest(call)) == 999


async def test_a_stream_that_waits_for_its_peer_can_be_ended_and_says_so_when_it_is_read(address, channel):
    async with connected(address, NARROW) as slow:
        call = slow.unary_stream("/test.Echo/Stall")(b"0.5")
        await call.read()
        await until(channel, lambda saw: saw.get("Stall UNAVAILABLE"))
        got = refusal(await failed(rest(call)))
    assert (got.code, got.message) == (StatusCode.UNAVAILABLE, "nothing was read")
