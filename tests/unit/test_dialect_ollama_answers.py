"""What an Ollama's answers hold, beside what the golden bytes show."""

import json

import pytest

from airegistry.dialects.ollama.chat import OllamaChat
from airegistry.dialects.ollama.relays import OwnWords
from airegistry.errors import MalformedAnswerError
from airegistry.invocations.chat import ChatRequest, ChatResponse, Message, Role
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock
from airegistry.invocations.kinds import RawResponse
from airegistry.invocations.streaming import UsageSeen, WireSeen
from airegistry.invocations.usage import Usage

DONE = {"model": "m", "created_at": "2026-05-14T09:31:07.1Z", "done": True, "done_reason": "stop"}
HI = Message(Role.USER, (ContentBlock(text=TextBlock("Hi")),))


def decoded(message, request=None, **more):
    body = json.dumps({**DONE, "message": message, **more}).encode()
    output = OllamaChat().decode(request or ChatRequest(), 200, {}, body).output
    assert isinstance(output, ChatResponse)
    return output


def blocks_of(message, request=None):
    (choice,) = decoded(message, request).choices
    assert choice.message is not None
    return choice.message.content


def test_calls_of_different_turns_never_share_an_id():
    call = {"function": {"name": "f", "arguments": {}}}
    ids = [
        [block.tool_call.id for block in blocks_of({"tool_calls": [call, call]}, ChatRequest(messages=(HI,) * turns))]
        for turns in (1, 3)
    ]
    assert ids == [["call_1_0", "call_1_1"], ["call_3_0", "call_3_1"]]


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("2026-05-14T09:31:07.101385406Z", 1778751067),
        ("2026-05-14T09:31:07.101385406+02:00", 1778743867),
        ("2026-05-14T09:31:07Z", 1778751067),
        ("soon", None),
        ("", None),
    ],
)
def test_when_it_was_made(time, seconds):
    assert decoded({"content": "Hi"}, created_at=time).created == seconds


@pytest.mark.parametrize(
    ("arguments", "text"), [({"x": 1}, '{"x":1}'), ('{"x": 1}', '{"x": 1}'), (None, "")], ids=["object", "text", "none"]
)
def test_arguments_are_text_here(arguments, text):
    (block,) = blocks_of({"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": arguments}}]})
    assert block.tool_call.arguments == text


def test_an_image_of_no_known_kind_is_bytes():
    (block,) = blocks_of({"images": ["aGk="]})
    assert block.image == MediaBlock(data=b"hi", media_type="application/octet-stream")


@pytest.mark.parametrize(
    "message",
    [
        [],
        "Hi",
        {"content": 3},
        {"images": "aGk="},
        {"images": ["%"]},
        {"tool_calls": {}},
        {"tool_calls": [{"function": {"arguments": {}}}]},
        {"tool_calls": [{"function": {"name": "f", "arguments": 3}}]},
    ],
    ids=["list", "text", "number", "images", "base64", "calls", "nameless", "arguments"],
)
def test_what_is_none_is_malformed(message):
    with pytest.raises(MalformedAnswerError):
        decoded(message)


@pytest.mark.parametrize("count", [-1, "many", 2**70], ids=["negative", "words", "huge"])
def test_a_count_that_is_none_is_malformed(count):
    with pytest.raises(MalformedAnswerError):
        decoded({"content": "Hi"}, eval_count=count)


def test_own_words_are_answered_as_they_are():
    wire = json.dumps({**DONE, "response": "Hi", "context": [1], "prompt_eval_count": 3, "eval_count": 1}).encode()
    dialect, request = OllamaChat(), OwnWords("ollama.chat", body=b"{}")
    answer = dialect.decode(request, 200, {"content-type": "application/json"}, wire)
    assert answer.output == RawResponse(200, "application/json", wire)
    assert answer.usage == Usage(input_tokens=3, output_tokens=1)
    decoder = dialect.decoder(request)
    items = [*decoder.feed(wire + b"\n"), *decoder.close()]
    assert [item.data for item in items if isinstance(item, WireSeen)] == [wire]
    assert [item.usage for item in items if isinstance(item, UsageSeen)] == [answer.usage]
