"""The HTTP fronts as bytes on a connection: what proxies and odd clients send is taken, or refused, alike on every carrier."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest

from tests import catalogs, providers
from tests.planes import gateway_knowing
from tests.providers import Provider, provider

ASK = {"model": "m", "messages": [{"role": "user", "content": "Say something"}]}
BODY = json.dumps(ASK).encode()
CHAT = "POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\n"
MIB = 1024 * 1024


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self):
        return json.loads(self.body)["error"]["message"]


class Line:
    """One connection to the gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, up: Provider) -> None:
        self.reader = reader
        self.writer = writer
        self.up = up

    async def send(self, *parts: str | bytes) -> None:
        for part in parts:
            self.writer.write(part.encode() if isinstance(part, str) else part)
            # All of it may never be taken.
            await asyncio.wait_for(self.writer.drain(), 20)

    async def ask(self, *parts: str | bytes) -> Answer:
        await self.send(*parts)
        return await self.answer()

    async def head(self) -> tuple[int, dict[str, str]]:
        async with asyncio.timeout(20):
            first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        return int(first.split()[1]), {
            name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }

    async def answer(self, *, bodiless: bool = False) -> Answer:
        status, headers = await self.head()
        if bodiless:
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body = b"".join([chunk async for chunk in self._chunks()])
        elif "content-length" in headers:
            body = await self.reader.readexactly(int(headers["content-length"]))
        else:
            body = await self.reader.read()
        return Answer(status, headers, body)

    async def _chunks(self):
        while size := int(await self.reader.readline(), 16):
            yield await self.reader.readexactly(size)
            await self.reader.readline()
        await self.reader.readline()


@asynccontextmanager
async def line(folder, **settings):
    async with provider(providers.ok) as up:
        known = [*catalogs.served(up.url), catalogs.model("org~m"), catalogs.endpoint("a", up.url, model="org~m")]
        async with gateway_knowing(folder, known, **settings) as gateway:
            host, _, port = gateway.http_address.rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port), limit=MIB)
            try:
                yield Line(reader, writer, up)
            finally:
                writer.close()


def sized(body=BODY):
    return f"{CHAT}Content-Length: {len(body)}\r\n\r\n".encode() + body


def chunked(body, size):
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return [
        f"{CHAT}Transfer-Encoding: chunked\r\n\r\n",
        *(b"%x\r\n%b\r\n" % (len(part), part) for part in parts),
        b"0\r\n\r\n",
    ]


async def test_a_connection_carries_one_request_after_the_other(tmp_path):
    async with line(tmp_path) as gateway:
        for _ in range(3):
            assert (await gateway.ask(sized())).status == 200


async def test_requests_may_be_sent_before_the_answers_come(tmp_path):
    async with line(tmp_path) as gateway:
        await gateway.send(sized() + sized())
        assert [(await gateway.answer()).status for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("size", [1, 1000], ids=["byte-by-byte", "at-once"])
async def test_a_request_in_chunks_is_the_same_request(tmp_path, size):
    async with line(tmp_path) as gateway:
        assert (await gateway.ask(*chunked(BODY, size))).status == 200
        assert gateway.up.seen[0].body["messages"] == ASK["messages"]


async def test_who_asks_whether_to_go_on_is_told_to(tmp_path):
    async with line(tmp_path) as gateway:
        await gateway.send(f"{CHAT}Expect: 100-continue\r\nContent-Length: {len(BODY)}\r\n\r\n")
        assert (await gateway.head())[0] == 100
        assert (await gateway.ask(BODY)).status == 200


async def test_a_large_request_is_taken(tmp_path):
    body = json.dumps({**ASK, "messages": [{"role": "user", "content": "x" * (30 * MIB)}]}).encode()
    async with line(tmp_path) as gateway:
        assert (await gateway.ask(sized(body))).status == 200
        assert len(gateway.up.seen[0].raw) > 30 * MIB


async def test_a_request_that_is_too_large_is_refused_in_the_words_of_the_front(tmp_path):
    async with line(tmp_path, gateway_max_body_bytes=100_000) as gateway:
        answer = await gateway.ask(*chunked(b" " * 110_000, 10_000))
        assert answer.status == 413
        assert "more than 100000 bytes" in answer.error
        assert gateway.up.seen == []


async def test_a_slash_within_a_name_is_part_of_the_name(tmp_path):
    async with line(tmp_path) as gateway:
        answer = await gateway.ask("GET /v1/models/org%2Fm HTTP/1.1\r\nHost: gateway\r\n\r\n")
        plain = await gateway.ask("GET /v1/models/org/m HTTP/1.1\r\nHost: gateway\r\n\r\n")
    assert answer.status == plain.status
    assert answer.body == plain.body


@pytest.mark.parametrize("path", ["//v1/models", "/v1//models", "/x/../v1/models", "/v1/models/%2e%2e/x", "/%zz"])
async def test_a_path_is_taken_as_it_is_written(tmp_path, path):
    async with line(tmp_path) as gateway:
        answer = await gateway.ask(f"GET {path} HTTP/1.1\r\nHost: gateway\r\n\r\n")
        assert answer.status == 404
        assert answer.headers["content-type"].startswith("application/json")
        assert (await gateway.ask("GET /health HTTP/1.1\r\nHost: gateway\r\n\r\n")).status == 200


async def test_the_answer_to_head_has_no_body(tmp_path):
    async with line(tmp_path) as gateway:
        await gateway.send("HEAD / HTTP/1.1\r\nHost: gateway\r\n\r\n")
        head = await gateway.answer(bodiless=True)
        assert head.status == 200
        whole = await gateway.ask("GET /health HTTP/1.1\r\nHost: gateway\r\n\r\n")
        assert whole.status == 200
        assert json.loads(whole.body)["status"] == "SERVING"


async def test_a_method_that_a_path_does_not_have_is_refused_with_those_it_has(tmp_path):
    async with line(tmp_path) as gateway:
        for method in ("GET", "OPTIONS", "DELETE"):
            answer = await gateway.ask(f"{method} /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\n\r\n")
            assert (answer.status, answer.headers["allow"]) == (405, "POST")


async def test_a_client_of_http_1_0_is_answered(tmp_path):
    async with line(tmp_path) as gateway:
        answer = await gateway.ask("GET /health HTTP/1.0\r\n\r\n")
        assert answer.status == 200
        assert await gateway.reader.read() == b""


REFUSED = [
    pytest.param("HELO gateway\r\n\r\n", id="no-http"),
    pytest.param("GET /health HTTP/1.1\r\nHost: gateway\r\nno colon\r\n\r\n", id="no-header"),
    pytest.param(f"{CHAT}Content-Length: many\r\n\r\n", id="no-length"),
    pytest.param(f"GET /health HTTP/1.1\r\nHost: gateway\r\nX: {'x' * 1_000_000}\r\n\r\n", id="long-header"),
]


@pytest.mark.parametrize("request_", REFUSED)
async def test_what_is_no_proper_request_is_refused_and_the_connection_ends(tmp_path, request_):
    async with line(tmp_path) as gateway:
        sending = asyncio.ensure_future(gateway.send(request_))
        status = await gateway.head()
        # Nobody reads what is left of it.
        await asyncio.wait([sending])
        sending.exception()
        assert status[0] in {400, 431}
        async with asyncio.timeout(10):
            with suppress(ConnectionResetError):
                await gateway.reader.read()
