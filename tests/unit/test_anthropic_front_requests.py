"""What callers of Anthropic's API send, and how precisely they are told what is wrong with it."""

import base64
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.dialects.anthropic.messages import AnthropicMessages
from airegistry.errors import InvalidArgumentError
from airegistry.invocations.chat import (
    ChatRequest,
    Message,
    Reasoning,
    ResponseFormat,
    ResponseFormatKind,
    Role,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock, ThinkingBlock, ToolCall, ToolResult
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Capability
from gateway.fronts.anthropic.requests import read_messages
from tests.blocks import text

USER = {"role": "user", "content": "hi"}
DATA = base64.b64encode(b"x").decode()


def ask(**fields):
    return read_messages(orjson.dumps({"model": "m", "max_tokens": 5, "messages": [USER], **fields}))


def turn(content, role="user"):
    """Return the canonical turns of a message, and the paths of what was lost."""
    call = ask(messages=[{"role": role, "content": content}])
    return call.request.messages, [warning.path for warning in call.warnings]


def test_every_official_field_has_its_place():
    call = ask(
        system=[{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        temperature=0.5,
        top_p=0.9,
        top_k=3,
        stop_sequences=["a"],
        tools=[
            {
                "name": "f",
                "description": "d",
                "input_schema": {"type": "object"},
                "strict": True,
                "cache_control": {"type": "ephemeral"},
            },
            {"type": "custom", "name": "g", "input_schema": {}},
        ],
        tool_choice={"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        thinking={"type": "enabled", "budget_tokens": 2048, "display": "omitted"},
        output_config={"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
        metadata={"user_id": "u"},
        stream=True,
        service_tier="auto",
    )
    assert call.request == ChatRequest(
        messages=(Message(Role.SYSTEM, (text("s", cache_control="1h"),)), Message(Role.USER, (text("hi"),))),
        max_output_tokens=5,
        temperature=0.5,
        top_p=0.9,
        top_k=3,
        stop_sequences=("a",),
        tools=(
            Tool("f", "d", {"type": "object"}, strict=True, cache_control="ephemeral"),
            Tool("g", input_schema={}),
        ),
        tool_choice=ToolChoice(ToolChoiceMode.NAMED, "f"),
        parallel_tool_calls=False,
        response_format=ResponseFormat(ResponseFormatKind.JSON_SCHEMA, {"type": "object"}),
        reasoning=Reasoning("low", 2048, include_thoughts=False),
        user="u",
        extra={"service_tier": "auto"},
    )
    assert (call.model, call.stream, call.warnings) == ("m", True, ())


@pytest.mark.parametrize(
    ("thinking", "effort", "reasoning"),
    [
        ({"type": "adaptive"}, None, None),
        ({"type": "adaptive"}, "max", Reasoning("max")),
        ({"type": "adaptive", "display": "summarized"}, None, Reasoning(include_thoughts=True)),
        ({"type": "disabled"}, None, Reasoning("none")),
        ({"type": "disabled"}, "low", Reasoning("low")),
        ({"type": "enabled", "budget_tokens": 9}, None, Reasoning(max_tokens=9)),
        (None, "high", Reasoning("high")),
        (None, None, None),
    ],
)
def test_thinking_is_read(thinking, effort, reasoning):
    fields: dict[str, Any] = {"thinking": thinking} if thinking else {}
    if effort:
        fields["output_config"] = {"effort": effort}
    assert ask(**fields).request.reasoning == reasoning


@pytest.mark.parametrize(
    ("choice", "read", "parallel"),
    [
        ({"type": "auto"}, ToolChoiceMode.AUTO, None),
        ({"type": "any", "disable_parallel_tool_use": False}, ToolChoiceMode.REQUIRED, True),
        ({"type": "none"}, ToolChoiceMode.NONE, None),
    ],
)
def test_the_choice_of_tools_is_read(choice, read, parallel):
    request = ask(tools=[{"name": "f", "input_schema": {}}], tool_choice=choice).request
    assert request.tool_choice == ToolChoice(read)
    assert request.parallel_tool_calls is parallel


def test_the_older_place_of_a_schema_is_read_too():
    form = ask(output_format={"type": "json_schema", "schema": {"type": "object"}}).request.response_format
    assert form == ResponseFormat(ResponseFormatKind.JSON_SCHEMA, {"type": "object"})


@pytest.mark.parametrize(
    ("block", "read"),
    [
        (
            {"type": "text", "text": "x", "citations": [{"type": "page_location"}]},
            {"text": TextBlock("x", ({"type": "page_location"},))},
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}},
            {"image": MediaBlock(b"x", media_type="image/png")},
        ),
        ({"type": "image", "source": {"type": "url", "url": "https://x"}}, {"image": MediaBlock(url="https://x")}),
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, {"image": MediaBlock(file_id="f")}),
        (
            {
                "type": "document",
                "title": "t",
                "source": {"type": "base64", "media_type": "application/pdf", "data": DATA},
            },
            {"file": MediaBlock(b"x", media_type="application/pdf", filename="t")},
        ),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "ä"}},
            {"file": MediaBlock("ä".encode(), media_type="text/plain")},
        ),
        (
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "a"}]}},
            {"file": MediaBlock(b"a", media_type="text/plain")},
        ),
        ({"type": "thinking", "thinking": "hm", "signature": "s"}, {"thinking": ThinkingBlock("hm", "s")}),
        ({"type": "redacted_thinking", "data": "d/+="}, {"thinking": ThinkingBlock(redacted_data=b"d/+=")}),
        ({"type": "tool_use", "id": "i", "name": "f", "input": {}}, {"tool_call": ToolCall("i", "f", "{}")}),
    ],
    ids=lambda value: value.get("type", "") if isinstance(value, dict) else "",
)
def test_every_block_has_its_place(block, read):
    role = "assistant" if "thinking" in block["type"] or block["type"] == "tool_use" else "user"
    marked = {**block, "cache_control": {"type": "ephemeral"}}
    (message,), lost = turn([marked], role)
    assert message.content == (ContentBlock(**read, cache_control="ephemeral"),)
    assert lost == ["messages[0].content[0].source.media_type"] * (block.get("source", {}).get("type") == "text")


def test_arguments_of_calls_keep_their_bytes():
    body = b'{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"i","name":"f","input":{"n":  12345678901234567890123, "x": 1.10}}]}]}'
    call = read_messages(body).request.messages[1].content[0].tool_call
    assert call is not None
    assert call.arguments == '{"n":  12345678901234567890123, "x": 1.10}'


def test_results_of_tools_become_a_turn_of_their_own():
    content = [
        {"type": "text", "text": "and?"},
        {
            "type": "tool_result",
            "tool_use_id": "i",
            "is_error": True,
            "content": [{"type": "text", "text": "1"}, {"type": "tool_reference", "tool_name": "f"}],
        },
        {"type": "tool_result", "tool_use_id": "j"},
    ]
    messages, lost = turn(content)
    assert messages == (
        Message(
            Role.TOOL,
            (
                ContentBlock(tool_result=ToolResult("i", (text("1"),), is_error=True)),
                ContentBlock(tool_result=ToolResult("j")),
            ),
        ),
        Message(Role.USER, (text("and?"),)),
    )
    assert lost == ["messages[0].content[1].content[1]"]


def test_a_search_result_is_text_to_others():
    block = {
        "type": "search_result",
        "title": "T",
        "source": "https://x",
        "content": [{"type": "text", "text": "a"}],
        "citations": {"enabled": True},
    }
    (message,), lost = turn([block])
    assert message.content == (text("T\nhttps://x\na"),)
    assert lost == ["messages[0].content[0]", "messages[0].content[0].citations"]


def test_system_messages_among_the_turns_are_read():
    call = ask(system="s", messages=[USER, {"role": "system", "content": "t"}])
    assert [message.role for message in call.request.messages] == [Role.SYSTEM, Role.USER, Role.SYSTEM]


def test_what_has_no_canonical_place_is_named_once():
    call = ask(
        messages=[
            {"role": "user", "content": [{"type": "hologram", "a": {"b": 1}}]},
            {**USER, "name": "x"},
            {"role": "assistant", "content": [{"type": "server_tool_use", "id": "s", "name": "w", "input": {}}]},
            USER,
        ],
        tools=[{"type": "web_search_20260318", "name": "w", "max_uses": 2}, {"name": "f", "defer_loading": True}],
        tool_choice={"type": "tool", "name": "w"},
        thinking={"type": "between_tools"},
        output_config={"task_budget": {"type": "tokens"}},
        future=1,
    )
    hi = Message(Role.USER, (text("hi"),))
    assert call.request.messages == (hi, Message(Role.ASSISTANT), hi)
    assert call.request.tools == (Tool("f"),)
    assert call.request.tool_choice is None
    assert call.request.extra == {"future": 1}
    assert [violation.field for violation in call.vital] == ["messages[0].content[0]", "tools[0]"]
    assert [warning.path for warning in call.warnings] == [
        "messages[0]",
        "messages[2].content[0]",
        "thinking",
        "messages[1].name",
        "tools[1].defer_loading",
        "output_config.task_budget",
    ]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"model": None}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages[0].content[0].type"),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": "x"}]}]},
            "messages[0].content[0].tool_use_id",
        ),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "tool_result", "tool_use_id": "i"}]}]},
            "messages[0].content",
        ),
        ({"system": [{"type": "text", "text": 3}]}, "system[0].text"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "citations": [3]}]}]},
            "messages[0].content[0].citations[0]",
        ),
        ({"max_tokens": "x"}, "max_tokens"),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"tool_choice": {"type": "maybe"}}, "tool_choice.type"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(fields, path):
    with pytest.raises(InvalidArgumentError) as raised:
        ask(**fields)
    assert [violation.field for violation in raised.value.violations] == [path]


def test_a_request_survives_the_front_and_the_dialect():
    body = {
        "model": "m",
        "max_tokens": 50,
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            USER,
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "s"},
                    {"type": "tool_use", "id": "i", "name": "f", "input": {"a": 1}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "i",
                        "content": "1",
                        "cache_control": {"type": "ephemeral", "ttl": "1h"},
                    },
                    {"type": "text", "text": "and?"},
                ],
            },
        ],
        "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        "thinking": {"type": "adaptive"},
        "output_config": {
            "effort": "low",
            "format": {"type": "json_schema", "schema": {"type": "object", "additionalProperties": False}},
        },
        "metadata": {"user_id": "u"},
        "stop_sequences": ["x"],
        "stream": True,
    }
    call = read_messages(orjson.dumps(body))
    endpoint = Endpoint(
        address="https://a", upstream_model="m", capabilities={"structured_output": Capability(supported=True)}
    )
    encoded = AnthropicMessages().encode(call.request, endpoint, stream=call.stream)
    assert orjson.loads(encoded.call.body) == body
    assert (call.warnings, encoded.warnings) == ((), ())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = ("messages", "system", "tools", "tool_choice", "thinking", "output_config", "metadata", "max_tokens", "stream")
PARTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image", "document", "thinking", "tool_use", "tool_result", "search_result"])},
    optional=dict.fromkeys(("text", "source", "content", "id", "name", "input", "tool_use_id", "citations"), JSON),
)
TURNS = st.lists(st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": st.lists(PARTS)}))


@given(st.dictionaries(st.sampled_from(KEYS), JSON) | st.fixed_dictionaries({"messages": TURNS}))
def test_whatever_comes_is_read_or_refused_by_name(fields):
    with suppress(InvalidArgumentError):
        ask(**fields)
