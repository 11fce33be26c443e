"""The demo backend as its clients see it: a real server, driven by the official OpenAI SDK."""

import asyncio
import base64
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np
import openai
import pytest
import pytest_asyncio

from demo_backend.cards import CARDS, CHAT, EMBEDDING, EMBEDDING_DIMENSIONS
from demo_backend.server import serve
from demo_backend.settings import Settings

FAST = Settings(port=0, token_delay=0.0, drain=0.0)
SLOW = Settings(port=0, token_delay=0.5, drain=0.0)
ASK: Mapping[str, Any] = {
    "model": CHAT.id,
    "messages": [{"role": "user", "content": "Explain dictionaries"}],
    "seed": 7,
    "max_tokens": 30,
}
EMBED: Mapping[str, Any] = {"model": EMBEDDING.id, "input": "a dictionary of keys and values"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


class Http:
    """HTTP without the SDK, for what the SDK would not send or not show."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def request(self, method: str, path: str, body: object = None) -> Reply:
        data = json.dumps(body) if isinstance(body, Mapping) else body
        async with self._session.request(method, self._url + path, data=data) as reply:
            return Reply(reply.status, reply.headers, await reply.text())

    async def get(self, path: str) -> Reply:
        return await self.request("GET", path)

    async def post(self, path: str, body: object) -> Reply:
        return await self.request("POST", path, body)


@asynccontextmanager
async def open_http(url: str):
    async with aiohttp.ClientSession() as session:
        yield Http(url, session)


@asynccontextmanager
async def connect(url: str):
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        yield client


# One server for the whole file: it has to stay healthy whatever the tests before did to it.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url():
    async with serve(FAST) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="module")
async def sdk(url):
    async with connect(url) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def http(url):
    async with open_http(url) as client:
        yield client


async def wait_for_running(http: Http, count: int) -> float:
    """Wait until *count* answers are being written; return how long that took."""
    started = time.monotonic()
    while (await http.get("/health")).json()["running"] != count:
        assert time.monotonic() - started < 5
        await asyncio.sleep(0.005)
    return time.monotonic() - started


async def texts_of(stream: Any) -> str:
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])


# Chat


async def test_a_completion_is_about_what_was_asked(sdk):
    answers = [
        (await sdk.chat.completions.create(**{**ASK, "seed": seed, "max_tokens": 80})).choices[0].message.content
        for seed in range(8)
    ]
    assert all(answers)
    on_topic = [text for text in answers if "dict" in text.lower() or "key" in text.lower()]
    assert len(on_topic) >= 5


async def test_a_stream_tells_role_text_end_and_usage_in_this_order(sdk):
    stream = await sdk.chat.completions.create(**ASK, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    *deltas, end, usage = chunks
    assert deltas[0].choices[0].delta.role == "assistant"
    assert all(chunk.choices[0].finish_reason is None for chunk in deltas)
    assert len(deltas) == 1 + usage.usage.completion_tokens
    assert end.choices[0].finish_reason in {"stop", "length"}
    assert usage.choices == []
    assert usage.usage.total_tokens == usage.usage.prompt_tokens + usage.usage.completion_tokens
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert len({chunk.id for chunk in chunks}) == 1


async def test_a_stream_ends_with_done_and_says_nothing_of_usage_unasked(http):
    reply = await http.post("/v1/chat/completions", {**ASK, "stream": True})
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    *events, done, rest = reply.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    assert not any("usage" in json.loads(event.removeprefix("data: ")) for event in events)


async def test_the_same_seed_gives_the_same_text_streamed_or_not(sdk):
    first = await sdk.chat.completions.create(**ASK)
    again = await sdk.chat.completions.create(**ASK)
    streamed = await texts_of(await sdk.chat.completions.create(**ASK, stream=True))
    other = await sdk.chat.completions.create(**{**ASK, "seed": -(2**63)})
    assert first.choices[0].message.content == again.choices[0].message.content == streamed
    assert other.choices[0].message.content != streamed
    assert first.system_fingerprint == again.system_fingerprint


async def test_temperature_zero_needs_no_seed_to_repeat_itself(sdk):
    ask = {**ASK, "temperature": 0, "seed": None}
    texts = {(await sdk.chat.completions.create(**ask)).choices[0].message.content for _ in "abc"}
    assert len(texts) == 1


async def test_the_limit_of_tokens_ends_a_text_for_length_and_usage_counts_them(sdk):
    reply = await sdk.chat.completions.create(**{**ASK, "max_tokens": 3})
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage.completion_tokens == 3
    assert reply.usage.prompt_tokens == len(["Exp", "lain", " dictionaries"])


async def test_a_text_may_end_by_itself(sdk):
    ask = {**ASK, "max_tokens": None}
    replies = [await sdk.chat.completions.create(**{**ask, "seed": seed}) for seed in range(3)]
    assert {reply.choices[0].finish_reason for reply in replies} == {"stop"}


async def test_a_stop_sequence_ends_the_text_before_it_streamed_or_not(sdk):
    whole = (await sdk.chat.completions.create(**ASK)).choices[0].message.content
    stop = whole[10:17]
    cut = await sdk.chat.completions.create(**ASK, stop=[stop, "never seen"])
    streamed = await texts_of(await sdk.chat.completions.create(**ASK, stop=stop, stream=True))
    assert cut.choices[0].message.content == streamed == whole[: whole.index(stop)]
    assert cut.choices[0].finish_reason == "stop"


async def test_a_text_that_is_cut_for_length_keeps_what_might_have_become_a_stop(sdk):
    whole = (await sdk.chat.completions.create(**ASK)).choices[0]
    assert whole.finish_reason == "length"
    held = await sdk.chat.completions.create(**ASK, stop=whole.message.content[-1] + "never seen")
    assert held.choices[0].message.content == whole.message.content


async def test_every_integer_is_a_seed_of_its_own(sdk):
    seeds = (1, -1, 17, 2**63 - 1, -(2**63))
    replies = [await sdk.chat.completions.create(**{**ASK, "seed": seed}) for seed in seeds]
    assert len({reply.choices[0].message.content for reply in replies}) == len(seeds)


async def test_several_choices_differ_and_are_counted_together(sdk):
    reply = await sdk.chat.completions.create(**{**ASK, "n": 3, "max_tokens": 5})
    assert [choice.index for choice in reply.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in reply.choices}) == 3
    assert reply.usage.completion_tokens == 15


async def test_streamed_choices_are_those_of_the_unary_call(sdk):
    ask = {**ASK, "n": 2}
    whole = await sdk.chat.completions.create(**ask)
    texts = {0: "", 1: ""}
    async for chunk in await sdk.chat.completions.create(**ask, stream=True):
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert texts == {choice.index: choice.message.content for choice in whole.choices}


async def test_logprobs_belong_to_the_text_and_the_likeliest_comes_first(sdk):
    reply = await sdk.chat.completions.create(**{**ASK, "temperature": 0}, logprobs=True, top_logprobs=2)
    tokens = reply.choices[0].logprobs.content
    assert "".join(token.token for token in tokens) == reply.choices[0].message.content
    for token in tokens:
        assert token.top_logprobs[0].logprob >= token.top_logprobs[1].logprob
        assert token.logprob == token.top_logprobs[0].logprob <= 0


async def test_a_conversation_that_ends_with_the_assistant_is_continued(sdk):
    opening = {"role": "assistant", "content": "A dictionary display is a possibly empty"}
    messages = [*ASK["messages"], opening]
    reply = await sdk.chat.completions.create(**{**ASK, "messages": messages, "temperature": 0})
    assert reply.choices[0].message.content.startswith(" series of dict items")


async def test_text_parts_are_read_like_a_string(sdk):
    content = [{"type": "text", "text": "Explain "}, {"type": "text", "text": "dictionaries"}]
    parts = await sdk.chat.completions.create(**{**ASK, "messages": [{"role": "user", "content": content}]})
    whole = await sdk.chat.completions.create(**ASK)
    assert parts.choices[0].message.content == whole.choices[0].message.content


# Embeddings and models


async def test_related_texts_are_nearer_than_unrelated_ones(sdk):
    texts = [EMBED["input"], "mapping items", "raising an exception"]
    reply = await sdk.embeddings.create(model=EMBEDDING.id, input=texts)
    asked, near, far = (np.array(item.embedding) for item in reply.data)
    assert asked @ near > asked @ far + 0.05
    assert [item.index for item in reply.data] == [0, 1, 2]
    assert reply.usage.prompt_tokens == reply.usage.total_tokens > 0


async def test_both_encodings_hold_the_same_vector(http):
    floats, coded = [
        (await http.post("/v1/embeddings", {**EMBED, "encoding_format": name})).json() for name in ("float", "base64")
    ]
    vector = np.array(floats["data"][0]["embedding"])
    assert vector.shape == (EMBEDDING_DIMENSIONS,)
    raw = np.frombuffer(base64.b64decode(coded["data"][0]["embedding"]), "<f4")
    assert raw == pytest.approx(vector, abs=1e-6)


async def test_fewer_dimensions_are_still_of_length_one(sdk):
    reply = await sdk.embeddings.create(**EMBED, dimensions=16)
    vector = reply.data[0].embedding
    assert len(vector) == 16
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


async def test_models_are_listed_and_say_what_they_are(sdk):
    listed = [model async for model in sdk.models.list()]
    assert [model.id for model in listed] == list(CARDS)
    for model in listed:
        assert (await sdk.models.retrieve(model.id)) == model
        assert model.description.startswith("A toy:")


# Requests that cannot be served


def chat(**changed: Any) -> dict[str, Any]:
    return {**ASK, **changed}


def said(content: Any, role: str = "user") -> dict[str, Any]:
    return chat(messages=[{"role": role, "content": content}])


TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
BAD_CHATS = {
    "no-model": (chat(model=None), 400, "model", "missing_required_parameter"),
    "unknown-model": (chat(model="gpt-9"), 404, "model", "model_not_found"),
    "half-surrogate": (chat(model="\ud800"), 404, "model", "model_not_found"),
    "embedding-model": (chat(model=EMBEDDING.id), 400, "model", "invalid_value"),
    "model-type": (chat(model=3), 400, "model", "invalid_type"),
    "no-messages": (chat(messages=[]), 400, "messages", "missing_required_parameter"),
    "messages-type": (chat(messages="hi"), 400, "messages", "invalid_type"),
    "message-type": (chat(messages=["hi"]), 400, "messages[0]", "invalid_type"),
    "role": (said("x", role="king"), 400, "messages[0].role", "invalid_value"),
    "content-type": (said(5), 400, "messages[0].content", "invalid_type"),
    "image": (said([{"type": "image_url"}]), 400, "messages[0].content[0]", "invalid_value"),
    "part": (said([{"type": "text"}]), 400, "messages[0].content[0].text", None),
    "tool-message": (said("x", role="tool"), 400, "messages[0]", "unsupported_parameter"),
    "tools": (chat(tools=[TOOL]), 400, "tools", "unsupported_parameter"),
    "tool-choice": (chat(tool_choice=TOOL), 400, "tool_choice", "unsupported_parameter"),
    "logit-bias": (chat(logit_bias={"5": 1}), 400, "logit_bias", "unsupported_parameter"),
    "audio": (chat(modalities=["audio"]), 400, "modalities", "unsupported_parameter"),
    "json": (chat(response_format={"type": "json_object"}), 400, "response_format", None),
    "temperature-type": (chat(temperature="hot"), 400, "temperature", "invalid_type"),
    "temperature-bool": (chat(temperature=True), 400, "temperature", "invalid_type"),
    "temperature-high": (chat(temperature=2.1), 400, "temperature", "invalid_value"),
    "top-p-low": (chat(top_p=-0.1), 400, "top_p", "invalid_value"),
    "penalty": (chat(presence_penalty=3), 400, "presence_penalty", "invalid_value"),
    "max-tokens-zero": (chat(max_tokens=0), 400, "max_tokens", "invalid_value"),
    "max-tokens-float": (chat(max_tokens=1.5), 400, "max_tokens", "invalid_type"),
    "two-limits": (chat(max_completion_tokens=9), 400, "max_tokens", "invalid_value"),
    "n": (chat(n=99), 400, "n", "invalid_value"),
    "seed": (chat(seed="x"), 400, "seed", "invalid_type"),
    "stop-type": (chat(stop=[1]), 400, "stop", "invalid_type"),
    "stop-empty": (chat(stop=""), 400, "stop", "invalid_value"),
    "stop-many": (chat(stop=list("abcde")), 400, "stop", "invalid_value"),
    "stream-type": (chat(stream="yes"), 400, "stream", "invalid_type"),
    "stream-options": (chat(stream_options={}), 400, "stream_options", "invalid_value"),
    "top-logprobs": (chat(top_logprobs=3), 400, "top_logprobs", "invalid_value"),
    "unknown-field": (chat(temprature=1), 400, "temprature", "unknown_parameter"),
    "long-prompt": (said("word " * 9000), 400, "messages", "context_length_exceeded"),
    "no-room": (chat(max_tokens=8192), 400, "messages", "context_length_exceeded"),
}


def embed(**changed: Any) -> dict[str, Any]:
    return {**EMBED, **changed}


BAD_EMBEDDINGS = {
    "no-input": (embed(input=None), 400, "input", "invalid_type"),
    "tokens": (embed(input=[1, 2]), 400, "input", "invalid_type"),
    "token-lists": (embed(input=[[1, 2]]), 400, "input", "invalid_type"),
    "empty-text": (embed(input=["a", ""]), 400, "input[1]", "invalid_value"),
    "no-texts": (embed(input=[]), 400, "input", "invalid_type"),
    "too-many": (embed(input=["a"] * 2049), 400, "input", "invalid_value"),
    "too-long": (embed(input="word " * 9000), 400, "input[0]", "context_length_exceeded"),
    "dimensions": (embed(dimensions=257), 400, "dimensions", "invalid_value"),
    "encoding": (embed(encoding_format="hex"), 400, "encoding_format", "invalid_value"),
    "chat-model": (embed(model=CHAT.id), 400, "model", "invalid_value"),
    "unknown-field": (embed(inputs=1), 400, "inputs", "unknown_parameter"),
}
BAD = [
    *(pytest.param("chat/completions", *case, id=f"chat-{id_}") for id_, case in BAD_CHATS.items()),
    *(pytest.param("embeddings", *case, id=f"embed-{id_}") for id_, case in BAD_EMBEDDINGS.items()),
]


@pytest.mark.parametrize(("path", "body", "status", "param", "code"), BAD)
async def test_what_cannot_be_served_is_refused_with_its_parameter(http, path, body, status, param, code):
    reply = await http.post(f"/v1/{path}", body)
    error = reply.json()["error"]
    assert (reply.status, error["param"]) == (status, param)
    assert code in (None, error["code"])
    assert error["type"] == "invalid_request_error"
    assert error["message"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"n":' + b"9" * 5000 + b"}"],
    ids=["empty", "cut", "array", "not-utf8", "deep", "long-number"],
)
async def test_a_body_that_is_no_json_object_is_refused(http, body):
    reply = await http.post("/v1/chat/completions", body)
    assert reply.status == 400
    assert "JSON" in reply.json()["error"]["message"]


@pytest.mark.parametrize("number", ["NaN", "1e999", "-1e999"])
async def test_numbers_beyond_every_range_are_refused(http, number):
    body = json.dumps(chat(temperature="X")).replace('"X"', number)
    reply = await http.post("/v1/chat/completions", body)
    assert (reply.status, reply.json()["error"]["param"]) == (400, "temperature")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/v1/models", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/v1/models/gpt-9", 404),
    ],
)
async def test_unknown_urls_and_methods_get_the_same_kind_of_error(http, method, path, status):
    reply = await http.request(method, path)
    assert reply.status == status
    assert reply.json()["error"]["type"] == "invalid_request_error"


async def test_the_sdk_raises_its_own_errors(sdk):
    with pytest.raises(openai.NotFoundError, match="gpt-9"):
        await sdk.chat.completions.create(**chat(model="gpt-9"))
    with pytest.raises(openai.BadRequestError, match="tools"):
        await sdk.chat.completions.create(**chat(tools=[TOOL]))


async def test_a_body_over_the_limit_is_refused_while_it_arrives():
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1000

    settings = Settings(port=0, max_body=10_000, drain=0.0)
    async with serve(settings) as url, open_http(url) as http:
        declared = await http.post("/v1/embeddings", b" " * 10_001)
        assert declared.status == 413
        assert declared.json()["error"]["code"] == "request_too_large"
        # The server may close before the client stops to write.
        with suppress(aiohttp.ClientError):
            assert (await http.post("/v1/embeddings", endless())).status == 413
        assert (await http.get("/health")).status == 200


# Load, disconnects, the end


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
    async with serve(SLOW) as url, open_http(url) as http:
        host, port = url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(request_bytes(chat(stream=stream, max_tokens=None)))
        await wait_for_running(http, 1)
        writer.transport.abort()
        # Far below the time of one token: the pause itself is cut short.
        assert await wait_for_running(http, 0) < 0.1


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
