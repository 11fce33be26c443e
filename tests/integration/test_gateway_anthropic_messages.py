"""The Anthropic front, driven by the official SDK: messages whole and streamed, tools, thinking, structured output."""

import asyncio
import json
from typing import Any

import anthropic
import pytest
from pydantic import BaseModel

from tests import anthropic_provider as claude
from tests import catalogs, providers
from tests.anthropic_front import ASK, HELLO, WEATHER, front_over, over_claude
from tests.anthropic_provider import TOKENS

BOTH = pytest.mark.parametrize(
    ("behaviour", "communication"),
    [pytest.param(providers.ok, catalogs.OPEN, id="openai"), pytest.param(claude.ok, claude.OPEN, id="anthropic")],
)


@BOTH
async def test_the_sdk_gets_a_message(tmp_path, behaviour, communication):
    async with front_over(tmp_path, behaviour, communication=communication) as front:
        answer = await front.sdk.messages.with_raw_response.create(**ASK)
    message = await answer.parse()
    assert [block.type for block in message.content] == ["text"]
    assert message.content[0].text == "".join(TOKENS)
    assert (message.role, message.stop_reason, message.stop_sequence) == ("assistant", "end_turn", None)
    assert (message.usage.input_tokens, message.usage.output_tokens) == (10, 4)
    assert answer.headers["x-airegistry-target"] == "models/m/endpoints/a"
    assert answer.headers["request-id"].startswith("req_")
    assert (await answer.json())["airegistry"]["cost"]["state"] in ("KNOWN", "PARTIAL")


@BOTH
async def test_the_sdk_streams_a_message(tmp_path, behaviour, communication):
    async with front_over(tmp_path, behaviour, communication=communication) as front:
        async with front.sdk.messages.stream(**ASK) as stream:
            kinds = [event.type async for event in stream]
            message = await stream.get_final_message()
        assert stream.response.headers["x-airegistry-target"] == "models/m/endpoints/a"
        assert stream.response.headers["request-id"].startswith("req_")
    assert message.content[0].text == "".join(TOKENS)
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens == 4
    assert message.usage.input_tokens == 10
    raw = [kind for kind in kinds if kind != "text"]
    assert raw == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * 4,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


@BOTH
async def test_the_sync_sdk_works_too(tmp_path, behaviour, communication):
    async with front_over(tmp_path, behaviour, communication=communication) as front:

        def ask():
            with anthropic.Anthropic(base_url=front.url, api_key="none", max_retries=0) as sdk:
                whole = sdk.messages.create(**ASK).content[0]
                with sdk.messages.stream(**ASK) as stream:
                    return whole, "".join(stream.text_stream)

        whole, text = await asyncio.to_thread(ask)
    assert isinstance(whole, anthropic.types.TextBlock)
    assert whole.text == text == "".join(TOKENS)


async def test_the_answer_has_the_name_that_was_asked_for_where_it_is_translated(tmp_path):
    async with front_over(tmp_path, providers.ok) as front:
        assert (await front.sdk.messages.create(**{**ASK, "model": "r"})).model == "r"


def openai_tools(*pieces):
    """Two parallel calls of an OpenAI-compatible server, their arguments interleaved."""

    async def behave(peer):
        await providers.stream_head(peer)
        for i, name in enumerate(("get_weather", "get_time")):
            call = {"index": i, "id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": ""}}
            await peer.event(providers.chunk({"tool_calls": [call]}))
        for i, words in pieces:
            await peer.event(providers.chunk({"tool_calls": [{"index": i, "function": {"arguments": words}}]}))
        await peer.event(providers.chunk({}, "tool_calls"))
        await peer.event(b"[DONE]")

    return behave


async def test_parallel_calls_come_one_after_the_other_however_they_are_sent(tmp_path):
    behaviour = openai_tools((0, '{"city":'), (1, '{"zone"'), (0, ' "Rome"}'), (1, ': "UTC"}'))
    async with (
        front_over(tmp_path, behaviour) as front,
        front.sdk.messages.stream(**{**ASK, "tools": [WEATHER, {**WEATHER, "name": "get_time"}]}) as stream,
    ):
        events = [event async for event in stream]
        message = await stream.get_final_message()
    assert [(block.id, block.name, block.input) for block in message.content] == [
        ("call_0", "get_weather", {"city": "Rome"}),
        ("call_1", "get_time", {"zone": "UTC"}),
    ]
    assert message.stop_reason == "tool_use"
    order = [(event.type, event.index) for event in events if event.type.startswith("content_block_st")]
    assert order == [
        ("content_block_start", 0),
        ("content_block_stop", 0),
        ("content_block_start", 1),
        ("content_block_stop", 1),
    ]


async def test_results_of_tools_go_back(tmp_path):
    messages: Any = [
        *HELLO,
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "get_weather", "input": {}}]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "sunny", "is_error": True},
                {"type": "text", "text": "And now?"},
            ],
        },
    ]
    async with front_over(tmp_path, providers.ok) as front:
        _, answer, _ = await front.post("/v1/messages", {**ASK, "messages": messages, "tools": [WEATHER]})
        sent = front.up.seen[0].body["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "user"]
    assert sent[1]["tool_calls"][0]["function"]["arguments"] == "{}"
    assert "is_error" in " ".join(answer["airegistry"]["warnings"])


async def test_thinking_of_its_own_format_passes_signed(tmp_path):
    thought = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    redacted = {"type": "redacted_thinking", "data": "b3BhcXVl"}
    async with over_claude(tmp_path, claude.answer([thought, redacted, {"type": "text", "text": "x"}])) as front:
        _, answer, _ = await front.post("/v1/messages", ASK)
    assert answer["content"][:2] == [thought, redacted]


async def test_thinking_of_another_format_comes_unsigned_and_is_not_sent_back_as_signed(tmp_path):
    async def thinks(peer):
        reply = {"role": "assistant", "content": "yes", "reasoning_content": "hm"}
        choice = {"index": 0, "message": reply, "finish_reason": "stop"}
        await peer.reply(
            200, json.dumps({"id": "1", "model": "s", "choices": [choice], "usage": providers.USAGE}).encode()
        )

    async with front_over(tmp_path, thinks) as front:
        message = await front.sdk.messages.create(**ASK)
    assert message.content[0].type == "thinking"
    assert (message.content[0].thinking, message.content[0].signature) == ("hm", "")


class Person(BaseModel):
    name: str


async def test_a_schema_reaches_another_format_and_the_sdk_parses_the_answer(tmp_path):
    async def answers(peer):
        reply = {"role": "assistant", "content": '{"name": "Ada"}'}
        choice = {"index": 0, "message": reply, "finish_reason": "stop"}
        await peer.reply(
            200, json.dumps({"id": "1", "model": "s", "choices": [choice], "usage": providers.USAGE}).encode()
        )

    async with front_over(tmp_path, answers) as front:
        parsed = await front.sdk.messages.parse(**ASK, output_format=Person)
        form = front.up.seen[0].body["response_format"]
    assert parsed.parsed_output == Person(name="Ada")
    assert form["type"] == "json_schema"
    assert form["json_schema"]["schema"]["properties"]["name"]["type"] == "string"
