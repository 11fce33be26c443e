"""What providers put on the wire, properly and not, and what becomes of the connection."""

import asyncio
import gzip
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import trustme

from airegistry.dialects.exchange import HttpCall
from airegistry.errors import MalformedAnswerError, ProviderConnectionError, ProviderError, ProviderTimeoutError
from airegistry.invoke.transport import Reply, Transport, TransportSettings, open_transport
from tests.ports import free_address

OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = OK + b"content-length: 4\r\n\r\ndone"

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Wire:
    """A provider that says bytes. It counts connections, and notes when one ended."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.connections = 0
        self.ended = asyncio.Event()
        self.url = ""
        self._serving: set[asyncio.Task[None]] = set()

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._serving.add(asyncio.ensure_future(self._serve(reader, writer)))

    async def close(self) -> None:
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._script(reader, writer)
        except ConnectionError:
            pass
        finally:
            self.ended.set()
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def wire(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    made = Wire(script)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    made.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield made
        await made.close()


def says(*answers: bytes, close: bool = False) -> Script:
    """Answer each request with the next of *answers*, and close after the last if so told."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await asked(reader)
            writer.write(answer)
            await writer.drain()
        if not close:
            await reader.read()

    return script


async def asked(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0]))


def call(url: str, body: bytes = b"{}") -> HttpCall:
    return HttpCall("POST", f"{url}/chat", {"content-type": "application/json"}, body)


async def body_of(transport: Transport, url: str) -> bytes:
    async with transport.send(call(url), connect_timeout=1) as reply:
        return await reply.body()


async def rest_of(reply: Reply) -> bytes:
    parts = []
    while part := await reply.chunk():
        parts.append(part)
    return b"".join(parts)


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
        await asyncio.wait_for(up.ended.wait(), 5)


async def test_a_connection_serves_the_next_call_too():
    """The provider keeps its connection; a stream that was read to its end gives it back."""
    chunked = OK + b"transfer-encoding: chunked\r\n\r\n4\r\ndone\r\n0\r\n\r\n"
    async with wire(says(chunked, chunked, chunked)) as up, open_transport() as transport:
        for _ in range(3):
            async with transport.send(call(up.url), connect_timeout=1) as reply:
                assert await reply.chunk() == b"done"
                await reply.drain()
    assert up.connections == 1


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
        await asyncio.wait_for(up.ended.wait(), 5)


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
        await asyncio.wait_for(up.ended.wait(), 5)
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
        await asyncio.wait_for(up.ended.wait(), 5)
        await asyncio.sleep(0.05)
        assert await body_of(transport, up.url) == b"done"


async def test_a_connection_that_nobody_uses_is_closed():
    settings = TransportSettings(keep_alive=0.05)
    async with wire(says(WHOLE, WHOLE)) as up, open_transport(settings) as transport:
        await body_of(transport, up.url)
        await asyncio.wait_for(up.ended.wait(), 5)


async def test_no_more_connections_than_allowed_and_idle_ones_make_room():
    settings = TransportSettings(max_connections=1)
    async with (
        wire(says(OK + b"content-length: 4\r\n\r\n")) as slow,
        wire(says(WHOLE)) as quick,
        open_transport(settings) as transport,
    ):
        assert await body_of(transport, quick.url) == b"done"
        async with transport.send(call(slow.url), connect_timeout=1):
            assert quick.ended.is_set() or await asyncio.wait_for(quick.ended.wait(), 5)
            with pytest.raises(ProviderConnectionError, match="in use"):
                await body_of(transport, quick.url)


async def test_a_long_request_stops_when_its_answer_comes():
    """The provider refuses after the head, and reads no further: that must not hang."""

    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        await writer.drain()
        await asyncio.sleep(1)

    async with wire(refusing) as up, open_transport() as transport, asyncio.timeout(5):
        for _ in range(2):
            async with transport.send(call(up.url, b"x" * 50_000_000), connect_timeout=1) as reply:
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
        async with transport.send(call(up.url), connect_timeout=1) as reply:
            seen, before = 0, -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.1)
            assert sent < 32 * 2**20
            while seen <= before:
                seen += len(await reply.chunk())
        await asyncio.wait_for(up.ended.wait(), 5)


async def test_a_caller_that_waits_may_give_up_and_wait_again():
    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked(reader)
        writer.write(OK + b"content-length: 4\r\n\r\n")
        await asyncio.sleep(0.1)
        writer.write(b"done")
        await reader.read()

    async with (
        wire(late) as up,
        open_transport() as transport,
        transport.send(call(up.url), connect_timeout=1) as reply,
    ):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await reply.chunk()
        assert await rest_of(reply) == b"done"


async def test_giving_up_closes_the_connection():
    async with wire(says(OK + b"content-length: 4\r\n\r\n")) as up, open_transport() as transport:
        async with transport.send(call(up.url), connect_timeout=1):
            pass
        await asyncio.wait_for(up.ended.wait(), 0.1)


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


async def test_a_small_body_cannot_become_a_huge_one():
    bomb = gzip.compress(bytes(200 * 2**20))
    settings = TransportSettings(max_answer_bytes=2**20)
    async with wire(says(OK + b"content-encoding: gzip\r\n\r\n" + bomb)) as up, open_transport(settings) as transport:
        with pytest.raises(MalformedAnswerError, match="more than"):
            await body_of(transport, up.url)


async def test_a_certificate_of_nobody_that_is_known_is_not_trusted():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with wire(says(WHOLE), context) as up, open_transport() as transport:
        with pytest.raises(ProviderConnectionError, match="cannot trust the certificate") as caught:
            await body_of(transport, up.url)
    # Another attempt would end the same.
    assert caught.value.metadata == {}


async def test_over_tls_calls_share_a_connection(monkeypatch, tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with wire(says(WHOLE, WHOLE), context) as up, open_transport() as transport:
        for _ in range(2):
            assert await body_of(transport, up.url) == b"done"
    assert up.connections == 1


async def test_tls_with_somebody_who_speaks_none_fails_in_our_words():
    async with wire(says(WHOLE, close=True)) as up, open_transport() as transport:
        with pytest.raises(ProviderError) as caught:
            await body_of(transport, up.url.replace("http:", "https:"))
    assert isinstance(caught.value, ProviderConnectionError | ProviderTimeoutError)


async def test_that_nobody_listens_is_said():
    async with open_transport() as transport:
        with pytest.raises(ProviderConnectionError, match=": Connection refused") as caught:
            await body_of(transport, f"http://{free_address()}")
    assert caught.value.metadata == {}
