"""Chunks that only go on with a text are known by a shorter way, read or relayed, and all others are not."""

import json

import pytest

from airegistry.dialects.events.sse import SSEvent
from airegistry.dialects.openai.shortcuts import Read, Relayed
from airegistry.dialects.openai.stream import ChatEvents
from airegistry.invocations.chat import ChatDelta, ChatRequest

REQUEST = ChatRequest()


def chunk(delta, finish=None, index=0, **facts):
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **facts}


def event(value, name=""):
    return SSEvent(json.dumps(value).encode(), name)


SPEAKING = chunk({"content": "a"})
FURTHER = [
    pytest.param(chunk({"content": "b"}), id="text"),
    pytest.param(chunk({"content": "b"}, usage=None, obfuscation="xx", system_fingerprint=None), id="facts"),
    pytest.param(chunk({"content": "b", "role": "assistant", "tool_calls": None, "refusal": None}), id="nulls"),
    pytest.param(chunk({"content": "é\n"}), id="not-ascii"),
]
NONSENSE = [
    pytest.param(b'{"choices": [nonsense]}', id="nonsense"),
    pytest.param(b'{"choices":[{"index":0,"delta":{"content":"\xff"}}]}', id="no-utf-8"),
    pytest.param(
        b'{"choices":[{"index":0,"delta":{"content":"b"}}],"x":' + b"[" * 9_000 + b"]" * 9_000 + b"}", id="deep"
    ),
]
WAYS = [pytest.param(Read, id="read"), pytest.param(Relayed, id="relayed")]
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
    pytest.param(chunk({"content": "b"}, object="error"), "", id="error-object"),
    pytest.param(SPEAKING, "error", id="error-event"),
]
SAID = {"empty", "null", "nothing", "refusal", "unknown-in-delta", "usage", "two-choices"}
"""Those that a stream may hold and go on."""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", FURTHER)
def test_a_chunk_that_only_goes_on_with_a_text_is_known_by_its_shape(value, way):
    events = ChatEvents(REQUEST)
    assert way(events.chunks).further(event(value)) is None
    events.take(event(SPEAKING))
    assert way(events.chunks).further(event(value)) is not None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("value", "name"), OTHERS)
def test_a_chunk_that_holds_anything_else_is_read(value, name, way):
    events = ChatEvents(REQUEST)
    events.take(event(SPEAKING))
    assert way(events.chunks).further(event(value, name)) is None


@pytest.mark.parametrize("way", WAYS)
def test_no_text_follows_an_end(way):
    events = ChatEvents(REQUEST)
    events.take(event(chunk({"content": "a"}, "stop")))
    assert way(events.chunks).further(event(SPEAKING)) is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("data", NONSENSE)
def test_what_is_no_json_is_left_to_the_reader(data, way):
    events = ChatEvents(REQUEST)
    events.take(event(SPEAKING))
    assert way(events.chunks).further(SSEvent(data)) is None


@pytest.mark.parametrize("fact", ["system_fingerprint", "service_tier", "provider"])
def test_a_fact_is_read_where_it_is_news_and_passes_where_it_is_repeated(fact):
    events = ChatEvents(REQUEST)
    events.take(event(SPEAKING))
    told = event(chunk({"content": "b"}, **{fact: "x"}))
    assert Read(events.chunks).further(told) is None
    events.take(told)
    assert Read(events.chunks).further(told) == ChatDelta(text="b")
    assert Read(events.chunks).further(event(chunk({"content": "b"}, **{fact: "y"}))) is None


@pytest.mark.parametrize("facts", [{"brand_new": 1}, {"created": "today"}, {"service_tier": ""}], ids=str)
def test_a_fact_that_is_not_known_is_read(facts):
    events = ChatEvents(REQUEST)
    events.take(event(SPEAKING))
    assert Read(events.chunks).further(event(chunk({"content": "b"}, **facts))) is None


def test_log_probabilities_are_only_relayed():
    events = ChatEvents(REQUEST)
    events.take(event(SPEAKING))
    value = chunk({"content": "b"})
    value["choices"][0]["logprobs"] = {"content": [{"token": "b", "logprob": -1.0}]}
    assert Read(events.chunks).further(event(value)) is None
    assert Relayed(events.chunks).further(event(value)) is not None
