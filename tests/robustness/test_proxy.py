"""The proxy is as bad as it is told to be, and no worse."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from tests.robustness.proxy import BLACKHOLE, DOWN, FINE, HALF_OPEN, Network, proxy


@asynccontextmanager
async def echo():
    """Send back what comes, and count it."""
    received = bytearray()

    async def answer(reader, writer):
        while data := await reader.read(1 << 16):
            received.extend(data)
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", received
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def line():
    async with echo() as (address, received):
        with proxy(address) as bad:
            yield bad, received


async def connect(bad):
    host, _, port = bad.address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def answered(reader, writer, data=b"hello", seconds=20.0):
    writer.write(data)
    async with asyncio.timeout(seconds):
        return await reader.readexactly(len(data))


async def test_a_fine_network_passes_everything_on(line):
    bad, _ = line
    reader, writer = await connect(bad)
    data = bytes(range(256)) * 4096
    assert await answered(reader, writer, data) == data
    assert bad.connections == 1
    writer.close()


async def test_a_cut_is_felt_at_once_and_the_next_connection_works(line):
    bad, _ = line
    reader, writer = await connect(bad)
    await answered(reader, writer)
    assert await asyncio.to_thread(bad.cut) == 1
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await answered(reader, writer)
    reader, writer = await connect(bad)
    assert await answered(reader, writer) == b"hello"
    writer.close()


async def test_a_network_that_is_down_takes_no_connection(line):
    bad, _ = line
    bad.set(DOWN)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await answered(*await connect(bad))
    bad.set(FINE)
    reader, writer = await connect(bad)
    assert await answered(reader, writer) == b"hello"
    writer.close()


@pytest.mark.parametrize(("network", "arrives"), [(BLACKHOLE, False), (HALF_OPEN, True)])
async def test_bytes_vanish_and_the_connection_stays(line, network, arrives):
    bad, received = line
    reader, writer = await connect(bad)
    await answered(reader, writer)
    bad.set(network)
    with pytest.raises(TimeoutError):
        await answered(reader, writer, b"lost", seconds=0.3)
    assert received.endswith(b"lost") is arrives
    assert not reader.at_eof()
    writer.close()


async def test_delays_and_rates_hold_bytes_up_and_lose_none(line):
    bad, _ = line
    reader, writer = await connect(bad)
    started = asyncio.get_running_loop().time()
    bad.set(Network(delay=0.1, jitter=0.01, rate=1e6))
    assert await answered(reader, writer, b"slowly") == b"slowly"
    assert asyncio.get_running_loop().time() - started >= 0.2
    writer.close()


async def test_a_connection_is_cut_in_the_middle_of_an_answer(line):
    bad, _ = line
    reader, writer = await connect(bad)
    bad.cut_after(3)
    writer.write(b"hello")
    assert await reader.read(10) == b"hel"
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await answered(reader, writer)
