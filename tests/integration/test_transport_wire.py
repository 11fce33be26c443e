"""What providers put on the wire, properly and not, and what becomes of the connection."""

import asyncio
import gzip
import zlib

import pytest

from airegistry.errors import MalformedAnswerError, ProviderConnectionError
from airegistry.invoke.transport import TransportSettings, open_transport
from tests.scripted import OK, PATIENCE, WHOLE, asked, body_of, says, wire


@pytest.mark.parametrize(
    ("answer", "close"),
    [
        pytest.param(WHOLE, False, id="length"),
        pytest.param(OK + b"transfer-encoding: chunked\r\n\r\n2\r\ndo\r\n2;x=y\r\nne\r\n0\r\n\r\n", False, id="chunks"),
        pytest.param(
            OK + b"Transfer-Encoding: Chunked\r\n\r\n4\r\ndone\r\n0\r\nX-After: y\r\n\r\n", False, id="trailers"
        ),
        pytest.param(OK + b"\r\ndone", True, id="until-the-end"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\ndone", True, id="http-1.0"),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\n" + WHOLE, False, id="interim"
        ),
        pytest.param(OK + b"content-encoding: gzip\r\n\r\n" + gzip.compress(b"done"), True, id="gzip"),
        pytest.param(OK + b"content-encoding: deflate\r\n\r\n" + zlib.compress(b"done"), True, id="deflate"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False], ids=["at-once", "byte-by-byte"])
async def test_every_proper_way_to_end_an_answer_is_understood(answer, close, at_once):
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked(reader)
        for i in range(0, len(answer), len(answer) if at_once else 1):
            writer.write(answer[i : i + (len(answer) if at_once else 1)])
            await writer.drain()
            await asyncio.sleep(0)
        if not close:
            await reader.read()

    async with wire(script) as up, open_transport() as transport:
        assert await body_of(transport, up.url) == b"done"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(b"", "before the answer", id="nothing"),
        pytest.param(OK + b"content-le", "before the answer", id="half-a-head"),
        pytest.param(OK + b"content-length: 9\r\n\r\ndone", "in the middle", id="short-of-its-length"),
        pytest.param(OK + b"transfer-encoding: chunked\r\n\r\n4\r\ndone\r\n", "in the middle", id="no-last-chunk"),
    ],
)
async def test_an_answer_that_is_cut_is_not_whole(answer, words):
    async with wire(says(answer, close=True)) as up, open_transport() as transport:
        with pytest.raises(ProviderConnectionError, match=words) as caught:
            await body_of(transport, up.url)
    assert caught.value.metadata == {"connection": "reset"}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="another-protocol"),
        pytest.param(b"HTTP/1.1 two hundred\r\n\r\n", id="no-status"),
        pytest.param(OK + b"content-length: many\r\n\r\n", id="no-length"),
        pytest.param(OK + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", id="two-lengths"),
        pytest.param(OK + b"transfer-encoding: chunked\r\n\r\nxyz\r\n", id="no-chunk"),
        pytest.param(b"HTTP/1.1 101 Yes\r\nupgrade: ws\r\nconnection: upgrade\r\n\r\n", id="upgrade"),
    ],
)
async def test_what_is_not_http_is_an_error_and_the_connection_is_closed(answer):
    async with wire(says(answer)) as up, open_transport() as transport:
        with pytest.raises(ProviderConnectionError, match="proper HTTP"):
            await body_of(transport, up.url)
        await asyncio.wait_for(up.ended.wait(), PATIENCE)


async def test_headers_without_end_are_refused():
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked(reader)
        writer.write(OK + b"x-long: ")
        while True:
            writer.write(b"x" * 4096)
            await writer.drain()

    async with wire(script) as up, open_transport() as transport:
        with pytest.raises(ProviderConnectionError, match="headers have more than"):
            await body_of(transport, up.url)
        await asyncio.wait_for(up.ended.wait(), PATIENCE)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"content-encoding: gzip\r\n\r\nnot compressed", id="not-compressed"),
        pytest.param(b"content-encoding: gzip\r\n\r\n" + gzip.compress(b"done" * 99)[:-12], id="cut"),
        pytest.param(b"content-encoding: br\r\n\r\nwhatever", id="unknown"),
    ],
)
async def test_a_body_that_cannot_be_decompressed_is_malformed(body):
    async with wire(says(OK + body, close=True)) as up, open_transport() as transport:
        with pytest.raises(MalformedAnswerError, match="compress"):
            await body_of(transport, up.url)


async def test_a_compressed_body_that_comes_at_once_is_read_to_its_end():
    words = b"done" * 2**18
    packed = gzip.compress(words)
    answer = OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed) + packed
    async with wire(says(answer)) as up, open_transport() as transport:
        assert await body_of(transport, up.url) == words


async def test_a_compressed_body_of_the_stated_length_may_still_end_too_early():
    cut = gzip.compress(b"done" * 99)[:-12]
    answer = OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(cut) + cut
    async with wire(says(answer)) as up, open_transport() as transport:
        with pytest.raises(MalformedAnswerError, match="ends too early"):
            await body_of(transport, up.url)


async def test_a_small_body_cannot_become_a_huge_one():
    bomb = gzip.compress(bytes(200 * 2**20))
    settings = TransportSettings(max_answer_bytes=2**20)
    async with wire(says(OK + b"content-encoding: gzip\r\n\r\n" + bomb)) as up, open_transport(settings) as transport:
        with pytest.raises(MalformedAnswerError, match="more than"):
            await body_of(transport, up.url)
