"""What callers of OpenAI's API send, and how precisely they are told what is wrong with it."""

from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.dialects.openai.chat import OpenAIChat
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
from airegistry.invocations.content import (
    ContentBlock,
    MediaBlock,
    RefusalBlock,
    TextBlock,
    ThinkingBlock,
    ToolCall,
    ToolResult,
)
from airegistry.invocations.embeddings import EmbeddingInput, TokenIds
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Capability
from gateway.fronts.openai.requests import read_chat, read_embeddings

USER = {"role": "user", "content": "hi"}


def chat(**fields):
    return read_chat(orjson.dumps({"model": "m", "messages": [USER], **fields}))


def turn(**fields):
    call = chat(messages=[fields])
    return call.request.messages[0], [warning.path for warning in call.warnings]


def text(words):
    return ContentBlock(text=TextBlock(words))


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


def test_messages_become_turns():
    assert turn(role="developer", content="rules")[0] == Message(Role.SYSTEM, (text("rules"),))
    assert turn(role="user", content="x", name="ann")[0] == Message(Role.USER, (text("x"),), "ann")
    result = ContentBlock(tool_result=ToolResult("c1", (text("42"),)))
    assert turn(role="tool", content="42", tool_call_id="c1")[0] == Message(Role.TOOL, (result,))


def test_an_answer_may_be_sent_back_as_it_came():
    message, warned = turn(
        role="assistant",
        content="yes",
        refusal=None,
        annotations=[],
        audio=None,
        function_call=None,
        reasoning_content="hm",
        tool_calls=[{"id": "c", "type": "function", "index": 0, "function": {"name": "f", "arguments": "{}"}}],
        mood="good",
    )
    assert message.content == (
        ContentBlock(thinking=ThinkingBlock("hm")),
        text("yes"),
        ContentBlock(tool_call=ToolCall("c", "f", "{}")),
    )
    assert warned == ["messages[0].mood"]


def test_an_earlier_refusal_and_earlier_sound_are_blocks():
    message, _ = turn(role="assistant", refusal="no", audio={"id": "audio_1"})
    assert message.content == (
        ContentBlock(refusal=RefusalBlock("no")),
        ContentBlock(audio=MediaBlock(file_id="audio_1")),
    )


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVA=", "detail": "high"}},
            ContentBlock(image=MediaBlock(data=b"\x89P", media_type="image/png", detail="high")),
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://a/b"}},
            ContentBlock(image=MediaBlock(url="https://a/b")),
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "Ug==", "format": "mp3"}},
            ContentBlock(audio=MediaBlock(data=b"R", media_type="audio/mpeg")),
        ),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,JQ==", "filename": "a.pdf"}},
            ContentBlock(file=MediaBlock(data=b"%", media_type="application/pdf", filename="a.pdf")),
        ),
        (
            {"type": "file", "file": {"file_data": "JQ==", "filename": "a.pdf"}},
            ContentBlock(file=MediaBlock(data=b"%", media_type="application/pdf", filename="a.pdf")),
        ),
        ({"type": "file", "file": {"file_id": "f-1"}}, ContentBlock(file=MediaBlock(file_id="f-1"))),
        ({"type": "video_url", "video_url": {"url": "https://a/b"}}, ContentBlock(video=MediaBlock(url="https://a/b"))),
        (
            {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}},
            ContentBlock(text=TextBlock("x"), cache_control="ephemeral"),
        ),
        (
            {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            ContentBlock(text=TextBlock("x"), cache_control="1h"),
        ),
    ],
    ids=["image-data", "image-url", "sound", "file", "bare-file", "file-id", "video", "cached", "cached-long"],
)
def test_parts_become_blocks(part, block):
    message, warned = turn(role="user", content=[part])
    assert message.content == (block,)
    assert not warned


def test_unknown_fields_below_the_top_are_warned_of():
    part = {"type": "image_url", "image_url": {"url": "https://a/b", "tint": "red"}, "mood": 1}
    tool = {"type": "function", "function": {"name": "f", "x": 1}, "y": 2, "z": None}
    call = chat(messages=[{"role": "user", "content": [part]}], tools=[tool])
    assert {warning.path for warning in call.warnings} == {
        "messages[0].content[0].mood",
        "messages[0].content[0].image_url.tint",
        "tools[0].function.x",
        "tools[0].y",
    }


WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
BLOCKS = st.one_of(
    WORDS.map(text),
    st.binary(min_size=1, max_size=9).map(
        lambda data: ContentBlock(image=MediaBlock(data=data, media_type="image/png"))
    ),
    st.binary(min_size=1, max_size=9).map(
        lambda data: ContentBlock(audio=MediaBlock(data=data, media_type="audio/mpeg"))
    ),
)
CALLS = st.builds(lambda i, name: ContentBlock(tool_call=ToolCall(i, name, '{"a":1}')), WORDS, WORDS)
TURNS = st.one_of(
    st.builds(Message, st.just(Role.SYSTEM), WORDS.map(lambda words: (text(words),))),
    st.builds(Message, st.just(Role.USER), st.lists(BLOCKS, min_size=1, max_size=3).map(tuple), st.just("") | WORDS),
    st.builds(
        lambda thought, said, calls: Message(
            Role.ASSISTANT, (ContentBlock(thinking=ThinkingBlock(thought)), text(said), *calls)
        ),
        WORDS,
        WORDS,
        st.lists(CALLS, max_size=2),
    ),
    st.builds(
        lambda i, said: Message(Role.TOOL, (ContentBlock(tool_result=ToolResult(i, (text(said),))),)), WORDS, WORDS
    ),
)
REQUESTS = st.builds(
    ChatRequest,
    messages=st.lists(TURNS, min_size=1, max_size=4).map(tuple),
    max_output_tokens=st.none() | st.integers(1, 9),
    temperature=st.none() | st.floats(0, 2),
    stop_sequences=st.lists(WORDS, max_size=2).map(tuple),
    tools=st.lists(st.builds(Tool, WORDS, st.just("") | WORDS, st.just({"type": "object"}), st.none() | st.booleans()), max_size=2).map(tuple),
    tool_choice=st.none() | st.builds(ToolChoice, st.sampled_from([ToolChoiceMode.NONE, ToolChoiceMode.REQUIRED])),
    reasoning=st.none() | st.builds(Reasoning, st.sampled_from(["low", "max"])),
    top_logprobs=st.none() | st.integers(0, 5),
    user=st.just("") | WORDS,
    extra=st.none() | st.just({"store": True}),
)  # fmt: skip
ENDPOINT = Endpoint(
    address="http://a", upstream_model="m", capabilities={"reasoning_content": Capability(supported=True)}
)


@given(REQUESTS)
def test_what_our_dialect_writes_our_front_reads(request_):
    encoded = OpenAIChat().encode(request_, ENDPOINT, stream=False)
    call = read_chat(encoded.call.body)
    assert call.request == request_
    assert not encoded.warnings
    assert not call.warnings


@pytest.mark.parametrize(
    ("given_input", "expected"),
    [
        ("a", (EmbeddingInput(text="a"),)),
        (["a", "b"], (EmbeddingInput(text="a"), EmbeddingInput(text="b"))),
        ([1, 2], (EmbeddingInput(token_ids=TokenIds((1, 2))),)),
        ([[1], [2, 3]], (EmbeddingInput(token_ids=TokenIds((1,))), EmbeddingInput(token_ids=TokenIds((2, 3))))),
    ],
    ids=["text", "texts", "tokens", "lists-of-tokens"],
)
def test_embeddings_take_all_four_forms_of_input(given_input, expected):
    call = read_embeddings(orjson.dumps({"model": "m", "input": given_input, "dimensions": 8, "x": 1}))
    assert call.request.inputs == expected
    assert call.request.dimensions == 8
    assert call.request.extra == {"x": 1}
    assert not call.base64


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": 5}, "input"),
        ({"input": [1, "a"]}, "input"),
        ({"input": ["a", 1]}, "input[1]"),
        ({"input": [[1, -1]]}, "input[0]"),
        ({"input": [True]}, "input[0]"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
        ({"input": "a", "dimensions": "8"}, "dimensions"),
    ],
    ids=str,
)
def test_wrong_embeddings_are_named_by_their_path(body, param):
    with pytest.raises(InvalidArgumentError) as caught:
        read_embeddings(orjson.dumps({"model": "m", **body}))
    assert [violation.field for violation in caught.value.violations] == [param]


def test_base64_is_asked_for_by_its_name():
    assert read_embeddings(b'{"model":"m","input":"a","encoding_format":"base64"}').base64


def test_a_tool_can_be_marked_for_the_cache():
    marked = {"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    call = chat(tools=[marked])
    assert call.request.tools == (Tool("f", cache_control="1h"),)
    assert call.warnings == ()
