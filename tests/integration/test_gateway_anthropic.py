"""The Anthropic front, driven by the official SDK and by plain HTTP, over providers of its own format and of another."""

import asyncio
import base64
import json
from typing import Any

import anthropic
import pytest
from pydantic import BaseModel

from airegistry.resources.model import Capability
from tests import anthropic_provider as claude
from tests import catalogs, providers
from tests.anthropic_front import ASK, HELLO, front_over, over_claude
from tests.anthropic_provider import TOKENS

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


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


# What callers of this format send


CLAUDE_CODE: Any = {
    "model": "m",
    "max_tokens": 32_000,
    "stream": True,
    "system": [
        {"type": "text", "text": "You are a coding agent.", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "Environment: linux", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    ],
    "tools": [{**WEATHER, "name": f"mcp__server__tool_{i}"} for i in range(150)]
    + [{**WEATHER, "name": "Bash", "cache_control": {"type": "ephemeral"}, "eager_input_streaming": True}],
    "thinking": {"type": "adaptive", "display": "summarized"},
    "output_config": {"effort": "high"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "metadata": {"user_id": "user_1"},
    "messages": [
        {
            "role": "user",
            "content": [{"type": "text", "text": "<reminder>"}, {"type": "text", "text": "List the files."}],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "I need ls.", "signature": "c2ln"},
                {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls", "n": 1.10}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": [{"type": "text", "text": "a.py"}],
                    "is_error": False,
                    "cache_control": {"type": "ephemeral"},
                }
            ],
        },
    ],
}


async def test_a_body_of_a_coding_agent_reaches_its_own_format_untouched(tmp_path):
    async with over_claude(tmp_path, facts={"upstream_model": "claude-x"}) as front:
        betas = {"anthropic-beta": "context-management-2025-06-27,interleaved-thinking-2025-05-14"}
        path = "/v1/messages?beta=true"
        async with front.http.post(path, data=json.dumps(CLAUDE_CODE), headers=betas) as reply:
            page = (await reply.read()).decode()
        assert front.up.seen[0].body == {**CLAUDE_CODE, "model": "claude-x"}
        assert front.up.seen[0].headers["anthropic-beta"] == betas["anthropic-beta"]
        assert front.up.seen[0].headers["anthropic-version"] == "2023-06-01"
    assert page.count("event: message_stop") == 1
    assert '"warnings"' not in page


async def test_a_body_of_a_coding_agent_is_translated_for_another_format(tmp_path):
    async with front_over(tmp_path, providers.ok) as front:
        async with front.http.post("/v1/messages?beta=true", data=json.dumps(CLAUDE_CODE)) as reply:
            page = (await reply.read()).decode()
        body = front.up.seen[0].body
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "tool"]
    assert body["messages"][2]["tool_calls"][0]["function"] == {
        "name": "Bash",
        "arguments": '{"command": "ls", "n": 1.1}',
    }
    assert body["messages"][3]["tool_call_id"] == "toolu_1"
    assert len(body["tools"]) == 151
    assert body["reasoning_effort"] == "high"
    assert "context_management" not in body
    end = json.loads(page.split("event: message_delta\ndata: ")[1].split("\n")[0])
    warned = " ".join(end["airegistry"]["warnings"])
    assert "context_management" in warned
    assert "tools[150].eager_input_streaming" in warned
    assert "thinking" in warned


SEARCHED: Any = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}


async def test_unknown_fields_reach_their_own_format_alone(tmp_path):
    said = {"role": "assistant", "content": [SEARCHED, {"type": "text", "text": "x"}]}
    body = {**ASK, "messages": [*HELLO, said, *HELLO], "tools": [{**WEATHER, "defer_loading": True}], "future": 1}
    async with over_claude(tmp_path) as front:
        _, answer, _ = await front.post("/v1/messages", body)
        assert front.up.seen[0].body == {**body, "model": "served"}
        assert "warnings" not in answer["airegistry"]
    async with front_over(tmp_path, providers.ok) as front:
        _, answer, _ = await front.post("/v1/messages", body)
    warned = [warning.partition(":")[0] for warning in answer["airegistry"]["warnings"]]
    assert warned == ["messages[1].content[0]", "tools[0].defer_loading", "chat.extra.future"]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        pytest.param(
            {"messages": [*HELLO, {"role": "user", "content": [{"type": "hologram"}]}]},
            "messages[1].content[0]",
            id="a-block-of-the-users",
        ),
        pytest.param(
            {"tools": [{"type": "web_search_20260318", "name": "w"}], "tool_choice": {"type": "tool", "name": "w"}},
            "tools[0]",
            id="a-tool-of-the-providers",
        ),
    ],
)
async def test_without_what_is_vital_targets_of_other_formats_are_not_asked(tmp_path, fields, path):
    body = {**ASK, **fields}
    async with over_claude(tmp_path) as front:
        assert (await front.post("/v1/messages", body))[0] == 200
        assert front.up.seen[0].body == {**body, "model": "served"}
    async with front_over(tmp_path, providers.ok) as front:
        code, answer, _ = await front.post("/v1/messages", body)
        assert front.up.seen == []
    assert code == 400
    assert f"{path}: is known to targets of this format alone" in answer["error"]["message"]


async def test_a_route_changes_the_effort_of_a_callers_own_words(tmp_path):
    async with over_claude(tmp_path) as front:
        await front.post("/v1/messages", {**ASK, "model": "r", "output_config": {"effort": "max", "x": 1}})
        assert front.up.seen[0].body["output_config"] == {"effort": "low", "x": 1}


async def test_the_endpoints_key_goes_out_in_its_header(tmp_path):
    facts = {"credential": "ANTHROPIC_API_KEY"}
    settings = {"environment": {"ANTHROPIC_API_KEY": "sk-ant-test"}}
    async with front_over(tmp_path, claude.ok, communication=claude.WITH_KEY, facts=facts, **settings) as front:
        await front.sdk.messages.create(**ASK)
        assert front.up.seen[0].headers["x-api-key"] == "sk-ant-test"
        assert "authorization" not in front.up.seen[0].headers


async def test_images_and_documents_are_read(tmp_path):
    content: Any = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}, "title": "a.txt"},
        {"type": "text", "text": "What is this?"},
    ]
    async with front_over(tmp_path, providers.ok) as front:
        await front.sdk.messages.create(**{**ASK, "messages": [{"role": "user", "content": content}]})
        parts = front.up.seen[0].body["messages"][0]["content"]
    assert [part["type"] for part in parts] == ["image_url", "file", "text"]
    assert parts[0]["image_url"]["url"] == f"data:image/png;base64,{PNG}"
    assert parts[1]["file"]["filename"] == "a.txt"


# Tools


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


# Thinking


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


# Structured output


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


# Counting


async def test_tokens_are_counted_by_who_would_answer(tmp_path):
    async with over_claude(tmp_path) as front:
        answer = await front.sdk.messages.with_raw_response.count_tokens(model="m", messages=HELLO, tools=[WEATHER])
        assert (await answer.parse()).input_tokens == 2095
        assert (await answer.json())["airegistry"] == {
            "target": "models/m/endpoints/a",
            "attempts": 1,
            "model": "models/m",
            "provider": "a",
            "estimated": False,
        }
        assert "x-airegistry-estimated" not in answer.headers
        assert front.up.seen[0].path == "/v1/messages/count_tokens"
        assert front.up.seen[0].body == {"model": "served", "messages": HELLO, "tools": [WEATHER]}


@pytest.mark.parametrize(
    ("communication", "facts"),
    [
        pytest.param(catalogs.OPEN, {}, id="another-format"),
        pytest.param(claude.OPEN, {"capabilities": {"count_tokens": Capability(supported=False)}}, id="declared"),
    ],
)
async def test_where_nobody_counts_an_estimate_says_that_it_is_one(tmp_path, communication, facts):
    async with front_over(tmp_path, providers.ok, communication=communication, facts=facts) as front:
        answer = await front.sdk.messages.with_raw_response.count_tokens(model="m", messages=HELLO)
        # 13 bytes of text are 4 tokens, and a message has 4 of its own.
        assert (await answer.parse()).input_tokens == 8
        assert answer.headers["x-airegistry-estimated"] == "true"
        assert (await answer.json())["airegistry"]["estimated"] is True
        assert front.up.seen == []


async def test_a_count_is_retried_and_fails_as_an_answer_would(tmp_path):
    async with over_claude(tmp_path, claude.refusing(500, "api_error"), claude.ok) as front:
        assert (await front.sdk.messages.count_tokens(model="m", messages=HELLO)).input_tokens == 2095
        assert len(front.up.seen) == 2
    async with over_claude(tmp_path, claude.refusing(400, "invalid_request_error", "bad")) as front:
        with pytest.raises(anthropic.BadRequestError):
            await front.sdk.messages.count_tokens(model="m", messages=HELLO)


# Models


async def test_the_sdk_lists_models_page_by_page(tmp_path):
    async with front_over(tmp_path, providers.ok) as front:
        listed = [model async for model in front.sdk.models.list(limit=1)]
        backwards = [model.id async for model in front.sdk.models.list(limit=1, before_id="r")]
        one = await front.sdk.models.retrieve("models/m")
        with pytest.raises(anthropic.NotFoundError):
            await front.sdk.models.retrieve("nobody")
        with pytest.raises(anthropic.BadRequestError):
            await front.sdk.models.list(after_id="what")
    assert [(model.id, model.type, model.lifecycle) for model in listed] == [
        ("m", "model", "active"),
        ("r", "model", "active"),
    ]
    assert backwards == ["m"]
    assert (one.id, one.display_name, one.max_input_tokens, one.max_tokens) == ("models/m", "Em", 1000, 200)


async def test_other_clients_get_models_in_openais_shape(tmp_path):
    async with front_over(tmp_path, providers.ok) as front, front.http.get("/v1/models") as reply:
        assert (await reply.json())["object"] == "list"
