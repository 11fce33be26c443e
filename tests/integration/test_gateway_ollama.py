"""The Ollama front, driven by the official SDK and by plain HTTP, over providers of Ollama's format and of OpenAI's."""

import asyncio
import base64
import json
import re
from typing import Any

import ollama
import pytest

from airegistry.importers.ollama import to_catalog
from tests import ollamas
from tests.ollama_fronts import ASK, HOW, MODELS, asked, front_knowing, front_over, lines_of, talk
from tests.providers import TOKENS, Peer, chunk, provider, stream_head

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL: Any = {"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": SCHEMA}}
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")


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
        shown: Any = await front.sdk.show("own")
        route, capped = await front.sdk.show("both"), await front.sdk.show("capped")
        embeds = await front.sdk.show("e-own")
        _, version, _ = await front.post("/api/show", {"name": "Org/Own"})
        async with front.http.get("/api/version") as reply:
            assert re.fullmatch(r"\d+\.\d+\.\d+", (await reply.json())["version"])
        async with front.http.head("/") as reply:
            assert reply.status == 200
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
        answer = json.loads((await front.post("/api/chat", {**asked("foreign"), "options": options}))[1])
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


async def test_what_an_ollama_lists_can_be_asked_at_once(tmp_path):
    tags = {
        "models": [{"name": "llama3.2:latest", "details": {"family": "llama"}}, {"name": "nomic-embed-text:latest"}]
    }
    async with provider(ollamas.ok) as own:
        host = own.url.removesuffix("/v1")
        catalog = to_catalog(json.dumps(tags).encode(), host)
        async with front_knowing(tmp_path, catalog.resources, own) as front:
            answer = await front.sdk.chat("llama3.2", ASK)
            vectors = await front.sdk.embed("nomic-embed-text", "one")
    assert answer.message.content == "".join(TOKENS)
    assert vectors.embeddings == [[0.5, 0.0]]
    assert [(peer.path, peer.body["model"]) for peer in own.seen] == [
        ("/api/chat", "llama3.2:latest"),
        ("/api/embed", "nomic-embed-text:latest"),
    ]
