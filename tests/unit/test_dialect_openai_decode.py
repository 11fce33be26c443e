"""Whole answers of OpenAI-compatible servers, good and bad."""

import orjson
import pytest

from airegistry.dialects.openai.chat import OpenAIChat
from airegistry.errors import (
    MalformedAnswerError,
    ProviderFailedError,
    ProviderOverloadedError,
    ProviderRateLimitedError,
    TruncatedAnswerError,
)
from airegistry.invocations.chat import ChatRequest, FinishReason
from airegistry.invocations.usage import Usage


def decode(answer, status=200):
    body = answer if isinstance(answer, bytes) else orjson.dumps(answer)
    return OpenAIChat().decode(ChatRequest(), status, {}, body)


def choice(message=None, finish_reason="stop", **fields):
    return {"choices": [{"message": message or {"content": "hi"}, "finish_reason": finish_reason, **fields}]}


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("tool_calls", FinishReason.TOOL_CALLS),
        ("function_call", FinishReason.TOOL_CALLS),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("insufficient_system_resource", FinishReason.OTHER),
    ],
)
def test_the_reason_is_mapped_and_its_word_kept(word, reason):
    [one] = decode(choice(finish_reason=word)).output.choices
    assert (one.finish_reason, one.upstream_finish_reason) == (reason, word)


@pytest.mark.parametrize("word", [None, ""], ids=["null", "empty"])
def test_an_answer_without_a_reason_was_cut_off(word):
    with pytest.raises(TruncatedAnswerError, match="without a finish_reason"):
        decode(choice(finish_reason=word))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<!DOCTYPE html><title>Login</title>", "HTML, not JSON"),
        (b"", "is empty"),
        (b'{"choices": [', "not valid JSON"),
        (b"[]", "is not an object"),
        (b'{"choices": []}', "no choices"),
        (b"{}", "no choices"),
        (b'{"choices": {"0": 1}}', "choices is not an array"),
        (b'{"choices": ["hi"]}', "choices[0] is not an object"),
        (b'{"choices": [{"message": "hi", "finish_reason": "stop"}]}', "message is not an object"),
        (b'{"choices": [{"message": {"content": 5}, "finish_reason": "stop"}]}', "content is not an array"),
        (b'{"choices": [{"message": {"tool_calls": [{"id": "x"}]}, "finish_reason": "stop"}]}', "calls no function"),
        (b'{"choices": [{"message": {"tool_calls": [{"function": {}}]}, "finish_reason": "stop"}]}', "has no name"),
        (b'{"choices": [{"index": -1, "message": {}, "finish_reason": "stop"}]}', "index is -1"),
        (b'{"choices": [{"message": {}, "finish_reason": 5}]}', "finish_reason is not a string"),
        (b'{"choices": [{"message": {}, "finish_reason": "stop"}], "usage": 7}', "usage is not an object"),
        (b'{"id": 7, "choices": [{"message": {}, "finish_reason": "stop"}]}', "id is not a string"),
    ],
)
def test_an_answer_of_another_shape_is_malformed_and_says_where(body, problem):
    with pytest.raises(MalformedAnswerError) as caught:
        decode(body)
    assert problem in caught.value.message


def test_the_error_does_not_show_the_answer():
    with pytest.raises(MalformedAnswerError) as caught:
        decode(b'{"choices": [{"message": {"content": "my secret sk-1234567890')
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"error": {"message": "slow down", "code": 429}}, ProviderRateLimitedError),
        ({"error": {"message": "x", "type": "overloaded_error"}}, ProviderOverloadedError),
        ({"error": "exploded"}, ProviderFailedError),
        ({"object": "error", "message": "x", "code": 503}, ProviderOverloadedError),
        ({"choices": [{"error": {"code": 502, "message": "x"}, "finish_reason": "error"}]}, ProviderFailedError),
        ({"choices": [{"message": {"content": ""}, "finish_reason": "error"}]}, ProviderFailedError),
    ],
    ids=["code", "type", "text", "object", "in-a-choice", "reason"],
)
def test_an_error_in_the_place_of_an_answer_is_an_error(answer, error):
    with pytest.raises(error):
        decode(answer)


def test_a_status_that_is_no_success_is_an_error():
    with pytest.raises(ProviderOverloadedError):
        decode(b"busy", status=503)


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        (
            {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150},
            Usage(input_tokens=100, output_tokens=50),
        ),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "total_tokens": 150,
                "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 30, "cache_write_tokens": 5},
                "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 10},
            },
            Usage(5, 60, 5, None, 20, 20, 30, 10),
        ),
        (
            {"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 6}},
            Usage(input_tokens=0, cache_read_tokens=8, input_audio_tokens=2),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 4,
                "total_tokens": 44,
                "completion_tokens_details": {"reasoning_tokens": 30},
            },
            Usage(input_tokens=10, output_tokens=4, reasoning_tokens=30),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 4, "prompt_cache_hit_tokens": 7, "prompt_cache_miss_tokens": 3},
            Usage(input_tokens=3, cache_read_tokens=7, output_tokens=4),
        ),
        ({"prompt_tokens": 10}, Usage(input_tokens=10)),
        ({}, None),
        (None, None),
    ],
    ids=["plain", "all", "cached-sound", "reasoning-apart", "deepseek", "input-only", "empty", "absent"],
)
def test_overlapping_counts_become_disjoint_ones(counts, usage):
    assert decode({**choice(), "usage": counts}).usage == usage


def test_unknown_fields_are_kept_at_the_top_and_warned_of_below():
    answer = decode(
        {**choice({"content": "hi", "mood": "good", "empty": []}, score=0.5), "system_fingerprint": "f", "x": None}
    )
    assert answer.output.extra == {"system_fingerprint": "f"}
    assert {warning.path for warning in answer.warnings} == {"choices[0].message.mood", "choices[0].score"}


def test_images_of_an_answer_are_blocks():
    urls = ["data:image/png;base64,iVA=", "https://a/b.png"]
    images = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    [one] = decode(choice({"content": "", "images": images})).output.choices
    assert [block.image.data or block.image.url for block in one.message.content] == [b"\x89P", "https://a/b.png"]


def test_arguments_given_as_an_object_become_text():
    calls = [{"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}]
    [one] = decode(choice({"tool_calls": calls})).output.choices
    assert one.message.content[0].tool_call.arguments == '{"a":1}'


def test_calls_without_ids_get_ones_that_differ():
    calls = [{"function": {"name": "f", "arguments": ""}}] * 2
    answer = {"id": "chat:1", **choice({"tool_calls": calls})}
    [one] = decode(answer).output.choices
    ids = [block.tool_call.id for block in one.message.content]
    assert ids == ["call_chat-1_0_0", "call_chat-1_0_1"]
    assert decode(answer).output.choices == (one,)


@pytest.mark.parametrize("count", [-1, 2**63, 2**70, 1e300], ids=["negative", "64-bits", "70-bits", "float"])
def test_a_count_of_tokens_that_cannot_be_is_malformed(count):
    body = orjson.dumps({**choice(), "usage": {"prompt_tokens": 1}}).replace(
        b'"prompt_tokens":1', b'"prompt_tokens":%d' % int(count)
    )
    with pytest.raises(MalformedAnswerError, match="prompt_tokens is not"):
        decode(body)
