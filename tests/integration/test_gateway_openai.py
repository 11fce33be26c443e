"""The OpenAI front, driven by the official SDK and by plain HTTP."""

import asyncio
import gc
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import openai
import pytest

from airegistry.resources.route import RouteTarget, RouteTier
from tests import catalogs, providers
from tests.planes import gateway_knowing
from tests.providers import LEAVING, TOKENS, Provider, provider, status

ASK: Any = {"model": "m", "messages": [{"role": "user", "content": "Say something"}]}


@dataclass
class Front:
    sdk: openai.AsyncOpenAI
    http: aiohttp.ClientSession
    up: Provider

    async def post(self, path: str, body: Any) -> tuple[int, Any, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body)
        async with self.http.post(path, data=data) as reply:
            return reply.status, await reply.json(), reply.headers


@asynccontextmanager
async def front_over(folder, *behaviours, resources=(), **settings):
    """Run a provider, and a gateway that serves it as model `m`, as embeddings `e` and behind route `r`."""
    async with provider(*behaviours) as up:
        resources = [
            *resources,
            *catalogs.served(up.url),
            catalogs.model("e", publisher="somebody"),
            catalogs.endpoint("a", up.url, model="e", communication=catalogs.OPEN_EMBEDDINGS),
            catalogs.model("nobody"),
            catalogs.model("keyless"),
            catalogs.endpoint("a", up.url, model="keyless", communication=catalogs.WITH_KEY),
            catalogs.route("r", tiers=(RouteTier((RouteTarget(model="models/m"),)),)),
            catalogs.route("nowhere", tiers=(RouteTier((RouteTarget(model="models/nobody"),)),)),
        ]
        async with gateway_knowing(folder, resources, **settings) as gateway:
            url = f"http://{gateway.http_address}"
            async with (
                openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as sdk,
                aiohttp.ClientSession(url) as http,
            ):
                yield Front(sdk, http, up)


async def test_the_sdk_completes(tmp_path):
    async with front_over(tmp_path, providers.ok) as front:
        answer = await front.sdk.chat.completions.with_raw_response.create(**ASK)
    completion = answer.parse()
    assert completion.choices[0].message.content == "".join(TOKENS)
    assert completion.choices[0].finish_reason == "stop"
    assert completion.model == "served"
    assert completion.usage is not None
    assert completion.usage.total_tokens == 14
    assert answer.headers["x-airegistry-target"] == "models/m/endpoints/a"
    assert answer.headers["x-airegistry-attempts"] == "1"


async def test_the_sdk_streams(tmp_path):
    async with front_over(tmp_path, providers.ok) as front:
        stream = await front.sdk.chat.completions.create(**ASK, stream=True, stream_options={"include_usage": True})
        chunks = [chunk async for chunk in stream]
        assert stream.response.headers["x-airegistry-target"] == "models/m/endpoints/a"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "".join(TOKENS)
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 4


async def test_the_sdk_embeds(tmp_path):
    async with front_over(tmp_path, providers.ok) as front:
        answer = await front.sdk.embeddings.create(model="e", input=["one", "two"])
    assert [vector.embedding for vector in answer.data] == [[0.5, 0.0], [0.5, 1.0]]


async def test_only_what_can_be_invoked_is_listed(tmp_path):
    async with front_over(tmp_path, providers.ok) as front:
        listed = await front.sdk.models.list()
        one = await front.sdk.models.retrieve("models/m")
        with pytest.raises(openai.NotFoundError):
            await front.sdk.models.retrieve("nobody")
        with pytest.raises(openai.NotFoundError):
            await front.sdk.models.retrieve("what/ever")
    assert [(model.id, model.owned_by) for model in listed.data] == [
        ("e", "somebody"),
        ("m", "unknown"),
        ("r", "airegistry"),
    ]
    assert one.id == "models/m"


async def test_the_account_names_the_route(tmp_path):
    async with front_over(tmp_path, providers.ok) as front:
        code, body, headers = await front.post("/v1/chat/completions", {**ASK, "model": "r"})
    assert code == 200
    assert headers["x-airegistry-route"] == body["airegistry"]["route"] == "routes/r"


@pytest.mark.parametrize(
    ("path", "body", "code", "reason"),
    [
        pytest.param("/v1/chat/completions", b"{", 400, "invalid_argument", id="malformed-json"),
        pytest.param("/v1/chat/completions", {"model": "m", "messages": []}, 400, "invalid_argument", id="empty"),
        pytest.param("/v1/chat/completions", {**ASK, "model": "x"}, 404, "model_not_found", id="unknown-model"),
        pytest.param("/v1/chat/completions", {**ASK, "model": "nobody"}, 503, "no_candidate", id="nobody-serves"),
        pytest.param("/v1/chat/completions", {**ASK, "model": "e"}, 400, "not_suitable", id="wrong-kind"),
        pytest.param("/v1/embeddings", {"model": "e", "input": []}, 400, "invalid_argument", id="no-input"),
        pytest.param("/v1/chat/completions", b'"' + b"x" * 70_000, 413, "request_too_large", id="too-large"),
        pytest.param("/v1/whatever", {}, 404, "not_found", id="no-such-path"),
        pytest.param("/v1/models", {}, 405, "not_found", id="wrong-method"),
    ],
)
async def test_every_refusal_has_openais_shape(tmp_path, path, body, code, reason):
    async with front_over(tmp_path, providers.ok, gateway_max_body_bytes=65_536) as front:
        got, answer, _ = await front.post(path, body)
    assert got == code
    assert answer["error"].keys() == {"message", "type", "param", "code"}
    assert answer["error"]["code"] == reason
    assert front.up.seen == []


@pytest.mark.parametrize("stream", [pytest.param(False, id="whole"), pytest.param(True, id="streamed")])
@pytest.mark.parametrize(
    ("behaviour", "code", "reason"),
    [
        pytest.param(status(400), 400, "provider_rejected", id="400"),
        pytest.param(status(401), 502, "provider_credential", id="401"),
        pytest.param(status(500), 502, "provider_failed", id="500"),
        pytest.param(status(503), 503, "provider_overloaded", id="503"),
        pytest.param(providers.html, 502, "malformed_answer", id="html"),
        pytest.param(providers.reset_before_headers, 502, "provider_connection", id="reset"),
    ],
)
async def test_a_provider_that_fails_before_its_answer_is_a_status(tmp_path, behaviour, code, reason, stream):
    async with front_over(tmp_path, behaviour) as front:
        got, answer, _ = await front.post("/v1/chat/completions", {**ASK, "stream": stream})
    assert (got, answer["error"]["code"]) == (code, reason)


async def test_retry_after_is_passed_on(tmp_path):
    async with front_over(tmp_path, status(429, headers={"retry-after": "7"})) as front:
        code, _, headers = await front.post("/v1/chat/completions", ASK)
    assert (code, headers["retry-after"]) == (429, "7")


async def test_a_stream_that_breaks_is_an_error_for_the_sdk(tmp_path):
    async with front_over(tmp_path, providers.truncated) as front:
        stream = await front.sdk.chat.completions.create(**ASK, stream=True)
        chunks = [await anext(stream) for _ in range(3)]
        with pytest.raises(openai.APIError, match="ended"):
            await anext(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "One two"
    assert all(chunk.choices[0].finish_reason is None for chunk in chunks)


async def test_fields_of_the_same_format_pass_through(tmp_path):
    async with front_over(tmp_path, providers.ok) as front:
        await front.post("/v1/chat/completions", {**ASK, "guided_choice": ["a"], "seed": 3})
        assert front.up.seen[0].body["guided_choice"] == ["a"]
        assert front.up.seen[0].body["seed"] == 3
        assert front.up.seen[0].body["model"] == "served"


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        pytest.param(providers.hang_before_headers, "499", id="before-the-answer"),
        pytest.param(providers.hang_in_the_middle, "200", id="mid-stream"),
    ],
)
async def test_a_caller_that_goes_away_is_counted_and_is_no_error_of_ours(tmp_path, caplog, behaviour, code):
    counted = f'duration_seconds_count{{code="{code}",method="/v1/chat/completions"}} 1.0'
    # What earlier tests left behind may have something to say when it goes.
    gc.collect()
    caplog.clear()
    async with front_over(tmp_path, behaviour) as front:
        asking = asyncio.ensure_future(front.http.post("/v1/chat/completions", json={**ASK, "stream": True}))
        await asyncio.wait_for(front.up.asked.wait(), LEAVING)
        if code == "200":
            (await asking).close()
        asking.cancel()
        async with asyncio.timeout(LEAVING):
            while counted not in await metrics_page(front):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        # grpc.aio may be busy with what earlier tests left in loops that are closed.
        of_others = "PollerCompletionQueue"
        assert [record for record in caplog.records if record.exc_info and of_others not in record.getMessage()] == []


async def metrics_page(front):
    async with front.http.get("/metrics") as reply:
        return await reply.text()


async def test_health_and_metrics_tell_what_happened(tmp_path):
    async with front_over(tmp_path, status(503), providers.ok) as front:
        for _ in range(2):
            await front.post("/v1/chat/completions", ASK)
        async with front.http.get("/health") as reply:
            health = await reply.json()
        async with front.http.get("/metrics") as reply:
            page = await reply.text()
    assert health["status"] == "SERVING"
    assert (health["revision"], health["stale"]) == (1, True)
    assert 'airegistry_rpc_duration_seconds_count{code="200",method="/v1/chat/completions"} 1.0' in page
    assert 'error_class="overloaded",outcome="error",target="models/m/endpoints/a"' in page
    assert 'airegistry_tokens_total{kind="output",provider="a"} 4.0' in page
    assert "airegistry_time_to_first_token_seconds_count" in page
    assert "airegistry_view_stale 1.0" in page
