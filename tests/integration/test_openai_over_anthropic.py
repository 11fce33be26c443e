"""OpenAI's SDK and format over a provider that speaks Anthropic's Messages."""

import json
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from airegistry.resources.model import Capability
from tests import anthropic_provider as claude
from tests import catalogs, providers
from tests.anthropic_provider import TOKENS
from tests.planes import gateway_knowing
from tests.providers import provider

ASK: Any = {"model": "m", "messages": [{"role": "user", "content": "Say something"}], "max_tokens": 100}
WEATHER: Any = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
CONTINUES = Communication(dialect="anthropic.messages", auth=Auth(AuthMethod.NONE), continues_prefix=True)


@asynccontextmanager
async def sdk_over(folder, *behaviours, communication=claude.OPEN, **facts):
    async with provider(*behaviours) as up:
        address = up.url.removesuffix("/v1")
        resources = [
            catalogs.model(),
            *(
                catalogs.endpoint(id_, address, communication=communication, priority=i, **facts)
                for i, id_ in enumerate("ab")
            ),
        ]
        async with gateway_knowing(folder, resources) as gateway:
            url = f"http://{gateway.http_address}/v1"
            async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as sdk:
                yield sdk, up


async def test_an_answer_is_translated(tmp_path):
    async with sdk_over(tmp_path, claude.ok) as (sdk, up):
        answer = await sdk.chat.completions.create(**ASK)
    assert answer.choices[0].message.content == "".join(TOKENS)
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    # Anthropic's 10 fresh and 6 cached tokens are OpenAI's 16, of which 6 were cached.
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (16, 4)
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 6
    assert up.seen[0].body == {"model": "served", "max_tokens": 100, "messages": ASK["messages"]}


async def test_a_stream_is_translated(tmp_path):
    async with sdk_over(tmp_path, claude.ok) as (sdk, _):
        stream = await sdk.chat.completions.create(**ASK, stream=True, stream_options={"include_usage": True})
        chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "".join(TOKENS)
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 20


async def test_fields_that_only_openai_knows_do_not_reach_anthropic(tmp_path):
    async with sdk_over(tmp_path, claude.ok) as (sdk, up):
        raw = await sdk.chat.completions.with_raw_response.create(
            **ASK, logit_bias={"1": 2}, store=True, seed=3, user="u"
        )
        assert up.seen[0].body.keys() == {"model", "max_tokens", "messages", "metadata"}
    warned = [warning.partition(":")[0] for warning in json.loads(raw.text)["airegistry"]["warnings"]]
    assert warned == ["chat.extra.logit_bias", "chat.extra.store", "chat.seed"]


async def test_parallel_calls_are_translated_there_and_back(tmp_path):
    calls = [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Let me see."}},
        {"type": "content_block_stop", "index": 0},
    ]
    for i, words in ((1, '{"city": "Rome"}'), (2, "")):
        block = {"type": "tool_use", "id": f"toolu_{i}", "name": "get_weather", "input": {}}
        calls += [
            {"type": "content_block_start", "index": i, "content_block": block},
            {
                "type": "content_block_delta",
                "index": i,
                "delta": {"type": "input_json_delta", "partial_json": words},
            },
            {"type": "content_block_stop", "index": i},
        ]
    async with sdk_over(tmp_path, claude.streamed(calls, "tool_use"), claude.ok) as (sdk, up):
        async with sdk.chat.completions.stream(**ASK, tools=[WEATHER]) as stream:
            completion = await stream.get_final_completion()
        message = completion.choices[0].message
        assert completion.choices[0].finish_reason == "tool_calls"
        assert message.tool_calls is not None
        assert [(c.id, c.function.arguments) for c in message.tool_calls] == [
            ("toolu_1", '{"city": "Rome"}'),
            ("toolu_2", "{}"),
        ]
        results: Any = [{"role": "tool", "tool_call_id": c.id, "content": "sunny"} for c in message.tool_calls]
        said: Any = message.model_dump(exclude_none=True, exclude={"parsed"})
        for one in said["tool_calls"]:
            one["function"].pop("parsed_arguments", None)
        await sdk.chat.completions.create(
            **{**ASK, "messages": [*ASK["messages"], said, *results]}, tools=[WEATHER], parallel_tool_calls=False
        )
        body = up.seen[1].body
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert [block["type"] for block in body["messages"][2]["content"]] == ["tool_result", "tool_result"]
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


class Person(BaseModel):
    name: str


@pytest.mark.parametrize("native", [pytest.param(True, id="declared"), pytest.param(False, id="by-a-tool")])
async def test_a_schema_is_kept_to_either_way(tmp_path, native):
    async def answers(peer):
        content: dict[str, Any] = {"type": "text", "text": '{"name":"Ada"}'}
        if not native:
            name = peer.body["tools"][0]["name"]
            content = {"type": "tool_use", "id": "toolu_1", "name": name, "input": {"name": "Ada"}}
        await claude.answer([content], "end_turn" if native else "tool_use")(peer)

    facts = {"capabilities": {"structured_output": Capability(supported=native)}}
    async with sdk_over(tmp_path, answers, **facts) as (sdk, up):
        answer = await sdk.chat.completions.parse(**ASK, response_format=Person)
        body = up.seen[0].body
    assert answer.choices[0].message.parsed == Person(name="Ada")
    assert answer.choices[0].finish_reason == "stop"
    assert ("output_config" in body, "tools" in body) == (native, not native)


async def test_an_image_and_thinking_are_translated(tmp_path):
    thought = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    async with sdk_over(tmp_path, claude.answer([thought, {"type": "text", "text": "A dot."}])) as (sdk, up):
        content: Any = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]
        raw = await sdk.chat.completions.with_raw_response.create(
            **{**ASK, "messages": [{"role": "user", "content": content}]}, reasoning_effort="medium"
        )
        body = up.seen[0].body
    assert body["messages"][0]["content"][0]["source"]["media_type"] == "image/png"
    assert (body["thinking"], body["output_config"]) == ({"type": "adaptive"}, {"effort": "medium"})
    message = json.loads(raw.text)["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("hm", "A dot.")


async def test_a_cut_answer_is_gone_on_with_where_the_endpoint_declares_it(tmp_path):
    async def cut(peer):
        await claude.start(peer)
        block = {"type": "text", "text": ""}
        await claude.event(peer, "content_block_start", index=0, content_block=block)
        for word in ("One", " two "):
            delta = {"type": "text_delta", "text": word}
            await claude.event(peer, "content_block_delta", index=0, delta=delta)

    async def goes_on(peer):
        await claude.start(peer)
        await claude.say(peer, "three")
        await claude.end(peer)

    async with sdk_over(tmp_path, cut, goes_on, communication=CONTINUES) as (sdk, up):
        stream = await sdk.chat.completions.create(**ASK, stream=True)
        words = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        assert up.seen[1].body["messages"] == [*ASK["messages"], {"role": "assistant", "content": "One two"}]
    assert "".join(words) == "One two three"


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        pytest.param(claude.refusing(529, "overloaded_error"), openai.InternalServerError, id="overloaded"),
        pytest.param(claude.refusing(429, "rate_limit_error"), openai.RateLimitError, id="rate-limit"),
        pytest.param(claude.refusing(400, "invalid_request_error"), openai.BadRequestError, id="bad-request"),
        pytest.param(
            claude.refusing(400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
            openai.BadRequestError,
            id="too-long",
        ),
        pytest.param(claude.truncated, openai.InternalServerError, id="cut"),
        pytest.param(providers.html, openai.InternalServerError, id="html"),
    ],
)
async def test_errors_of_anthropic_are_openais(tmp_path, behaviour, error):
    async with sdk_over(tmp_path, behaviour) as (sdk, _):
        with pytest.raises(error):
            await sdk.chat.completions.create(**ASK)
