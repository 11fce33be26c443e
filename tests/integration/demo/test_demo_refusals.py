"""Requests that the demo backend cannot serve: each is refused with its parameter."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import aiohttp
import openai
import pytest

from demo_backend.cards import CHAT, EMBEDDING
from demo_backend.server import serve
from demo_backend.settings import Settings
from tests.demo_backends import EMBED, chat, open_http

# One server for the whole file: it has to stay healthy whatever the tests before did to it.
pytestmark = pytest.mark.asyncio(loop_scope="module")


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
