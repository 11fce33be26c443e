"""What a caller may send before the body of an HTTP request, and how it is answered."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from airegistry._rpc.http_server import MAX_HEAD_BYTES, open_http_server
from airegistry._rpc.listening import listen_on
from airegistry._rpc.process import owned_tasks


async def echo(request):
    return PlainTextResponse(str(len(await request.body())))


@asynccontextmanager
async def serving(**settings):
    async with owned_tasks() as tasks:
        app = Starlette(routes=[Route("/", echo, methods=["POST"])])
        server = await open_http_server(app, [listen_on("127.0.0.1:0")], tasks, **settings)
        host, _, port = server.addresses[0].rpartition(":")
        yield lambda: asyncio.open_connection(host, int(port))
        await server.close(0)


@pytest.fixture
async def connect():
    async with serving() as connect:
        yield connect


@pytest.mark.parametrize("piece", [b"x: 1\r\n" * 2_000, b"a" * 10_000], ids=["ever-more-headers", "one-without-an-end"])
async def test_a_head_without_an_end_is_cut(connect, piece):
    _, writer = await connect()
    writer.write(b"POST / HTTP/1.1\r\nhost: x\r\nx-long: ")
    sent = 0
    while sent < 100 * MAX_HEAD_BYTES and not writer.is_closing():
        writer.write(piece)
        sent += len(piece)
        # The server shares this loop.
        await asyncio.sleep(0.001)
    assert MAX_HEAD_BYTES < sent < 100 * MAX_HEAD_BYTES
    writer.close()


async def test_a_large_body_and_requests_on_one_connection_are_no_head(connect):
    reader, writer = await connect()
    for size in (1_000_000, 3, 200_000):
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % size + b"b" * size)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"200 OK" in head
        assert await reader.readexactly(len(str(size))) == str(size).encode()
    writer.close()


async def test_an_answer_is_whole_before_its_connection_is_closed(connect):
    reader, writer = await connect()
    writer.write(b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\nbb")
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n2")
    writer.close()


async def test_an_old_connection_is_closed_after_an_answer_that_says_so():
    request = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nbb"
    async with serving(age=0.0) as connect:
        reader, writer = await connect()
        writer.write(request)
        async with asyncio.timeout(20):
            answer = await reader.read()
        assert b"\r\nconnection: close\r\n" in answer
        assert answer.endswith(b"\r\n\r\n2")
        writer.close()
    async with serving(age=1_000.0) as connect:
        reader, writer = await connect()
        for _ in range(2):
            writer.write(request)
            assert b"connection" not in await reader.readuntil(b"\r\n\r\n2")
        writer.close()
