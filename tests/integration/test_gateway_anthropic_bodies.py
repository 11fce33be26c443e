"""The Anthropic front: what its callers send reaches targets of its format untouched, and others translated."""

import base64
import json
from typing import Any

import pytest

from tests import anthropic_provider as claude
from tests import providers
from tests.anthropic_front import ASK, HELLO, WEATHER, front_over, over_claude

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


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
