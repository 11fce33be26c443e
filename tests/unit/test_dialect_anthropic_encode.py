"""A canonical conversation as Anthropic's JSON: every field is mapped, named in a warning, or refused."""

import base64
import dataclasses
from typing import Any

import orjson
import pytest

from airegistry.dialects.anthropic.messages import AnthropicMessages
from airegistry.dialects.base import CountsTokens, Dialect
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.chat import (
    ChatRequest,
    Message,
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
from airegistry.resources.model import Capability, ModelLimits

ENDPOINT = Endpoint(address="https://api.example", upstream_model="m-1")
YES, NO = Capability(supported=True), Capability(supported=False)
PNG = base64.b64encode(b"png").decode()
CITED = {"type": "char_location", "cited_text": "x"}


def text(words, **fields):
    return ContentBlock(text=TextBlock(words), **fields)


def user(*blocks):
    return Message(Role.USER, blocks)


def said(*blocks):
    return Message(Role.ASSISTANT, blocks)


def result(id_, *blocks, **fields):
    return ContentBlock(tool_result=ToolResult(id_, blocks, **fields))


def call(id_="c", arguments="{}"):
    return ContentBlock(tool_call=ToolCall(id_, "f", arguments))


def knowing(**capabilities):
    return dataclasses.replace(ENDPOINT, capabilities=capabilities)


HI = ChatRequest((user(text("hi")),), max_output_tokens=100)


def encode(request, endpoint=ENDPOINT, *, stream=False):
    encoded = AnthropicMessages().encode(request, endpoint, stream=stream)
    return orjson.loads(encoded.call.body), {warning.path for warning in encoded.warnings}


def turns_of(*messages, endpoint=ENDPOINT):
    body, warned = encode(dataclasses.replace(HI, messages=messages), endpoint)
    return body["messages"], warned


def refused_at(request, endpoint=ENDPOINT):
    with pytest.raises(UnsupportedFieldError) as raised:
        encode(request, endpoint)
    (violation,) = raised.value.violations
    return violation.field


def test_it_is_a_dialect_that_counts():
    assert isinstance(AnthropicMessages(), Dialect)
    assert isinstance(AnthropicMessages(), CountsTokens)


def test_the_call_goes_below_the_address_with_the_version_of_the_format():
    call_ = AnthropicMessages().encode(HI, ENDPOINT, stream=True).call
    assert (call_.method, call_.url) == ("POST", "https://api.example/v1/messages")
    assert call_.headers == {
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
        "accept": "text/event-stream",
    }


def test_an_endpoint_may_say_another_version_path_and_betas():
    communication = Communication(path="/anthropic", headers={"anthropic-version": "2027-01-01", "anthropic-beta": "b"})
    call_ = (
        AnthropicMessages().encode(HI, dataclasses.replace(ENDPOINT, communication=communication), stream=False).call
    )
    assert call_.url == "https://api.example/anthropic"
    assert call_.headers["anthropic-version"] == "2027-01-01"
    assert call_.headers["anthropic-beta"] == "b"


def test_only_conversations_are_spoken():
    assert not AnthropicMessages().speaks(EmbeddingsRequest())
    with pytest.raises(UnsupportedFieldError):
        AnthropicMessages().encode(EmbeddingsRequest(), ENDPOINT, stream=False)


def test_every_option_is_mapped():
    request = ChatRequest(
        messages=(Message(Role.SYSTEM, (text("Be brief."),)), user(text("hi"))),
        max_output_tokens=9,
        temperature=0.5,
        top_p=0.9,
        top_k=3,
        stop_sequences=("a", "b"),
        tools=(Tool("f", "does f", {"properties": {}}, strict=True), Tool("g", cache_control="1h")),
        tool_choice=ToolChoice(ToolChoiceMode.NAMED, "f"),
        parallel_tool_calls=False,
        user="u",
        extra={"service_tier": "auto", "container": "c"},
    )
    body, warned = encode(request, stream=True)
    assert not warned
    assert body == {
        "model": "m-1",
        "max_tokens": 9,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [
            {
                "name": "f",
                "description": "does f",
                "input_schema": {"type": "object", "properties": {}},
                "strict": True,
            },
            {
                "name": "g",
                "input_schema": {"type": "object", "properties": {}},
                "cache_control": {"type": "ephemeral", "ttl": "1h"},
            },
        ],
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 3,
        "stop_sequences": ["a", "b"],
        "metadata": {"user_id": "u"},
        "service_tier": "auto",
        "container": "c",
        "stream": True,
    }


def test_what_has_no_field_is_named():
    fields: dict[str, Any] = {"seed": 1, "presence_penalty": 0.5, "frequency_penalty": 0.5, "top_logprobs": 2}
    body, warned = encode(dataclasses.replace(HI, **fields))
    assert warned == {f"chat.{name}" for name in fields}
    assert body.keys() == {"model", "max_tokens", "messages"}


@pytest.mark.parametrize(
    ("fields", "endpoint", "path"),
    [
        ({"choice_count": 2}, ENDPOINT, "chat.choice_count"),
        ({"output_modalities": ("text", "audio")}, ENDPOINT, "chat.output_modalities"),
        ({"stop_sequences": ("x", "\n")}, ENDPOINT, "chat.stop_sequences[1]"),
        (
            {"stop_sequences": ("x", "y")},
            dataclasses.replace(ENDPOINT, limits=ModelLimits(max_stop_sequences=1)),
            "chat.stop_sequences",
        ),
    ],
    ids=["several-answers", "sound", "stop-at-space", "too-many-stops"],
)
def test_what_cannot_be_said_is_refused(fields, endpoint, path):
    assert refused_at(dataclasses.replace(HI, **fields), endpoint) == path


@pytest.mark.parametrize("name", ["model", "max_tokens", "system", "tools"])
def test_extra_repeats_no_field_of_the_request(name):
    with pytest.raises(InvalidArgumentError):
        encode(dataclasses.replace(HI, extra={name: 1}))


def test_a_missing_limit_is_the_endpoints_own():
    endpoint = dataclasses.replace(ENDPOINT, limits=ModelLimits(max_output_tokens=8192))
    assert encode(dataclasses.replace(HI, max_output_tokens=None), endpoint)[0]["max_tokens"] == 8192


def test_a_limit_that_nobody_states_is_a_default_and_said_so():
    body, warned = encode(dataclasses.replace(HI, max_output_tokens=None))
    assert body["max_tokens"] == 4096
    assert warned == {"chat.max_output_tokens"}


@pytest.mark.parametrize(
    ("capabilities", "sent", "warned"),
    [
        ({}, {"temperature": 1, "top_p": 0.9, "top_k": 3}, {"chat.temperature"}),
        ({"temperature_with_top_p": NO}, {"temperature": 1, "top_k": 3}, {"chat.temperature", "chat.top_p"}),
        ({"sampling_parameters": NO}, {}, {"chat.temperature", "chat.top_p", "chat.top_k"}),
    ],
    ids=["unsaid", "one-of-them", "none"],
)
def test_sampling_follows_what_the_endpoint_takes(capabilities, sent, warned):
    body, paths = encode(dataclasses.replace(HI, temperature=1.5, top_p=0.9, top_k=3), knowing(**capabilities))
    assert {name: body[name] for name in ("temperature", "top_p", "top_k") if name in body} == sent
    assert paths == warned


# The conversation


def test_system_messages_at_the_front_become_the_system_prompt():
    system = Message(Role.SYSTEM, (text("a"), text("b", cache_control="ephemeral")))
    body, warned = encode(dataclasses.replace(HI, messages=(system, Message(Role.SYSTEM, (text("c"),)), *HI.messages)))
    assert not warned
    assert body["system"] == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "c"},
    ]


LATER = (user(text("hi")), Message(Role.SYSTEM, (text("Now in French."),)), said(text("Salut")), user(text("?")))


def test_a_later_system_message_goes_to_the_front_and_is_named():
    body, warned = encode(dataclasses.replace(HI, messages=LATER))
    assert body["system"] == "Now in French."
    assert warned == {"chat.messages[1]"}
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]


def test_a_later_system_message_stays_where_the_endpoint_takes_it():
    body, warned = encode(dataclasses.replace(HI, messages=LATER), knowing(system_turns=YES))
    assert not warned
    assert "system" not in body
    assert body["messages"][1] == {"role": "system", "content": "Now in French."}


def test_a_system_message_between_two_of_the_user_cannot_stay():
    messages = (user(text("a")), Message(Role.SYSTEM, (text("s"),)), user(text("b")))
    body, warned = encode(dataclasses.replace(HI, messages=messages), knowing(system_turns=YES))
    assert body["system"] == "s"
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    ]
    assert warned == {"chat.messages[1]"}


def test_results_of_parallel_calls_come_in_one_turn_and_first():
    turns, warned = turns_of(
        user(text("go")),
        said(text("I call."), call("a", '{"x": 1.10}'), call("b.1", "")),
        Message(Role.TOOL, (result("a", text("1")),)),
        Message(Role.TOOL, (result("b.1", text("2"), ContentBlock(image=MediaBlock(b"png", media_type="image/png"))),)),
        user(text("and?"), result("c", is_error=True)),
    )
    assert not warned
    assert turns == [
        {"role": "user", "content": "go"},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "I call."},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1.1}},
                {"type": "tool_use", "id": "b_1", "name": "f", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "1"},
                {
                    "type": "tool_result",
                    "tool_use_id": "b_1",
                    "content": [
                        {"type": "text", "text": "2"},
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": PNG},
                        },
                    ],
                },
                {"type": "tool_result", "tool_use_id": "c", "is_error": True},
                {"type": "text", "text": "and?"},
            ],
        },
    ]


def test_arguments_of_calls_keep_their_bytes():
    request = dataclasses.replace(
        HI, messages=(*HI.messages, said(call("a", '{"n":  12345678901234567890123}')), user(text("x")))
    )
    assert (
        b'"input":{"n":  12345678901234567890123}'
        in AnthropicMessages().encode(request, ENDPOINT, stream=False).call.body
    )


@pytest.mark.parametrize("arguments", ["{", "[1]", '"x"', "nonsense"])
def test_arguments_that_are_no_object_are_sent_as_a_member_of_one(arguments):
    turns, warned = turns_of(user(text("go")), said(call("a", arguments)), user(result("a", text("no"))))
    assert turns[1]["content"][0]["input"] == {"INVALID_JSON": arguments}
    assert warned == {"chat.messages[1].content[0].tool_call.arguments"}


def test_thoughts_go_back_as_they_came():
    turns, warned = turns_of(
        user(text("hi")),
        said(
            ContentBlock(thinking=ThinkingBlock("hm", "sig==")),
            ContentBlock(thinking=ThinkingBlock(redacted_data=b"opaque+/=")),
            text("yes"),
        ),
        user(text("?")),
    )
    assert not warned
    assert turns[1]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "sig=="},
        {"type": "redacted_thinking", "data": "opaque+/="},
        {"type": "text", "text": "yes"},
    ]


UNSIGNED = (
    user(text("hi")),
    said(ContentBlock(thinking=ThinkingBlock("hm"), cache_control="1h"), text("yes")),
    user(text("?")),
)


def test_a_thought_without_signature_is_not_sent():
    turns, warned = turns_of(*UNSIGNED)
    assert turns[1] == {"role": "assistant", "content": "yes"}
    assert warned == {"chat.messages[1].content[0].thinking", "chat.messages[1].content[0].cache_control"}


@pytest.mark.parametrize("signature", ["gemini:sig", "openai.responses:sig"])
def test_a_thought_that_another_provider_signed_is_not_sent(signature):
    thought = ContentBlock(thinking=ThinkingBlock("hm", signature))
    turns, warned = turns_of(user(text("hi")), said(thought, text("yes")), user(text("?")))
    assert turns[1] == {"role": "assistant", "content": "yes"}
    assert warned == {"chat.messages[1].content[0].thinking"}


def test_a_server_that_signs_nothing_takes_thoughts_without():
    turns, warned = turns_of(*UNSIGNED, endpoint=knowing(unsigned_thinking=YES))
    assert turns[1]["content"][0] == {"type": "thinking", "thinking": "hm", "signature": ""}
    assert warned == {"chat.messages[1].content[0].cache_control"}


def test_what_the_assistant_said_otherwise_is_text():
    cited = ContentBlock(text=TextBlock("x", (CITED, {"type": "url_citation"})))
    turns, warned = turns_of(user(text("hi")), said(cited, ContentBlock(refusal=RefusalBlock("No."))), user(text("?")))
    assert turns[1]["content"] == [
        {"type": "text", "text": "x", "citations": [CITED]},
        {"type": "text", "text": "No."},
    ]
    assert warned == {"chat.messages[1].content[0].text.annotations"}


def test_what_is_empty_is_left_out_and_its_neighbours_become_one():
    turns, warned = turns_of(user(text("a"), text("")), said(), said(text(" \n")), user(text("b")))
    assert turns == [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
    assert warned == {"chat.messages[1]", "chat.messages[2]", "chat.messages[2].content[0].text"}


def test_a_name_of_a_participant_is_named():
    assert turns_of(Message(Role.USER, (text("a"),), "Ada"))[1] == {"chat.messages[0].name"}


@pytest.mark.parametrize(
    "messages",
    [
        (said(text("a")), user(text("b"))),
        (Message(Role.SYSTEM, (text("a"),)),),
        (user(text(" ")),),
        (user(text("a")), said(text("b"))),
    ],
    ids=["assistant-first", "system-only", "nothing-left", "assistant-last"],
)
def test_a_conversation_that_the_format_cannot_hold_is_refused(messages):
    assert refused_at(dataclasses.replace(HI, messages=messages)) == "chat.messages"


def test_the_beginning_of_an_answer_goes_last_where_it_is_continued():
    endpoint = dataclasses.replace(ENDPOINT, communication=Communication(continues_prefix=True))
    turns, warned = turns_of(user(text("Count.")), said(text("One, two,")), endpoint=endpoint)
    assert turns[-1] == {"role": "assistant", "content": "One, two,"}
    assert not warned
    turns, warned = turns_of(user(text("Count.")), said(text("One, two, ")), endpoint=endpoint)
    assert turns[-1] == {"role": "assistant", "content": "One, two,"}
    assert warned == {"chat.messages"}


# Media


@pytest.mark.parametrize(
    ("block", "wire"),
    [
        (
            {"image": MediaBlock(url="https://x/y.png")},
            {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        ),
        (
            {"image": MediaBlock(url=f"data:image/png;base64,{PNG}")},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        ),
        (
            {"image": MediaBlock(file_id="file_1")},
            {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        ),
        (
            {"file": MediaBlock(b"pdf", media_type="application/pdf", filename="a.pdf")},
            {
                "type": "document",
                "source": {
                    "type": "base64",
                    "media_type": "application/pdf",
                    "data": base64.b64encode(b"pdf").decode(),
                },
                "title": "a.pdf",
            },
        ),
        (
            {"file": MediaBlock("ä,b".encode(), media_type="text/csv")},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "ä,b"}},
        ),
        (
            {"file": MediaBlock(url="https://x/y.pdf"), "cache_control": "ephemeral"},
            {
                "type": "document",
                "source": {"type": "url", "url": "https://x/y.pdf"},
                "cache_control": {"type": "ephemeral"},
            },
        ),
    ],
    ids=["image-url", "data-url", "image-file", "pdf", "text", "pdf-url"],
)
def test_media_are_mapped(block, wire):
    turns, warned = turns_of(user(ContentBlock(**block)))
    assert turns[0]["content"] == [wire]
    assert not warned


@pytest.mark.parametrize(
    ("block", "field"),
    [
        ({"image": MediaBlock(b"x", media_type="image/bmp")}, "image.media_type"),
        ({"image": MediaBlock(url="s3://b/k")}, "image.url"),
        ({"image": MediaBlock(url="data:image/png,x")}, "image.url"),
        ({"file": MediaBlock(b"x", media_type="application/zip")}, "file.media_type"),
        ({"file": MediaBlock(b"\xff", media_type="text/plain")}, "file"),
        ({"audio": MediaBlock(b"x", media_type="audio/wav")}, "audio"),
        ({"video": MediaBlock(url="https://x/y")}, "video"),
    ],
    ids=["bmp", "s3", "bare-data-url", "zip", "not-utf8", "audio", "video"],
)
def test_media_that_no_server_takes_are_refused(block, field):
    request = dataclasses.replace(HI, messages=(user(ContentBlock(**block)),))
    assert refused_at(request) == f"chat.messages[0].content[0].{field}"


def test_how_closely_to_look_is_named():
    block = ContentBlock(image=MediaBlock(url="https://x/y", detail="low"))
    assert turns_of(user(block))[1] == {"chat.messages[0].content[0].image.detail"}


def test_an_image_of_the_assistant_is_refused():
    image = ContentBlock(image=MediaBlock(url="https://x/y"))
    request = dataclasses.replace(HI, messages=(*HI.messages, said(image), user(text("?"))))
    assert refused_at(request) == "chat.messages[1].content[0]"


# Tools and forms


@pytest.mark.parametrize(
    ("choice", "parallel", "wire"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(ToolChoiceMode.REQUIRED), None, {"type": "any"}),
        (ToolChoice(ToolChoiceMode.AUTO), False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(ToolChoiceMode.NONE), False, {"type": "none"}),
        (ToolChoice(), None, {"type": "auto"}),
    ],
    ids=["unset", "parallel", "one-by-one", "required", "auto", "none", "unspecified"],
)
def test_the_choice_of_tools_is_mapped(choice, parallel, wire):
    request = dataclasses.replace(HI, tools=(Tool("f"),), tool_choice=choice, parallel_tool_calls=parallel)
    assert encode(request)[0].get("tool_choice") == wire


def test_a_choice_without_tools_means_nothing():
    body, warned = encode(dataclasses.replace(HI, tool_choice=ToolChoice(ToolChoiceMode.AUTO)))
    assert "tool_choice" not in body
    assert warned == {"chat.tool_choice"}


SCHEMA = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object"}}}}
CLOSED = {
    "type": "object",
    "properties": {"a": {"type": "array", "items": {"type": "object", "additionalProperties": False}}},
    "additionalProperties": False,
}
FORM = ResponseFormat(ResponseFormatKind.JSON_SCHEMA, SCHEMA, "person", description="Who it is.")


def test_a_schema_goes_where_the_endpoint_takes_one():
    body, warned = encode(dataclasses.replace(HI, response_format=FORM), knowing(structured_output=YES))
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": CLOSED}}
    assert "tools" not in body
    assert warned == {"chat.response_format.json_schema"}


def test_a_schema_is_asked_for_by_way_of_a_tool_elsewhere():
    body, warned = encode(dataclasses.replace(HI, response_format=FORM))
    (tool,) = body["tools"]
    assert tool["input_schema"] == SCHEMA
    assert "Who it is." in tool["description"]
    assert body["tool_choice"] == {"type": "tool", "name": tool["name"]}
    assert not warned


def test_the_tool_of_the_answer_stands_beside_those_of_the_caller():
    request = dataclasses.replace(
        HI,
        tools=(Tool("answer_in_json"),),
        response_format=ResponseFormat(ResponseFormatKind.JSON_OBJECT),
        parallel_tool_calls=False,
    )
    body, _ = encode(request, knowing(structured_output=YES))
    assert [tool["name"] for tool in body["tools"]] == ["answer_in_json", "answer_in_json_"]
    assert body["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}


def test_text_needs_no_form():
    assert "tools" not in encode(dataclasses.replace(HI, response_format=ResponseFormat(ResponseFormatKind.TEXT)))[0]
