"""OpenAI's chat completions as our requests: every field has its place, and what is wrong is named by its path."""

from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
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
from gateway.fronts.openai.requests import read_chat, read_embeddings
from tests.blocks import text
from tests.openai_calls import USER, chat


def test_every_official_field_has_its_place():
    call = chat(
        max_completion_tokens=5,
        temperature=1,
        top_p=0.5,
        stop="END",
        tools=[{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": True}}],
        tool_choice={"type": "function", "function": {"name": "f"}},
        parallel_tool_calls=True,
        response_format={"type": "json_schema", "json_schema": {"name": "r", "schema": {}, "strict": True}},
        reasoning_effort="high",
        seed=1,
        n=2,
        presence_penalty=0.5,
        frequency_penalty=-0.5,
        logprobs=True,
        top_logprobs=2,
        user="u",
        modalities=["text"],
        stream=True,
        stream_options={"include_usage": True},
        store=True,
        logit_bias={"50256": -100},
        web_search_options={},
    )
    assert call.request == ChatRequest(
        messages=(Message(Role.USER, (text("hi"),)),),
        max_output_tokens=5,
        temperature=1.0,
        top_p=0.5,
        stop_sequences=("END",),
        tools=(Tool("f", "", {"type": "object"}, strict=True),),
        tool_choice=ToolChoice(ToolChoiceMode.NAMED, "f"),
        parallel_tool_calls=True,
        response_format=ResponseFormat(ResponseFormatKind.JSON_SCHEMA, {}, "r", strict=True),
        reasoning=Reasoning(effort="high"),
        seed=1,
        choice_count=2,
        presence_penalty=0.5,
        frequency_penalty=-0.5,
        top_logprobs=2,
        user="u",
        output_modalities=("text",),
        extra={"store": True, "logit_bias": {"50256": -100}, "web_search_options": {}},
    )
    assert (call.model, call.stream, call.include_usage) == ("m", True, True)


def test_what_is_unset_or_null_is_absent():
    call = chat(temperature=None, tools=None, stop=None, stream=None, metadata=None, logprobs=False)
    assert call.request == ChatRequest(messages=(Message(Role.USER, (text("hi"),)),))
    assert not call.stream


@pytest.mark.parametrize(
    "fields", [{"max_tokens": 7}, {"max_completion_tokens": 7}, {"max_tokens": 7, "max_completion_tokens": 7}]
)
def test_the_limit_has_two_names(fields):
    assert chat(**fields).request.max_output_tokens == 7


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": 5}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "boss", "content": "x"}]}, "messages[0].role"),
        ({"messages": [USER, {"role": "user"}]}, "messages[1].content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "smell"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].image_url"),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,!"}}],
                    }
                ]
            },
            "messages[0].content[0].image_url.url",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "input_audio", "input_audio": {"data": "AA==", "format": ""}}],
                    }
                ]
            },
            "messages[0].content[0].input_audio.format",
        ),
        ({"messages": [{"role": "assistant"}]}, "messages[0].content"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "c"}]}]}, "messages[0].tool_calls[0].function"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"temperature": "warm"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 2**31}, "max_tokens"),
        ({"max_tokens": 1, "max_completion_tokens": 2}, "max_tokens"),
        ({"n": "2"}, "n"),
        ({"n": True}, "n"),
        ({"stop": [1]}, "stop[0]"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {"name": 1}}]}, "tools[0].function.name"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"tool_choice": 5}, "tool_choice"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
            "response_format.json_schema.schema",
        ),
        ({"modalities": "text"}, "modalities"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_named_by_its_path(body, param):
    with pytest.raises(InvalidArgumentError) as caught:
        chat(**body)
    assert [violation.field for violation in caught.value.violations] == [param]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"functions": []}, "functions"),
        ({"function_call": "auto"}, "function_call"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type"),
        ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice.type"),
        ({"messages": [{"role": "assistant", "function_call": {"name": "x"}}]}, "messages[0].function_call"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "type": "custom"}]}]},
            "messages[0].tool_calls[0].type",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_supported_says_so(body, param):
    with pytest.raises(UnsupportedFieldError) as caught:
        chat(**body)
    assert [violation.field for violation in caught.value.violations] == [param]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"\xff"], ids=repr)
def test_a_body_that_is_no_object_is_refused(body):
    with pytest.raises(InvalidArgumentError, match="the body"):
        read_chat(body)


@given(st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.sampled_from(["user", "assistant", "text", "function", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(
        ["role", "content", "type", "text", "image_url", "url", "tool_calls", "function", "name", "id", "audio", "file"]
    ), inner, max_size=3),
    max_leaves=10,
), st.sampled_from(["messages", "tools", "tool_choice", "response_format", "stop", "stream_options", "input"]))  # fmt: skip
def test_any_json_is_read_or_refused(value, name):
    body = orjson.dumps({"model": "m", "messages": [USER], "input": "x", name: value})
    for read in (read_chat, read_embeddings):
        with suppress(InvalidArgumentError):
            read(body)


def test_a_tool_can_be_marked_for_the_cache():
    marked = {"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    call = chat(tools=[marked])
    assert call.request.tools == (Tool("f", cache_control="1h"),)
    assert call.warnings == ()
