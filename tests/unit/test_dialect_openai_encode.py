"""A canonical conversation as OpenAI's JSON: every field is mapped, named in a warning, or refused."""

import dataclasses

import orjson
import pytest

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
from airegistry.invocations.embeddings import EmbeddingsRequest
from airegistry.resources.endpoint import Communication, Endpoint
from airegistry.resources.model import Capability

ENDPOINT = Endpoint(address="https://api.example/v1", upstream_model="m-1")
YES, NO = Capability(supported=True), Capability(supported=False)


def text(words, **fields):
    return ContentBlock(text=TextBlock(words, **fields))


def user(*blocks):
    return Message(Role.USER, blocks)


def encode(request, endpoint=ENDPOINT, *, stream=False):
    encoded = OpenAIChat().encode(request, endpoint, stream=stream)
    return orjson.loads(encoded.call.body), {warning.path for warning in encoded.warnings}


def messages_of(*messages, endpoint=ENDPOINT):
    body, warned = encode(ChatRequest(messages), endpoint)
    return body["messages"], warned


HI = ChatRequest((user(text("hi")),))


def test_the_call_goes_below_the_address_with_the_declared_headers():
    communication = Communication(headers={"x-title": "t"})
    call = OpenAIChat().encode(HI, dataclasses.replace(ENDPOINT, communication=communication), stream=False).call
    assert (call.method, call.url) == ("POST", "https://api.example/v1/chat/completions")
    assert call.headers == {"x-title": "t", "content-type": "application/json", "accept": "application/json"}


def test_a_declared_path_replaces_the_usual_one():
    endpoint = Endpoint(address="https://a/", upstream_model="m", communication=Communication(path="openai/chat"))
    assert OpenAIChat().encode(HI, endpoint, stream=True).call.url == "https://a/openai/chat"


def test_a_stream_asks_for_its_usage():
    body, _ = encode(HI, stream=True)
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert OpenAIChat().encode(HI, ENDPOINT, stream=True).call.headers["accept"] == "text/event-stream"


def test_a_server_that_does_not_know_stream_options_is_spared_them():
    body, _ = encode(HI, dataclasses.replace(ENDPOINT, capabilities={"stream_options": NO}), stream=True)
    assert "stream_options" not in body


@pytest.mark.parametrize(
    ("capabilities", "name"),
    [
        ({}, "max_tokens"),
        ({"max_completion_tokens": YES}, "max_completion_tokens"),
        ({"max_completion_tokens": NO}, "max_tokens"),
    ],
    ids=["unsaid", "declared", "denied"],
)
def test_the_limit_goes_by_the_name_that_the_endpoint_declares(capabilities, name):
    request = dataclasses.replace(HI, max_output_tokens=9)
    body, _ = encode(request, dataclasses.replace(ENDPOINT, capabilities=capabilities))
    assert {key: value for key, value in body.items() if key.startswith("max_")} == {name: 9}


def test_every_option_is_mapped():
    request = ChatRequest(
        messages=(user(text("hi")),),
        max_output_tokens=1,
        temperature=0.0,
        top_p=0.5,
        stop_sequences=("a", "b"),
        tools=(Tool("f", "does f", {"type": "object"}, strict=True), Tool("g")),
        tool_choice=ToolChoice(ToolChoiceMode.NAMED, "f"),
        parallel_tool_calls=False,
        response_format=ResponseFormat(
            ResponseFormatKind.JSON_SCHEMA, {"type": "object"}, strict=False, description="d"
        ),
        reasoning=Reasoning(effort="low"),
        seed=-7,
        choice_count=2,
        presence_penalty=-1.0,
        frequency_penalty=0.0,
        top_logprobs=3,
        user="u",
        output_modalities=("text", "audio"),
        extra={"store": True, "metadata": {"a": "b"}},
    )
    body, warned = encode(request)
    assert not warned
    assert body == {
        "model": "m-1",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 1,
        "temperature": 0.0,
        "top_p": 0.5,
        "stop": ["a", "b"],
        "tools": [
            {
                "type": "function",
                "function": {"name": "f", "description": "does f", "parameters": {"type": "object"}, "strict": True},
            },
            {"type": "function", "function": {"name": "g"}},
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": False,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "response", "schema": {"type": "object"}, "description": "d", "strict": False},
        },
        "reasoning_effort": "low",
        "seed": -7,
        "n": 2,
        "presence_penalty": -1.0,
        "frequency_penalty": 0.0,
        "logprobs": True,
        "top_logprobs": 3,
        "user": "u",
        "modalities": ["text", "audio"],
        "store": True,
        "metadata": {"a": "b"},
    }


def test_no_field_of_the_request_is_forgotten():
    # Whoever adds a field to the canonical request says here what becomes of it.
    mapped_above = {
        "messages", "max_output_tokens", "temperature", "top_p", "stop_sequences", "tools", "tool_choice",
        "parallel_tool_calls", "response_format", "reasoning", "seed", "choice_count", "presence_penalty",
        "frequency_penalty", "top_logprobs", "user", "output_modalities", "extra",
    }  # fmt: skip
    warned_or_declared = {"top_k"}
    assert {field.name for field in dataclasses.fields(ChatRequest)} == mapped_above | warned_or_declared


def test_what_is_unset_is_not_sent():
    body, warned = encode(HI)
    assert set(body) == {"model", "messages"}
    assert not warned


@pytest.mark.parametrize(
    ("mode", "word"),
    [
        (None, "auto"),
        (ToolChoiceMode.AUTO, "auto"),
        (ToolChoiceMode.NONE, "none"),
        (ToolChoiceMode.REQUIRED, "required"),
    ],
    ids=["unset", "auto", "none", "required"],
)
def test_a_tool_choice_is_a_word(mode, word):
    assert encode(dataclasses.replace(HI, tool_choice=ToolChoice(mode)))[0]["tool_choice"] == word


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(None, "text"), (ResponseFormatKind.TEXT, "text"), (ResponseFormatKind.JSON_OBJECT, "json_object")],
    ids=["unset", "text", "json"],
)
def test_a_plain_response_format_is_its_type(kind, expected):
    body, _ = encode(dataclasses.replace(HI, response_format=ResponseFormat(kind)))
    assert body["response_format"] == {"type": expected}


def test_logprobs_of_the_chosen_tokens_need_no_number():
    body, _ = encode(dataclasses.replace(HI, top_logprobs=0))
    assert body["logprobs"] is True
    assert "top_logprobs" not in body


def test_top_k_is_sent_to_those_who_declare_it_and_warned_of_elsewhere():
    request = dataclasses.replace(HI, top_k=5)
    assert encode(request)[1] == {"chat.top_k"}
    body, warned = encode(request, dataclasses.replace(ENDPOINT, capabilities={"top_k": YES}))
    assert (body["top_k"], warned) == (5, set())


def test_top_k_passes_in_extra():
    assert encode(dataclasses.replace(HI, extra={"top_k": 5}))[0]["top_k"] == 5


@pytest.mark.parametrize(
    "name", ["temperature", "max_tokens", "max_completion_tokens", "stream_options", "model", "messages"]
)
def test_extra_must_not_repeat_a_field_of_the_request(name):
    with pytest.raises(InvalidArgumentError, match=rf"chat\.extra\.{name}"):
        encode(dataclasses.replace(HI, extra={name: 1}))


def test_a_budget_of_thoughts_is_warned_of():
    request = dataclasses.replace(HI, reasoning=Reasoning(max_tokens=5, include_thoughts=True))
    assert encode(request)[1] == {"chat.reasoning.max_tokens", "chat.reasoning.include_thoughts"}


def test_media_become_parts():
    sent, warned = messages_of(
        user(
            text("look"),
            ContentBlock(image=MediaBlock(data=b"\x89P", media_type="image/png", detail="low")),
            ContentBlock(image=MediaBlock(url="https://a/b.png")),
            ContentBlock(audio=MediaBlock(data=b"R", media_type="audio/mpeg")),
            ContentBlock(audio=MediaBlock(data=b"R", media_type="audio/x-wav")),
            ContentBlock(file=MediaBlock(data=b"%", media_type="application/pdf", filename="a.pdf")),
            ContentBlock(file=MediaBlock(file_id="file-1")),
            ContentBlock(video=MediaBlock(url="https://a/b.mp4")),
        )
    )
    assert sent[0]["content"] == [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVA=", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://a/b.png"}},
        {"type": "input_audio", "input_audio": {"data": "Ug==", "format": "mp3"}},
        {"type": "input_audio", "input_audio": {"data": "Ug==", "format": "wav"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JQ==", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "video_url", "video_url": {"url": "https://a/b.mp4"}},
    ]
    assert not warned


@pytest.mark.parametrize(
    ("block", "path"),
    [
        (ContentBlock(image=MediaBlock(file_id="f")), "image.file_id"),
        (ContentBlock(audio=MediaBlock(file_id="f")), "audio.file_id"),
        (ContentBlock(file=MediaBlock(url="https://a/b")), "file.url"),
    ],
    ids=["image-id", "audio-id", "file-url"],
)
def test_media_that_the_format_cannot_name_are_refused(block, path):
    with pytest.raises(UnsupportedFieldError, match=rf"chat\.messages\[0\]\.content\[1\]\.{path}"):
        messages_of(user(text("x"), block))


def test_tool_calls_and_results_are_messages_of_their_own():
    sent, warned = messages_of(
        Message(
            Role.ASSISTANT,
            (ContentBlock(tool_call=ToolCall("c1", "f", '{"a":1}')), ContentBlock(tool_call=ToolCall("c2", "g"))),
        ),
        Message(
            Role.TOOL,
            (
                ContentBlock(tool_result=ToolResult("c1", (text("one"),))),
                ContentBlock(tool_result=ToolResult("c2", (text("no"),), is_error=True)),
            ),
        ),
    )
    assert sent == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
                {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": "no"},
    ]
    assert warned == {"chat.messages[1].content[1].tool_result.is_error"}


def test_results_within_a_users_turn_go_before_its_words():
    result = ContentBlock(tool_result=ToolResult("c1", (text("42"),)))
    sent, _ = messages_of(user(text("and now?"), result))
    assert [message["role"] for message in sent] == ["tool", "user"]


def test_a_tools_turn_holds_results_only():
    with pytest.raises(InvalidArgumentError, match=r"chat\.messages\[0\]\.role"):
        messages_of(Message(Role.TOOL, (text("x"),)))


def test_thoughts_are_sent_only_to_those_who_declare_it():
    turn = Message(Role.ASSISTANT, (ContentBlock(thinking=ThinkingBlock("hm", "sig")), text("yes")))
    sent, warned = messages_of(turn)
    assert sent == [{"role": "assistant", "content": "yes"}]
    assert warned == {"chat.messages[0].content[0].thinking"}
    sent, warned = messages_of(turn, endpoint=dataclasses.replace(ENDPOINT, capabilities={"reasoning_content": YES}))
    assert sent == [{"role": "assistant", "content": "yes", "reasoning_content": "hm"}]
    assert warned == {"chat.messages[0].content[0].thinking"}


def test_an_earlier_refusal_and_earlier_sound_are_named():
    spoken = text("Hello.", annotations=({"type": "audio_transcript", "id": "audio_1"},))
    sound = ContentBlock(audio=MediaBlock(data=b"RIFF", media_type="audio/wav"))
    sent, warned = messages_of(
        Message(Role.ASSISTANT, (ContentBlock(refusal=RefusalBlock("no")),)), Message(Role.ASSISTANT, (spoken, sound))
    )
    assert sent == [
        {"role": "assistant", "content": None, "refusal": "no"},
        {"role": "assistant", "content": None, "audio": {"id": "audio_1"}},
    ]
    assert not warned


def test_earlier_sound_without_an_id_is_warned_of():
    sound = ContentBlock(audio=MediaBlock(data=b"RIFF", media_type="audio/wav"))
    assert messages_of(Message(Role.ASSISTANT, (text("x"), sound)))[1] == {"chat.messages[0].content[1].audio"}


def test_cache_marks_and_annotations_are_warned_of():
    marked = ContentBlock(text=TextBlock("x", ({"type": "url_citation"},)), cache_control="ephemeral")
    assert messages_of(user(marked))[1] == {
        "chat.messages[0].content[0].cache_control",
        "chat.messages[0].content[0].text.annotations",
    }


@pytest.mark.parametrize(
    ("block", "path"),
    [
        (text("x", annotations=({"type": "url_citation"},)), "text.annotations"),
        (ContentBlock(text=TextBlock("x"), cache_control="1h"), "cache_control"),
    ],
)
def test_one_text_of_a_turn_is_sent_as_it_is_without_what_is_warned_of(block, path):
    sent, warned = messages_of(user(block))
    assert sent == [{"role": "user", "content": "x"}]
    assert warned == {f"chat.messages[0].content[0].{path}"}


def test_names_and_roles_are_kept():
    sent, _ = messages_of(Message(Role.SYSTEM, (text("a"), text("b"))), Message(Role.USER, (text("c"),), "ann"))
    assert sent == [
        {"role": "system", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "user", "content": "c", "name": "ann"},
    ]


@pytest.mark.parametrize("extra", [{"a": "\ud800"}, {"a": 2**70}], ids=["lone-surrogate", "huge-integer"])
def test_what_json_cannot_hold_is_the_callers_mistake(extra):
    with pytest.raises(InvalidArgumentError, match="cannot be written as JSON"):
        encode(dataclasses.replace(HI, extra=extra))


def test_another_kind_of_request_is_refused():
    dialect = OpenAIChat()
    assert not dialect.speaks(EmbeddingsRequest())
    with pytest.raises(UnsupportedFieldError):
        dialect.encode(EmbeddingsRequest(), ENDPOINT, stream=False)


def test_a_tool_that_is_marked_for_the_cache_is_named():
    body, warned = encode(dataclasses.replace(HI, tools=(Tool("f"), Tool("g", cache_control="ephemeral"))))
    assert warned == {"chat.tools[1].cache_control"}
    assert all("cache_control" not in tool for tool in body["tools"])
