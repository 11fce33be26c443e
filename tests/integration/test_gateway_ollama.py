"""The Ollama front, driven by the official SDK and by plain HTTP, over providers of Ollama's format and of OpenAI's."""

import asyncio
import base64
import json
import re
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import ollama
import pytest

from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from airegistry.resources.model import Capability, Modality, ModelLimits
from airegistry.resources.route import RequestOverrides, RouteTarget, RouteTier
from tests import catalogs, ollamas, providers
from tests.planes import gateway_knowing
from tests.providers import TOKENS, Peer, Provider, chunk, provider, stream_head

ASK: Any = [{"role": "user", "content": "Say something"}]
CHAT = Communication(dialect="ollama.chat", auth=Auth(AuthMethod.NONE))
EMBED = Communication(dialect="ollama.embed", auth=Auth(AuthMethod.NONE))
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL: Any = {"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": SCHEMA}}
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")


@dataclass
class Front:
    sdk: ollama.AsyncClient
    http: aiohttp.ClientSession
    url: str
    own: Provider
    foreign: Provider

    async def post(self, path: str, body: Any) -> tuple[int, Any, Any]:
        async with self.http.post(path, data=body if isinstance(body, bytes) else json.dumps(body)) as reply:
            return reply.status, await reply.read(), reply.headers


@asynccontextmanager
async def front_over(folder, own=ollamas.ok, foreign=providers.ok, **settings):
    """Run a gateway: models `own` and `e-own` are served in Ollama's format, `foreign` and `e-foreign` in OpenAI's."""
    async with provider(own) as near, provider(foreign) as far:
        host = near.url.removesuffix("/v1")
        facts: Any = {
            "family": "llama",
            "parameter_count": 8_030_000_000,
            "license": "apache-2.0",
            "input_modalities": (Modality.TEXT, Modality.IMAGE),
            "capabilities": {"tools": Capability(True), "reasoning": Capability(True)},
            "limits": ModelLimits(context_tokens=8192),
        }
        capped = RouteTarget(model="models/own", overrides=RequestOverrides(max_output_tokens=5))
        resources = [
            catalogs.model("own", original_ids=("own:latest", "Org/Own"), **facts),
            catalogs.endpoint("a", host, model="own", communication=CHAT, quantization="q4_0"),
            catalogs.model("foreign"),
            catalogs.endpoint("a", far.url, model="foreign"),
            catalogs.model("e-own", output_modalities=(Modality.EMBEDDING,)),
            catalogs.endpoint("a", host, model="e-own", communication=EMBED),
            catalogs.model("e-foreign", output_modalities=(Modality.EMBEDDING,)),
            catalogs.endpoint("a", far.url, model="e-foreign", communication=catalogs.OPEN_EMBEDDINGS),
            catalogs.model("nobody"),
            catalogs.route("capped", tiers=(RouteTier((capped,)),)),
            catalogs.route(
                "both", tiers=tuple(RouteTier((RouteTarget(model=f"models/{m}"),)) for m in ("own", "foreign"))
            ),
        ]
        async with gateway_knowing(folder, resources, **settings) as gateway:
            url = f"http://{gateway.http_address}"
            async with aiohttp.ClientSession(url) as http:
                sdk = ollama.AsyncClient(url)
                try:
                    yield Front(sdk, http, url, near, far)
                finally:
                    await sdk.close()


def lines_of(data):
    assert data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


MODELS = pytest.mark.parametrize("model", ["own", "foreign"])
HOW = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


async def talk(front, model, *, stream, **options):
    """Return the whole answer of a conversation, put together as callers of the SDK do."""
    options = {"messages": ASK, **options}
    if not stream:
        return await front.sdk.chat(model, **options)
    parts = [part async for part in await front.sdk.chat(model, stream=True, **options)]
    assert [part.done for part in parts] == [*[False] * (len(parts) - 1), True]
    last = parts[-1]
    last.message.content = "".join(part.message.content or "" for part in parts)
    last.message.thinking = "".join(part.message.thinking or "" for part in parts) or None
    last.message.tool_calls = [call for part in parts for call in part.message.tool_calls or ()] or None
    return last


@MODELS
@HOW
async def test_the_sdk_talks(tmp_path, model, stream):
    async with front_over(tmp_path) as front:
        answer = await talk(front, model, stream=stream)
    assert answer.message.role == "assistant"
    assert answer.message.content == "".join(TOKENS)
    assert (answer.model, answer.done, answer.done_reason) == (model, True, "stop")
    assert (answer.prompt_eval_count, answer.eval_count) == (10, 4)
    assert RFC3339.fullmatch(answer.created_at)
    assert answer.total_duration > 0
    assert answer.eval_duration > 0


@MODELS
@HOW
async def test_the_sdk_generates(tmp_path, model, stream):
    async with front_over(tmp_path) as front:
        asked: Any = {"prompt": "Say something", "system": "Be brief.", "images": [PNG]}
        if stream:
            parts = [part async for part in await front.sdk.generate(model, stream=True, **asked)]
            text, answer = "".join(part.response or "" for part in parts), parts[-1]
        else:
            answer = await front.sdk.generate(model, **asked)
            text = answer.response
    assert text == "".join(TOKENS)
    assert (answer.model, answer.done, answer.done_reason) == (model, True, "stop")
    if model == "own":
        (seen,) = front.own.seen
        assert seen.path == "/api/generate"
        assert seen.body["system"] == "Be brief."
        assert answer.context == [1, 2]
    else:
        (seen,) = front.foreign.seen
        system, user = seen.body["messages"]
        assert system == {"role": "system", "content": "Be brief."}
        assert user["content"][1]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")


@pytest.mark.parametrize("model", ["e-own", "e-foreign"])
async def test_the_sdk_embeds(tmp_path, model):
    async with front_over(tmp_path) as front:
        many = await front.sdk.embed(model, ["one", "two"], dimensions=2)
        one = await front.sdk.embed(model, "one")
        older = await front.sdk.embeddings(model, "one")
        nothing = await front.sdk.embed(model, [])
    assert many.embeddings == [[0.5, 0.0], [0.5, 1.0]]
    assert (many.model, many.prompt_eval_count) == (model, 3)
    assert one.embeddings == [[0.5, 0.0]]
    assert older.embedding == [0.5, 0.0]
    assert nothing.embeddings == []


async def test_the_synchronous_sdk_talks(tmp_path):
    async with front_over(tmp_path) as front:

        def work():
            with ollama.Client(front.url) as sdk:
                whole = sdk.chat("foreign", ASK)
                parts = list(sdk.chat("foreign", ASK, stream=True))
                return whole.message.content, "".join(part.message.content or "" for part in parts)

        assert await asyncio.to_thread(work) == ("".join(TOKENS),) * 2


async def test_models_are_listed_and_shown(tmp_path):
    async with front_over(tmp_path) as front:
        listed = await front.sdk.list()
        shown = await front.sdk.show("own")
        route, capped = await front.sdk.show("both"), await front.sdk.show("capped")
        embeds = await front.sdk.show("e-own")
        _, version, _ = await front.post("/api/show", {"name": "Org/Own"})
        async with front.http.get("/api/version") as reply:
            assert re.fullmatch(r"\d+\.\d+\.\d+", (await reply.json())["version"])
        with pytest.raises(ollama.ResponseError) as caught:
            await front.sdk.show("nobody")
    assert [model.model for model in listed.models] == ["e-foreign", "e-own", "foreign", "own", "both", "capped"]
    assert len({model.digest for model in listed.models}) == 6
    assert all(model.modified_at is not None for model in listed.models)
    assert shown.details.family == "llama"
    assert (shown.details.parameter_size, shown.details.quantization_level) == ("8.0B", "Q4_0")
    assert shown.capabilities == ["completion", "vision", "thinking", "tools"]
    assert shown.modelinfo["llama.context_length"] == 8192
    assert shown.modelinfo["general.parameter_count"] == 8_030_000_000
    assert shown.license == "apache-2.0"
    assert json.loads(version)["details"]["family"] == "llama"
    assert route.capabilities == ["completion"]
    assert (capped.capabilities, capped.modelinfo) == (shown.capabilities, shown.modelinfo)
    assert embeds.capabilities == ["embedding"]
    assert caught.value.status_code == 404


@pytest.mark.parametrize("name", ["own", "own:latest", "models/own", "Org/Own", "Org/Own:latest"])
async def test_a_name_without_a_tag_means_the_latest(tmp_path, name):
    async with front_over(tmp_path) as front:
        assert (await front.sdk.chat(name, ASK)).model == name


@HOW
async def test_tools_are_called_with_objects_whoever_answers(tmp_path, stream):
    call = {"function": {"name": "weather", "arguments": {"city": "Lima"}}}
    function = {"name": "weather", "arguments": ""}

    async def foreign(peer: Peer) -> None:
        whole = {"id": "c1", "type": "function", "function": {**function, "arguments": '{"city": "Lima"}'}}
        if peer.body.get("stream"):
            await stream_head(peer)
            await peer.event(
                chunk({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": function}]})
            )
            for piece in ('{"ci', 'ty": "Lima"}'):
                await peer.event(chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}))
            await peer.event(chunk({}, "tool_calls"))
            await peer.event(b"[DONE]")
        else:
            choice = {
                "index": 0,
                "message": {"role": "assistant", "tool_calls": [whole]},
                "finish_reason": "tool_calls",
            }
            await peer.reply(200, json.dumps({"id": "x", "choices": [choice]}).encode())

    async with front_over(tmp_path, ollamas.answering({"tool_calls": [call]}), foreign) as front:
        answers = [await talk(front, model, stream=stream, tools=[TOOL]) for model in ("own", "foreign")]
        for answer in answers:
            assert answer.done_reason == "stop"
            (made,) = answer.message.tool_calls
            assert (made.function.name, made.function.arguments) == ("weather", {"city": "Lima"})
        # The SDK forgets ids; the result is matched by the tool's name.
        turns = [*ASK, answers[1].message, {"role": "tool", "tool_name": "weather", "content": "warm"}]
        await talk(front, "foreign", stream=stream, messages=turns, tools=[TOOL])
        _, asked, told = front.foreign.seen[-1].body["messages"]
        assert asked["tool_calls"][0]["id"] == told["tool_call_id"] == "call_1_0"
        assert told == {"role": "tool", "tool_call_id": "call_1_0", "content": "warm"}
        assert front.foreign.seen[-1].body["tools"][0]["function"]["parameters"] == SCHEMA


@HOW
async def test_thoughts_come_apart_from_the_answer(tmp_path, stream):
    async def foreign(peer: Peer) -> None:
        message = {"reasoning_content": "Hm.", "content": "Four."}
        if peer.body.get("stream"):
            await stream_head(peer)
            for name, words in message.items():
                await peer.event(chunk({name: words}))
            await peer.event(chunk({}, "stop"))
            await peer.event(b"[DONE]")
        else:
            choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
            await peer.reply(200, json.dumps({"id": "x", "choices": [choice]}).encode())

    async with front_over(tmp_path, ollamas.answering({"thinking": "Hm.", "content": "Four."}), foreign) as front:
        for model in ("own", "foreign"):
            answer = await talk(front, model, stream=stream, think="low")
            assert (answer.message.thinking, answer.message.content) == ("Hm.", "Four.")
    assert front.own.seen[0].body["think"] == "low"
    assert front.foreign.seen[0].body["reasoning_effort"] == "low"


async def test_a_schema_and_options_reach_whoever_answers(tmp_path):
    options = {"num_predict": 7, "temperature": 0, "top_p": 0.5, "seed": 3, "stop": ["END"], "num_ctx": 4096}
    async with front_over(tmp_path) as front:
        for model in ("own", "foreign"):
            await front.sdk.chat(model, ASK, format=SCHEMA, options=options, keep_alive="10m")
        answer = json.loads((await front.post("/api/chat", {**_asked("foreign"), "options": options}))[1])
    own, foreign = front.own.seen[0].body, front.foreign.seen[0].body
    assert (own["format"], own["options"], own["keep_alive"]) == (SCHEMA, options, "10m")
    assert foreign["response_format"]["json_schema"]["schema"] == SCHEMA
    assert {name: foreign[name] for name in ("max_tokens", "temperature", "top_p", "seed", "stop")} == {
        "max_tokens": 7,
        "temperature": 0,
        "top_p": 0.5,
        "seed": 3,
        "stop": ["END"],
    }
    assert not foreign.keys() & {"options", "num_ctx", "keep_alive", "format"}
    assert [warning.partition(":")[0] for warning in answer["airegistry"]["warnings"]] == ["options.num_ctx"]


def _asked(model, **fields):
    return {"model": model, "messages": ASK, "stream": False, **fields}


async def test_unknown_fields_pass_both_ways_byte_for_byte(tmp_path):
    body = b'{"model": "own", "later": [1.0,  2], "options": {"num_ctx":  4096}, "messages": [{"role": "user", "content": "Hi"}]'
    async with front_over(tmp_path) as front:
        _, whole, headers = await front.post("/api/chat", body + b', "stream": false}')
        _, streamed, _ = await front.post("/api/chat", body + b"}")
    for seen in front.own.seen:
        assert b'"later":[1.0,  2]' in seen.raw
        assert b'"options":{"num_ctx":  4096}' in seen.raw
        assert seen.body["model"] == "served"
    last = lines_of(streamed)[-1]
    for answer in (json.loads(whole), last):
        assert answer["new_in_some_version"] == [1.0]
        assert answer["model"] == "own"
        assert answer["eval_duration"] == 4535599000
        assert answer["airegistry"]["target"] == "models/own/endpoints/a"
        assert "warnings" not in answer["airegistry"]
    assert headers["x-airegistry-target"] == "models/own/endpoints/a"


async def test_a_stream_is_the_default_and_lines_are_its_form(tmp_path):
    async with front_over(tmp_path) as front:
        _, data, headers = await front.post("/api/chat", {"model": "foreign", "messages": ASK})
    assert headers["content-type"] == "application/x-ndjson"
    *pieces, last = lines_of(data)
    assert [line["message"] for line in pieces] == [{"role": "assistant", "content": token} for token in TOKENS]
    assert all(line["done"] is False and RFC3339.fullmatch(line["created_at"]) for line in pieces)
    assert last["message"] == {"role": "assistant", "content": ""}
    assert last["airegistry"]["target"] == "models/foreign/endpoints/a"


async def test_what_a_route_changes_holds_for_relayed_calls(tmp_path):
    async with front_over(tmp_path) as front:
        await front.sdk.chat("capped", ASK, options={"num_predict": 100, "num_ctx": 4096})
    assert front.own.seen[0].body["options"] == {"num_predict": 5, "num_ctx": 4096}


async def test_an_image_goes_where_each_format_has_it(tmp_path):
    turns = [{"role": "user", "content": "What is it?", "images": [PNG]}]
    async with front_over(tmp_path) as front:
        for model in ("own", "foreign"):
            await front.sdk.chat(model, turns)
    encoded = base64.b64encode(PNG).decode()
    assert front.own.seen[0].body["messages"][0]["images"] == [encoded]
    parts = front.foreign.seen[0].body["messages"][0]["content"]
    assert parts[1] == {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"suffix": "return"}, ["suffix"]),
        ({"raw": True, "template": "{{ .Prompt }}"}, ["raw", "template"]),
        ({"context": [1, 2]}, ["context"]),
    ],
    ids=["suffix", "raw-and-template", "context"],
)
@HOW
async def test_what_only_an_ollama_does_is_relayed_or_refused_by_field(tmp_path, fields, named, stream):
    asked = {"prompt": "def f", "stream": stream, **fields}
    async with front_over(tmp_path) as front:
        code, data, _ = await front.post("/api/generate", {"model": "own", **asked})
        assert code == 200
        assert "".join(line["response"] for line in lines_of(data if stream else data + b"\n")) == "".join(TOKENS)
        assert front.own.seen[0].path == "/api/generate"
        assert front.own.seen[0].body == {**asked, "model": "served"}
        code, data, _ = await front.post("/api/generate", {"model": "foreign", **asked})
    assert code == 400
    error = json.loads(data)["error"]
    assert all(f"{name}: needs a server of Ollama's own format" in error for name in named)
    assert front.foreign.seen == []


@pytest.mark.parametrize(
    ("path", "body"),
    [("/api/chat", {"messages": []}), ("/api/generate", {}), ("/api/generate", {"prompt": ""})],
    ids=["chat", "no-prompt", "empty-prompt"],
)
@pytest.mark.parametrize(("keep", "reason"), [(None, "load"), (0, "unload"), ("0s", "unload"), ("5m", "load")])
async def test_nothing_asked_loads_a_model_where_that_means_something(tmp_path, path, body, keep, reason):
    async with front_over(tmp_path) as front:
        code, data, _ = await front.post(path, {"model": "foreign", "keep_alive": keep, **body})
        assert (code, json.loads(data)["done_reason"]) == (200, reason)
        assert front.foreign.seen == []
        code, data, _ = await front.post("/api/chat", {"model": "own", "messages": [], "keep_alive": keep})
        assert (code, json.loads(data)["done_reason"]) == (200, "load")
        assert len(front.own.seen) == 1
        code, _, _ = await front.post(path, {"model": "nobody", **body})
    assert code == 503


async def test_another_format_steps_in(tmp_path):
    async with front_over(tmp_path, own=ollamas.status(503, "server busy")) as front:
        answer = await talk(front, "both", stream=True)
        assert answer.message.content == "".join(TOKENS)
        assert front.own.seen
        assert front.foreign.seen


@pytest.mark.parametrize(
    ("path", "body", "code", "words"),
    [
        ("/api/chat", b"{", 400, "not valid JSON"),
        ("/api/chat", {"messages": ASK}, 400, "model: is required"),
        ("/api/chat", _asked("x"), 404, "x"),
        ("/api/chat", _asked("nobody"), 503, "nobody serves"),
        ("/api/chat", _asked("e-own"), 503, "dialect"),
        ("/api/chat", _asked("own", format="yaml"), 400, "format: must be"),
        ("/api/chat", _asked("own", think="very"), 400, "think: must be"),
        ("/api/chat", _asked("own", options={"temperature": 9}), 400, "options.temperature: must be"),
        ("/api/chat", _asked("own", options={"num_predict": "many"}), 400, "options.num_predict: must be an integer"),
        (
            "/api/chat",
            _asked("own", messages=[{"role": "user", "content": "x", "images": ["%"]}]),
            400,
            "messages[0].images[0]",
        ),
        ("/api/chat", _asked("own", messages=[{"role": "tool", "content": "x"}]), 400, "messages[0].tool_name"),
        ("/api/embed", {"model": "e-own", "input": 3}, 400, "input: must be"),
        ("/api/whatever", {}, 404, "nothing that this gateway answers"),
        ("/api/tags", {}, 405, "it takes GET"),
        ("/api/chat", b'"' + b"x" * 70_000, 413, "more than"),
    ],
)
async def test_every_refusal_has_ollamas_shape(tmp_path, path, body, code, words):
    async with front_over(tmp_path, gateway_max_body_bytes=65_536) as front:
        got, data, headers = await front.post(path, body)
    assert got == code
    assert headers["content-type"] == "application/json"
    answer = json.loads(data)
    assert answer.keys() == {"error"}
    assert words in answer["error"]
    assert (front.own.seen, front.foreign.seen) == ([], [])


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (ollamas.status(400, '"served" does not support tools'), 400),
        (ollamas.status(400, "the input length exceeds the context length"), 400),
        (ollamas.status(401, "unauthorized"), 502),
        (ollamas.status(404, 'model "served" not found, try pulling it first'), 502),
        (ollamas.status(500, "llama runner process has terminated"), 502),
        (ollamas.status(503, "server busy", {"retry-after": "7"}), 503),
        (providers.html, 502),
    ],
    ids=["400", "context", "401", "404", "500", "503", "html"],
)
@HOW
async def test_a_failure_before_the_answer_has_a_status(tmp_path, behaviour, code, stream):
    async with front_over(tmp_path, own=behaviour) as front:
        with pytest.raises(ollama.ResponseError) as caught:
            await talk(front, "own", stream=stream)
    assert caught.value.status_code == code


async def test_a_busy_provider_says_when_to_come_back(tmp_path):
    async with front_over(tmp_path, own=ollamas.status(503, "server busy", {"retry-after": "7"})) as front:
        _, _, headers = await front.post("/api/chat", _asked("own"))
    assert headers["retry-after"] == "7"


async def gather(parts, stream):
    """Put parts into a list as they come, so that those before an error are there."""
    async for part in stream:
        parts.append(part)


@pytest.mark.parametrize(
    ("own", "foreign"),
    [
        (ollamas.saying(ollamas.message_line(content="One"), {"error": "it crashed"}), providers.error_inside),
        (ollamas.truncated, providers.truncated),
    ],
    ids=["error-inside", "cut"],
)
@MODELS
async def test_a_failure_in_the_middle_is_the_last_line(tmp_path, own, foreign, model):
    async with front_over(tmp_path, own, foreign) as front:
        code, data, _ = await front.post("/api/chat", {"model": model, "messages": ASK})
        parts: list[ollama.ChatResponse] = []
        with pytest.raises(ollama.ResponseError):
            await gather(parts, await front.sdk.chat(model, ASK, stream=True))
    assert code == 200
    *before, last = lines_of(data)
    assert last.keys() == {"error"}
    assert all(line["done"] is False for line in before)
    assert parts
    assert not any(part.done for part in parts)


@MODELS
@HOW
async def test_a_caller_that_goes_away_takes_the_upstream_call_with_it(tmp_path, model, stream):
    own, foreign = ollamas.hang_in_the_middle, providers.hang_in_the_middle
    if not stream:
        own = foreign = providers.hang_before_headers
    async with front_over(tmp_path, own, foreign) as front:
        up = front.own if model == "own" else front.foreign
        if stream:
            async for _ in await front.sdk.chat(model, ASK, stream=True):
                break
            await front.sdk.close()
            gone = time.monotonic()
        else:
            task = asyncio.ensure_future(front.sdk.chat(model, ASK))
            await asyncio.wait_for(up.asked.wait(), 10)
            task.cancel()
            gone = time.monotonic()
            await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(10):
            await up.seen[0].gone.wait()
    assert up.seen[0].gone_at - gone < 1
