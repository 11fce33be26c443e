"""Relayed chunks that only go on with a text are known by a shorter way, and all others are not."""

import json

import pytest

from airegistry.dialects.events.sse import SSEDecoder, SSEvent
from airegistry.dialects.events.streams import EventStream
from airegistry.dialects.openai.stream import ChatEvents, chat_stream
from airegistry.invocations.chat import ChatRequest

REQUEST = ChatRequest()


def chunk(delta, finish=None, index=0, **facts):
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **facts}


def event(value, name=""):
    return SSEvent(json.dumps(value).encode(), name)


SPEAKING = chunk({"content": "a"})
FURTHER = [
    pytest.param(chunk({"content": "b"}), id="text"),
    pytest.param(
        chunk({"content": "b"}, usage=None, system_fingerprint="fp", obfuscation="xx"), id="known-and-unknown"
    ),
    pytest.param(chunk({"content": "é\n"}), id="not-ascii"),
]
OTHERS = [
    pytest.param(chunk({"content": ""}), "", id="empty"),
    pytest.param(chunk({"content": None}), "", id="null"),
    pytest.param(chunk({}), "", id="nothing"),
    pytest.param(chunk({"content": "b"}, "stop"), "", id="end"),
    pytest.param(chunk({"content": "b", "tool_calls": [{"index": 0, "id": "c"}]}), "", id="tool-call"),
    pytest.param(chunk({"content": "b", "refusal": "no"}), "", id="refusal"),
    pytest.param(chunk({"content": "b", "brand_new": 1}), "", id="unknown-in-delta"),
    pytest.param(chunk({"content": "b"}, index=1), "", id="another-choice"),
    pytest.param(chunk({"content": "b"}, usage={"prompt_tokens": 1}), "", id="usage"),
    pytest.param(chunk({"content": "b"}, error={"message": "no"}), "", id="error"),
    pytest.param({**SPEAKING, "choices": []}, "", id="no-choice"),
    pytest.param({**SPEAKING, "choices": [*SPEAKING["choices"], *SPEAKING["choices"]]}, "", id="two-choices"),
    pytest.param([1], "", id="no-object"),
    pytest.param(SPEAKING, "error", id="error-event"),
]


@pytest.mark.parametrize("value", FURTHER)
def test_a_chunk_that_only_goes_on_with_a_text_passes(value):
    events = ChatEvents(REQUEST)
    assert not events.passing(event(value))
    events.take(event(SPEAKING))
    assert events.passing(event(value))


@pytest.mark.parametrize(("value", "name"), OTHERS)
def test_a_chunk_that_holds_anything_else_is_read(value, name):
    events = ChatEvents(REQUEST)
    events.take(event(SPEAKING))
    assert not events.passing(event(value, name))


def test_no_text_follows_an_end():
    events = ChatEvents(REQUEST)
    events.take(event(chunk({"content": "a"}, "stop")))
    assert not events.passing(event(SPEAKING))


def test_what_is_not_json_is_left_to_the_reader():
    events = ChatEvents(REQUEST)
    events.take(event(SPEAKING))
    assert not events.passing(SSEvent(b'{"choices": [nonsense]}'))


def test_the_shorter_way_gives_what_the_long_one_gives():
    values = [chunk({"role": "assistant", "content": ""}), SPEAKING, *(each.values[0] for each in FURTHER)]
    values += [chunk({}, "stop"), {**SPEAKING, "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}]
    wire = b"".join(b"data: %s\n\n" % json.dumps(value).encode() for value in values) + b"data: [DONE]\n\n"
    quick, long = chat_stream(REQUEST, relay=True), EventStream(SSEDecoder(), ChatEvents(REQUEST), relay=True)
    assert quick.feed(wire) + quick.close() == long.feed(wire) + long.close()
