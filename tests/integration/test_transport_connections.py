"""The connections of the transport: kept, shared, closed, held back and given up."""

import asyncio

import pytest

from airegistry.errors import ProviderConnectionError
from airegistry.invoke.transport import TransportSettings, open_transport
from tests.scripted import OK, PATIENCE, WHOLE, asked, body_of, call, rest_of, says, wire


async def test_a_connection_serves_the_next_call_too():
    """The provider keeps its connection; a stream that was read to its end gives it back."""
    chunked = OK + b"transfer-encoding: chunked\r\n\r\n4\r\ndone\r\n0\r\n\r\n"
    async with wire(says(chunked, chunked, chunked)) as up, open_transport() as transport:
        for _ in range(3):
            async with transport.send(call(up.url), connect_timeout=PATIENCE) as reply:
                assert await reply.chunk() == b"done"
                await reply.drain()
    assert up.connections == 1


async def test_what_follows_an_answer_harms_no_other():
    """A provider that says more than it was asked: the answer counts, and nobody gets the rest as his own."""
    stray = WHOLE + OK + b"content-length: 4\r\n\r\nevil"
    async with wire(says(stray)) as up, open_transport() as transport:
        assert await body_of(transport, up.url) == b"done"
        assert await body_of(transport, up.url) == b"done"
    assert up.connections == 2


async def test_what_comes_between_two_calls_ends_the_connection():
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked(reader)
        writer.write(WHOLE)
        await asyncio.sleep(0.05)
        writer.write(OK)
        await reader.read()

    async with wire(script) as up, open_transport() as transport:
        assert await body_of(transport, up.url) == b"done"
        await asyncio.wait_for(up.ended.wait(), PATIENCE)
        assert await body_of(transport, up.url) == b"done"
    assert up.connections == 2


@pytest.mark.parametrize("header", [b"connection: close\r\n", b"Connection: Close\r\n"])
async def test_a_provider_that_will_close_is_not_called_again_there(header):
    answer = OK + header + b"content-length: 4\r\n\r\ndone"
    async with wire(says(answer)) as up, open_transport() as transport:
        for _ in range(2):
            assert await body_of(transport, up.url) == b"done"
    assert up.connections == 2


async def test_a_connection_that_the_provider_closed_is_not_used_again():
    async with wire(says(WHOLE, close=True)) as up, open_transport() as transport:
        assert await body_of(transport, up.url) == b"done"
        await asyncio.wait_for(up.ended.wait(), PATIENCE)
        await asyncio.sleep(0.05)
        assert await body_of(transport, up.url) == b"done"


async def test_a_connection_that_nobody_uses_is_closed():
    settings = TransportSettings(keep_alive=0.05)
    async with wire(says(WHOLE, WHOLE)) as up, open_transport(settings) as transport:
        await body_of(transport, up.url)
        await asyncio.wait_for(up.ended.wait(), PATIENCE)


async def test_no_more_connections_than_allowed_and_idle_ones_make_room():
    settings = TransportSettings(max_connections=1)
    async with (
        wire(says(OK + b"content-length: 4\r\n\r\n")) as slow,
        wire(says(WHOLE)) as quick,
        open_transport(settings) as transport,
    ):
        assert await body_of(transport, quick.url) == b"done"
        async with transport.send(call(slow.url), connect_timeout=PATIENCE):
            assert quick.ended.is_set() or await asyncio.wait_for(quick.ended.wait(), PATIENCE)
            with pytest.raises(ProviderConnectionError, match="in use"):
                await body_of(transport, quick.url)


async def test_a_long_request_stops_when_its_answer_comes():
    """The provider refuses after the head, and reads no further: that must not hang."""

    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        await writer.drain()
        await asyncio.sleep(1)

    async with wire(refusing) as up, open_transport() as transport, asyncio.timeout(60):
        for _ in range(2):
            async with transport.send(call(up.url, b"x" * 50_000_000), connect_timeout=PATIENCE) as reply:
                assert (reply.status, await reply.body()) == (413, b"no")
    assert up.connections == 2


async def test_a_reader_that_is_slow_holds_the_provider_back():
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await asked(reader)
        writer.write(OK + b"\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    async with wire(endless) as up, open_transport() as transport:
        async with transport.send(call(up.url), connect_timeout=PATIENCE) as reply:
            seen, before = 0, -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.1)
            assert sent < 32 * 2**20
            while seen <= before:
                seen += len(await reply.chunk())
        await asyncio.wait_for(up.ended.wait(), PATIENCE)


async def test_a_caller_that_waits_may_give_up_and_wait_again():
    gave_up = asyncio.Event()

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked(reader)
        writer.write(OK + b"content-length: 4\r\n\r\n")
        await gave_up.wait()
        writer.write(b"done")
        await reader.read()

    async with (
        wire(late) as up,
        open_transport() as transport,
        transport.send(call(up.url), connect_timeout=PATIENCE) as reply,
    ):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await reply.chunk()
        gave_up.set()
        assert await rest_of(reply) == b"done"


async def test_giving_up_closes_the_connection():
    async with wire(says(OK + b"content-length: 4\r\n\r\n")) as up, open_transport() as transport:
        async with transport.send(call(up.url), connect_timeout=PATIENCE):
            pass
        await asyncio.wait_for(up.ended.wait(), PATIENCE)
