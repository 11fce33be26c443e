"""The dialect `custom`: answers, streams and errors are read as the endpoint declares."""

import json
from dataclasses import replace
from typing import Any

import pytest

from airegistry.errors import (
    ContentRefusedError,
    ContextLengthError,
    MalformedAnswerError,
    ProviderError,
    ProviderFailedError,
    ProviderRateLimitedError,
    TruncatedAnswerError,
)
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import FinishReason
from airegistry.invocations.usage import Usage
from airegistry.resources.endpoint import StreamFraming
from tests.custom_formats import CHAT, PARROT, WHOLE, assemble_whole, dialect

ITEMS: list[dict[str, Any]] = [
    {"ticket": "t-1", "voice": "polly-2", "m": "Hm."},
    {"w": "Hi, "},
    {"w": "hé! 😀"},
    {"acts": [{"ref": "a", "act": "fly", "with": '{"to":'}]},
    {"acts": [{"ref": "a", "with": '"Oslo"}'}, {"ref": "b", "act": "nap", "with": "{}"}]},
    {"why": "tired", "count": {"heard": 10, "remembered": 4, "spoken": 5}},
]


def sse(items, end=b"data: [over]\n\n"):
    return b"".join(b"data: " + json.dumps(item, ensure_ascii=False).encode() + b"\n\n" for item in items) + end


def read(pieces, custom=PARROT, **communication) -> list[Any]:
    decoder = dialect(custom, **communication).decoder(CHAT)
    items = [item for piece in pieces for item in decoder.feed(piece)]
    return [*items, *decoder.close()]


def test_a_whole_answer_is_read_at_the_declared_paths():
    response, usage = assemble_whole()
    (choice,) = response.choices
    assert [block.thinking and block.thinking.text for block in choice.message.content][:1] == ["Hm."]
    assert response.text == "Hi, hé! 😀"
    calls = [block.tool_call for block in choice.message.content if block.tool_call]
    assert [(call.id, call.name, json.loads(call.arguments)) for call in calls] == [
        ("a", "fly", {"to": "Oslo"}),
        ("b", "nap", {}),
    ]
    assert (choice.finish_reason, choice.upstream_finish_reason) == (FinishReason.LENGTH, "tired")
    assert (response.upstream_id, response.upstream_model) == ("t-1", "polly-2")
    assert usage == Usage(input_tokens=6, cache_read_tokens=4, output_tokens=5)


NDJSON = replace(PARROT, stream_framing=StreamFraming.NDJSON, stream_end="")
STREAMS = {
    "sse": (sse(ITEMS), PARROT),
    "sse-without-its-mark": (sse(ITEMS, b""), PARROT),
    "lines": (b"".join(json.dumps(item).encode() + b"\n" for item in ITEMS), NDJSON),
}


@pytest.mark.parametrize(("wire", "custom"), STREAMS.values(), ids=STREAMS)
def test_a_stream_gives_the_same_answer_wherever_it_is_cut(wire, custom):
    expected = assemble_whole()
    for cut in range(len(wire) + 1):
        assert assemble(read([wire[:cut], wire[cut:]], custom)) == expected, f"cut at byte {cut}"


@pytest.mark.parametrize(("wire", "custom"), STREAMS.values(), ids=STREAMS)
def test_a_stream_that_ends_early_is_never_whole(wire, custom):
    expected = assemble_whole()[0].choices
    for end in range(len(wire)):
        try:
            items = read([wire[:end]], custom)
        except ProviderError:
            continue
        assert assemble(items)[0].choices == expected, f"ended at byte {end}"


def test_a_stream_with_a_mark_needs_no_finish_reason():
    custom = replace(PARROT, stream_paths={"text": "w"})
    response, _ = assemble(read([sse([{"w": "Hi"}])], custom))
    assert (response.text, response.choices[0].finish_reason) == ("Hi", FinishReason.STOP)
    with pytest.raises(TruncatedAnswerError):
        read([sse([{"w": "Hi"}], b"")], custom)


def test_a_whole_answer_in_the_place_of_a_stream_is_read_as_one():
    assert assemble(read([WHOLE])) == assemble_whole()


def test_calls_without_numbers_or_ids_begin_with_their_names():
    paths = {"tool_calls": "act", "tool_calls.name": "n", "tool_calls.arguments": "a", "finish_reason": "why"}
    custom = replace(PARROT, stream_paths=paths)
    items = [{"act": {"n": "fly", "a": "{"}}, {"act": {"a": "}"}}, {"act": {"n": "fly", "a": "{}"}}, {"why": "done"}]
    response: Any = assemble(read([sse(items)], custom))[0]
    calls = [block.tool_call for block in response.choices[0].message.content]
    assert [(call.name, call.arguments) for call in calls if call] == [("fly", "{}"), ("fly", "{}")]
    assert len({call.id for call in calls if call}) == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"<html>", "HTML"),
        (b'{"reply": {"words": 5, "why": "stop"}}', "for text is no text"),
        (b'{"reply": {"words": "half"}}', "ended without a finish_reason"),
        (b'{"count": {"heard": -1}, "reply": {"words": "x", "why": "stop"}}', "not negative"),
    ],
)
def test_an_answer_of_another_shape_is_malformed(answer, reason):
    with pytest.raises(MalformedAnswerError, match=reason):
        dialect().decode(CHAT, 200, {}, answer)


def test_nothing_at_the_declared_paths_is_malformed():
    custom = replace(PARROT, response_paths={"text": "reply.words"})
    with pytest.raises(MalformedAnswerError, match="nothing at the paths"):
        dialect(custom).decode(CHAT, 200, {}, b'{"reply": {}}')


def squawk(**fields):
    return json.dumps({"squawk": fields}).encode()


@pytest.mark.parametrize(
    ("status", "answer", "error", "words", "wait"),
    [
        (400, squawk(text="too much", kind="TOO_MUCH"), ContextLengthError, "too much", None),
        (400, squawk(text="shame", kind="RUDE"), ContentRefusedError, "shame", None),
        (429, squawk(text="slow down", kind="BUSY", rest=3), ProviderRateLimitedError, "slow down", 3.0),
        (500, b"<title>Bad day</title>", ProviderFailedError, "an HTML page: Bad day", None),
        (400, squawk(text="maximum context length is 8", kind="X"), ContextLengthError, "maximum context", None),
    ],
)
def test_errors_are_read_by_declared_words_else_by_the_usual_ones(status, answer, error, words, wait):
    found = dialect().error(status, {}, answer)
    assert type(found) is error
    assert words in found.message
    assert (found.http_status, found.retry_after) == (status, wait)


def test_an_error_inside_of_a_whole_answer_or_a_stream_is_one():
    refused = squawk(text="shame", kind="RUDE")
    with pytest.raises(ContentRefusedError, match="shame"):
        dialect().decode(CHAT, 200, {}, refused)
    decoder = dialect().decoder(CHAT)
    assert len(decoder.feed(sse(ITEMS[1:2], b""))) == 2
    with pytest.raises(ContentRefusedError, match="shame"):
        decoder.feed(b"data: " + refused + b"\n\n")


def test_a_key_in_an_error_is_not_shown():
    found = dialect().error(401, {}, squawk(text="no: sk-abcdef1234567890", kind="KEY"))
    assert "abcdef1234567890" not in f"{found.message} {found.metadata}"
