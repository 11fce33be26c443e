"""The messages of OpenAI's chat completions as turns and blocks, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.dialects.openai.chat import OpenAIChat
from airegistry.invocations.chat import ChatRequest, Message, Reasoning, Role, Tool, ToolChoice, ToolChoiceMode
from airegistry.invocations.content import (
    ContentBlock,
    MediaBlock,
    RefusalBlock,
    TextBlock,
    ThinkingBlock,
    ToolCall,
    ToolResult,
)
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Capability
from gateway.fronts.openai.requests import read_chat
from tests.blocks import text
from tests.openai_calls import chat, turn


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
