"""HTTP pages inside a real Envoy: their applications learn that callers left, and are cancelled while they wait to send."""

import asyncio
from itertools import count

import aiohttp
import pytest

from tests.echo_servers import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

names = (f"page{number}" for number in count())


async def test_a_page_is_answered_in_parts_and_nobody_left(address, channel):
    name = next(names)
    async with aiohttp.ClientSession() as http, http.post(f"http://{address}/pages/{name}/3", data=b"abc") as answer:
        assert (answer.status, await answer.read()) == (200, b"abcabcabc")
    await until(channel, lambda saw: saw.get(f"{name} over"))


async def test_a_page_that_works_for_long_is_told_once_that_its_caller_left(address, channel):
    name = next(names)
    async with aiohttp.ClientSession() as http:
        asking = asyncio.ensure_future(http.post(f"http://{address}/pages/{name}/0", data=b"x"))
        await until(channel, lambda saw: saw.get(f"{name} begun"))
        asking.cancel()
    await until(channel, lambda saw: saw.get(f"{name} over"))
    await until(channel, lambda saw: saw.get(f"{name} http.disconnect") == 1 and f"{name} http.request" not in saw)


async def test_a_page_that_waits_for_its_caller_to_read_is_over_when_that_leaves(address, channel):
    name = next(names)
    async with aiohttp.ClientSession(read_bufsize=1) as http:
        async with http.post(f"http://{address}/pages/{name}/1000", data=b"." * 500_000) as answer:
            assert answer.status == 200
            await until(channel, lambda saw: saw.get(f"{name} sent"))
            await asyncio.sleep(0.2)
        await until(channel, lambda saw: saw.get(f"{name} over") and saw[f"{name} sent"] < 1000)


async def test_a_page_that_gives_up_while_it_waits_for_its_caller_to_read_leaves_nothing_behind(address, channel):
    name = f"brief{next(names)}"
    async with (
        aiohttp.ClientSession(read_bufsize=1) as http,
        http.post(f"http://{address}/pages/{name}/1000", data=b"." * 500_000),
    ):
        await until(channel, lambda saw: saw.get(f"{name} over") and saw[f"{name} sent"] < 1000)


async def test_a_caller_that_leaves_before_its_request_is_whole_leaves_nothing_behind(address, channel):
    host, _, port = address.rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /pages/cut/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.close()
    # Its end is seen by what the server logs, which is looked at when it ends.
    async with aiohttp.ClientSession() as http, http.post(f"http://{address}/pages/after/1", data=b"x") as answer:
        assert await answer.read() == b"x"
