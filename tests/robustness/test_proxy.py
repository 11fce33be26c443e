"""The proxy is as bad as it is told to be, and no worse."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from tests.ports import free_address
from tests.robustness.proxy import BLACKHOLE, DOWN, FINE, HALF_OPEN, Network, proxy
from tests.waiting import until

BROKEN = (ConnectionError, asyncio.IncompleteReadError)
DEAF = Network(swallow_up=True)


@asynccontextmanager
async def echo():
    """Send back what comes, and count it."""
    received = bytearray()

    async def answer(reader, writer):
        try:
            while data := await reader.read(1 << 16):
                received.extend(data)
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
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


@asynccontextmanager
async def connected(bad):
    host, _, port = bad.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()


async def answered(reader, writer, data=b"hello", seconds=20.0):
    writer.write(data)
    async with asyncio.timeout(seconds):
        return await reader.readexactly(len(data))


async def silent(reader, seconds=0.3):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(seconds):
            await reader.read(1)
    return True


async def vanished(reader, received, *, arrives):
    """See that nothing comes back, though what was lost on the way back *arrives*: however busy the machine is."""
    if arrives:
        await until(lambda: received.endswith(b"lost"))
    assert await silent(reader)
    assert received.endswith(b"lost") is arrives


async def works(bad):
    async with connected(bad) as (reader, writer):
        return await answered(reader, writer) == b"hello"


async def test_a_fine_network_passes_everything_on(line):
    bad, _ = line
    async with connected(bad) as (reader, writer):
        data = bytes(range(256)) * 4096
        assert await answered(reader, writer, data) == data
        assert bad.connections == 1
    await until(lambda: bad.connections == 0)


async def test_an_end_is_passed_on_and_what_was_on_its_way_comes_before(line):
    bad, _ = line
    bad.set(Network(delay=0.05))
    async with connected(bad) as (reader, writer):
        writer.write(b"last words")
        writer.write_eof()
        async with asyncio.timeout(20):
            assert await reader.read() == b"last words"


async def test_a_cut_is_felt_at_once_and_the_next_connection_works(line):
    bad, _ = line
    async with connected(bad) as (reader, writer):
        await answered(reader, writer)
        assert bad.cut() == 1
        with pytest.raises(BROKEN):
            await answered(reader, writer)
    assert await works(bad)


async def test_a_network_that_is_down_resets_what_is_open_and_refuses_what_is_new(line):
    bad, _ = line
    async with connected(bad) as (reader, writer):
        await answered(reader, writer)
        bad.set(DOWN)
        with pytest.raises(BROKEN):
            await answered(reader, writer)
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            await works(bad)
    bad.set(FINE)
    assert await works(bad)


async def test_without_a_server_connections_are_reset():
    with proxy(free_address()) as bad, pytest.raises(BROKEN):
        await works(bad)


@pytest.mark.parametrize(
    "network",
    [
        pytest.param(BLACKHOLE, id="blackhole"),
        pytest.param(HALF_OPEN, id="answers-vanish"),
        pytest.param(DEAF, id="requests-vanish"),
    ],
)
async def test_without_a_server_nobody_hears_of_that_while_things_vanish(network):
    with proxy(free_address()) as bad:
        bad.set(network)
        async with connected(bad) as (reader, writer):
            writer.write(b"lost")
            assert await silent(reader)


@pytest.mark.parametrize(
    ("network", "arrives"),
    [
        pytest.param(BLACKHOLE, False, id="blackhole"),
        pytest.param(HALF_OPEN, True, id="answers-vanish"),
        pytest.param(DEAF, False, id="requests-vanish"),
    ],
)
class TestSwallowing:
    async def test_bytes_vanish_and_the_connection_stays(self, line, network, arrives):
        bad, received = line
        async with connected(bad) as (reader, writer):
            await answered(reader, writer)
            bad.set(network)
            writer.write(b"lost")
            await vanished(reader, received, arrives=arrives)

    async def test_connections_are_taken(self, line, network, arrives):
        bad, received = line
        bad.set(network)
        async with connected(bad) as (reader, writer):
            writer.write(b"lost")
            await vanished(reader, received, arrives=arrives)

    async def test_a_connection_that_lost_something_is_reset_when_the_network_is_fine_again(
        self, line, network, arrives
    ):
        del arrives
        bad, _ = line
        async with connected(bad) as (reader, writer), connected(bad) as (quiet, quietly):
            await answered(reader, writer)
            await answered(quiet, quietly)
            bad.set(network)
            writer.write(b"lost")
            await until(lambda: bad.lossy == 1)
            assert await silent(reader)
            bad.set(FINE)
            with pytest.raises(BROKEN):
                await answered(reader, writer)
            assert await answered(quiet, quietly) == b"hello"


async def test_a_server_that_dies_behind_a_black_hole_is_not_heard_of():
    async with echo() as (address, _):
        with proxy(address) as front, proxy(front.address) as bad:
            async with connected(bad) as (reader, writer):
                await answered(reader, writer)
                bad.set(BLACKHOLE)
                front.set(DOWN)
                assert await silent(reader)
                assert bad.connections == 1
                bad.set(FINE)
                with pytest.raises(BROKEN):
                    await answered(reader, writer)


async def test_a_server_that_dies_while_its_answers_vanish_is_not_heard_of():
    async with echo() as (address, _):
        with proxy(address) as front, proxy(front.address) as bad:
            async with connected(bad) as (reader, writer):
                await answered(reader, writer)
                bad.set(HALF_OPEN)
                front.set(DOWN)
                for _ in range(5):
                    writer.write(b"is anybody there")
                    assert await silent(reader, 0.05)
            async with connected(bad) as (reader, writer):
                writer.write(b"and now")
                assert await silent(reader)


async def test_a_delay_holds_bytes_up_and_leaves_the_line_wide(line):
    bad, _ = line
    now = asyncio.get_running_loop().time
    async with connected(bad) as (reader, writer):
        bad.set(Network(delay=0.2, jitter=0.02))
        started = now()
        assert await answered(reader, writer, b"slowly") == b"slowly"
        assert now() - started >= 0.4
        # One chunk after the other would take minutes.
        bad.set(Network(delay=1, jitter=0.02))
        data = bytes(range(256)) * 16_000
        assert await answered(reader, writer, data, seconds=40) == data


async def test_what_was_held_up_comes_when_the_network_is_fine_again(line):
    bad, _ = line
    async with connected(bad) as (reader, writer):
        bad.set(Network(delay=3600))
        writer.write(b"hello")
        assert await silent(reader)
        bad.set(FINE)
        async with asyncio.timeout(20):
            assert await reader.readexactly(5) == b"hello"


async def test_a_rate_lets_bytes_drip(line):
    bad, _ = line
    async with connected(bad) as (reader, writer):
        bad.set(Network(rate=1000))
        writer.write(bytes(10_000))
        async with asyncio.timeout(8):
            first = await reader.read(1 << 16)
        assert 0 < len(first) < 1000
        bad.set(FINE)
        async with asyncio.timeout(20):
            await reader.readexactly(10_000 - len(first))


async def test_a_sender_waits_when_too_much_is_on_its_way(line):
    bad, received = line
    bad.set(Network(delay=3600))
    async with connected(bad) as (_, writer):
        # More than the buffers of systems on the way take.
        writer.write(bytes(64 << 20))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.drain(), 2)
        assert not received


@pytest.mark.parametrize("count", [0, 3, 5])
async def test_a_connection_is_cut_in_the_middle_of_an_answer(line, count):
    bad, received = line
    async with connected(bad) as (reader, writer):
        bad.cut_after(count)
        writer.write(b"hello")
        with pytest.raises(BROKEN) as caught:
            await reader.readexactly(6)
        assert received == b"hello"
        if isinstance(caught.value, asyncio.IncompleteReadError):
            assert caught.value.partial == b"hello"[:count]
    assert await works(bad)


async def test_a_connection_is_cut_in_the_middle_of_a_request(line):
    bad, received = line
    async with connected(bad) as (reader, writer):
        bad.cut_after(3, up=True)
        writer.write(b"hello")
        with pytest.raises(BROKEN):
            await reader.readexactly(5)
        await until(lambda: received == b"hel")
    assert await works(bad)


async def test_a_busy_test_does_not_stop_it(line):
    bad, _ = line
    async with echo() as (address, _):
        with proxy(address) as other:
            assert other.address != bad.address
            # Both ends of `other` are in the loop that this blocks; `set` is answered all the same.
            for network in (Network(delay=1), BLACKHOLE, DOWN, FINE):
                other.set(network)
            assert await works(other)


async def test_closing_resets_what_is_open_in_any_state():
    async with echo() as (address, _):
        for network in (FINE, BLACKHOLE, Network(delay=3600), Network(rate=1)):
            with proxy(address) as bad:
                bad.set(network)
                async with connected(bad) as (reader, writer):
                    writer.write(b"hello")
                    await until(lambda bad=bad: bad.connections == 1)
                    bad.close()
                    with pytest.raises(BROKEN):
                        await reader.readexactly(6)
                assert not bad._thread.is_alive()


async def test_closing_ends_what_was_just_taken():
    for _ in range(20):
        with proxy("127.0.0.1:1") as bad:
            bad.set(BLACKHOLE)
            host, _, port = bad.address.rpartition(":")
            opened = [asyncio.create_task(asyncio.open_connection(host, int(port))) for _ in range(20)]
            await asyncio.sleep(0)
        for outcome in await asyncio.gather(*opened, return_exceptions=True):
            if isinstance(outcome, tuple):
                outcome[1].close()
        assert bad.connections == 0
        assert not bad._thread.is_alive()
