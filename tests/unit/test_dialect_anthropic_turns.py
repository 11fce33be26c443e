"""The turns of a canonical conversation as Anthropic's JSON: who said what, calls and results, thoughts."""

import dataclasses

import pytest

from airegistry.dialects.anthropic.messages import AnthropicMessages
from airegistry.invocations.chat import Message, Role
from airegistry.invocations.content import (
    ContentBlock,
    MediaBlock,
    RefusalBlock,
    TextBlock,
    ThinkingBlock,
    ToolCall,
    ToolResult,
)
from airegistry.resources.endpoint import Communication
from tests.anthropic_requests import ENDPOINT, HI, PNG, YES, encode, knowing, refused_at, said, turns_of, user
from tests.blocks import text

CITED = {"type": "char_location", "cited_text": "x"}


def result(id_, *blocks, **fields):
    return ContentBlock(tool_result=ToolResult(id_, blocks, **fields))


def call(id_="c", arguments="{}"):
    return ContentBlock(tool_call=ToolCall(id_, "f", arguments))


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
