"""The demo backend under load, when clients disconnect, and when it ends."""

import asyncio
import json
import signal
import sys
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import openai
import pytest

from demo_backend.server import serve
from demo_backend.settings import Settings
from tests.demo_backends import ASK, EMBED, FAST, Http, chat, connect, open_http, texts_of

SLOW = Settings(port=0, token_delay=0.5, drain=0.0)


# One server for the whole file: it has to stay healthy whatever the tests before did to it.
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def wait_for_running(http: Http, count: int) -> None:
    """Wait until *count* answers are being written; for less than a token takes where that is a minute."""
    async with asyncio.timeout(30):
        while (await http.get("/health")).json()["running"] != count:  # noqa: ASYNC110 - it says so only when it is asked
            await asyncio.sleep(0.005)


async def test_beyond_the_limit_requests_are_told_to_come_back():
    settings = Settings(port=0, token_delay=0.5, max_running=1, drain=0.0)
    async with (
        serve(settings) as url,
        connect(url) as sdk,
        open_http(url) as http,
    ):
        stream = await sdk.chat.completions.create(**ASK, stream=True)
        for ask in (chat(), chat(stream=True)):
            reply = await http.post("/v1/chat/completions", ask)
            assert reply.status == 429
            assert int(reply.headers["Retry-After"]) >= 1
            assert reply.json()["error"]["type"] == "rate_limit_error"
        await stream.close()
        await wait_for_running(http, 0)
        assert (await http.post("/v1/embeddings", EMBED)).status == 200


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "unary"])
async def test_generation_stops_when_its_client_disconnects(stream):
    async with serve(replace(SLOW, token_delay=60.0)) as url, open_http(url) as http:
        host, port = url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(request_bytes(chat(stream=stream, max_tokens=None)))
        await wait_for_running(http, 1)
        writer.transport.abort()
        # The pause before a token is cut short.
        await wait_for_running(http, 0)


def request_bytes(body: Mapping[str, Any]) -> bytes:
    content = json.dumps(body).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


async def test_a_cut_anywhere_in_a_request_leaves_the_server_healthy(url, http, sdk):
    host, port = url.removeprefix("http://").split(":")
    request = request_bytes(chat(stream=True))
    for cut in range(len(request) + 1):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(request[:cut])
        await writer.drain()
        writer.transport.abort()
    await wait_for_running(http, 0)
    assert (await sdk.chat.completions.create(**ASK)).choices[0].message.content


async def test_a_cut_anywhere_in_an_answer_leaves_the_server_healthy(url, http, sdk):
    host, port = url.removeprefix("http://").split(":")
    for cut in range(1, 6000, 97):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request_bytes(chat(stream=True)))
        await reader.readexactly(cut)
        writer.transport.abort()
    await wait_for_running(http, 0)
    assert (await sdk.chat.completions.create(**ASK)).choices[0].message.content


async def test_a_server_that_closes_does_not_end_a_cut_stream_as_if_it_were_whole():
    async with connect_after_serving(SLOW) as (sdk, closing):
        stream = await sdk.chat.completions.create(**chat(stream=True, max_tokens=None))
        closing.set()
        with pytest.raises(openai.APIError, match="shutting down"):
            await texts_of(stream)


async def test_a_server_that_closes_lets_short_answers_finish():
    settings = Settings(port=0, token_delay=0.05, drain=5.0)
    async with connect_after_serving(settings) as (sdk, closing):
        stream = await sdk.chat.completions.create(**chat(stream=True, max_tokens=4))
        closing.set()
        assert await texts_of(stream)


@asynccontextmanager
async def connect_after_serving(settings: Settings):
    """Yield a client of a server, and the event that makes the server close."""
    closing = asyncio.Event()
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def run() -> None:
        async with serve(settings) as url:
            address.set_result(url)
            await closing.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run())
        async with connect(await address) as sdk:
            yield sdk, closing


async def test_a_server_leaves_signals_to_the_process_it_runs_in():
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    async with serve(FAST):
        assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)] == before


async def test_two_servers_cannot_share_an_address(url):
    with pytest.raises(OSError, match="in use"):
        async with serve(Settings(port=int(url.rpartition(":")[2]))):
            pass


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
async def test_the_process_says_where_it_is_and_ends_cleanly_on_a_signal(signal_):
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "demo_backend", "--port", "0", stdout=pipe, stderr=pipe
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    url = next(word for word in line.split() if word.startswith("http://"))
    async with open_http(url) as http:
        assert (await http.get("/health")).json()["status"] == "ok"
    process.send_signal(signal_)
    out, err = await process.communicate()
    assert (process.returncode, out, err) == (0, b"", b"")
