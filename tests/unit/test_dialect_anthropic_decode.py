"""What Anthropic's answers, errors and counts mean, and how a caller's own words are passed on."""

import dataclasses

import orjson
import pytest

from airegistry.dialects.anthropic.messages import AnthropicMessages
from airegistry.errors import (
    ContextLengthError,
    MalformedAnswerError,
    ProviderCredentialError,
    ProviderFailedError,
    ProviderModelNotFoundError,
    ProviderOverloadedError,
    ProviderRateLimitedError,
    ProviderRejectedError,
    ProviderTimeoutError,
    TruncatedAnswerError,
)
from airegistry.invocations.chat import ChatRequest, Message, Reasoning, Role
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.streaming import WireSeen
from airegistry.resources.endpoint import Communication, Endpoint
from airegistry.resources.model import Capability
from gateway.fronts.anthropic.requests import read_messages

DIALECT = AnthropicMessages()
ENDPOINT = Endpoint(address="https://api.example", upstream_model="m-1")
HI = ChatRequest((Message(Role.USER, (ContentBlock(text=TextBlock("hi")),)),), max_output_tokens=100)
ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


def error(status, type_, message="x", headers=None):
    body = {"type": "error", "error": {"type": type_, "message": message}, "request_id": "req_1"}
    return DIALECT.error(status, headers or {}, orjson.dumps(body))


@pytest.mark.parametrize(
    ("status", "type_", "message", "cls"),
    [
        (400, "invalid_request_error", "messages: at least one message is required", ProviderRejectedError),
        (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", ContextLengthError),
        (
            400,
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
            ContextLengthError,
        ),
        (401, "authentication_error", "invalid x-api-key", ProviderCredentialError),
        (403, "permission_error", "no access", ProviderCredentialError),
        (404, "not_found_error", "model: claude-9", ProviderModelNotFoundError),
        (413, "request_too_large", "Request exceeds the maximum size", ProviderRejectedError),
        (429, "rate_limit_error", "too many", ProviderRateLimitedError),
        (500, "api_error", "Internal server error", ProviderFailedError),
        (504, "timeout_error", "timed out", ProviderTimeoutError),
        (529, "overloaded_error", "Overloaded", ProviderOverloadedError),
    ],
)
def test_an_error_has_its_class(status, type_, message, cls):
    found = error(status, type_, message)
    assert type(found) is cls
    assert found.metadata["type"] == type_
    assert found.http_status == status


@pytest.mark.parametrize(
    ("status", "type_", "message"),
    [
        (402, "billing_error", "pay"),
        (400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
    ],
)
def test_an_empty_purse_is_an_exhausted_quota(status, type_, message):
    found = error(status, type_, message)
    assert type(found) is ProviderRateLimitedError
    assert found.metadata["quota"] == "exhausted"


def test_the_reset_of_the_exhausted_limit_says_when_to_come_back():
    headers = {
        "date": "Sun, 29 Nov 2026 07:00:00 GMT",
        "anthropic-ratelimit-requests-remaining": "10",
        "anthropic-ratelimit-requests-reset": "2026-11-29T07:10:00Z",
        "anthropic-ratelimit-input-tokens-remaining": "0",
        "anthropic-ratelimit-input-tokens-reset": "2026-11-29T07:00:07Z",
    }
    assert error(429, "rate_limit_error", headers=headers).retry_after == 7
    assert error(429, "rate_limit_error", headers={**headers, "retry-after": "3"}).retry_after == 3


def decoded(**fields):
    return DIALECT.decode(HI, 200, {}, orjson.dumps({**ANSWER, **fields}))


def test_an_error_in_place_of_an_answer_is_one():
    with pytest.raises(ProviderOverloadedError):
        DIALECT.decode(HI, 200, {}, b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}')
    with pytest.raises(ProviderRateLimitedError):
        DIALECT.decode(HI, 429, {}, b"")


@pytest.mark.parametrize(
    ("fields", "cls"),
    [
        ({"stop_reason": None}, TruncatedAnswerError),
        ({"content": None}, MalformedAnswerError),
        ({"content": ["x"]}, MalformedAnswerError),
        ({"usage": {"input_tokens": -1}}, MalformedAnswerError),
        ({"usage": 3}, MalformedAnswerError),
    ],
    ids=["no-stop-reason", "no-content", "no-blocks", "negative-count", "no-counts"],
)
def test_an_answer_that_is_none_is_refused(fields, cls):
    with pytest.raises(cls):
        decoded(**fields)


@pytest.mark.parametrize("index", [None, "0", [], -1, 7])
def test_a_delta_must_say_to_which_block_it_belongs(index):
    event = {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": "x"}}
    with pytest.raises(MalformedAnswerError):
        DIALECT.decoder(HI).feed(b"data: " + orjson.dumps(event) + b"\n\n")


def test_usage_without_the_parts_of_what_was_written_goes_to_the_shorter_time():
    usage = decoded(usage={"input_tokens": 1, "output_tokens": 2, "cache_creation_input_tokens": 30}).usage
    assert (usage.cache_write_tokens, usage.cache_write_1h_tokens) == (30, None)


def test_no_usage_is_unknown():
    assert decoded(usage=None).usage is None


# A caller's own words


def passed_on(wire, request=HI, *, stream=False, **capabilities):
    endpoint = dataclasses.replace(ENDPOINT, capabilities=capabilities)
    encoded = DIALECT.encode(request, endpoint, stream=stream, wire=wire)
    return encoded.call.body, encoded.warnings


def test_what_is_not_ours_passes_byte_for_byte():
    wire = b'{"model":"x","max_tokens":100,"messages":[{"role":"user","content":[{"type":"new", "n": 1.10}]}],"future":{"a":  1e400}}'
    body, warnings = passed_on(wire, stream=True)
    assert b'"messages":[{"role":"user","content":[{"type":"new", "n": 1.10}]}]' in body
    assert b'"future":{"a":  1e400}' in body
    assert b'"model":"m-1"' in body
    assert b'"stream":true' in body
    assert not warnings


def test_a_limit_that_the_caller_left_out_is_added_and_said_so():
    body, warnings = passed_on(b'{"model":"x","messages":[]}', dataclasses.replace(HI, max_output_tokens=None))
    assert orjson.loads(body)["max_tokens"] == 4096
    assert [warning.path for warning in warnings] == ["chat.max_output_tokens"]


SAID = b'{"model":"x","thinking":{"type":"adaptive","display":"omitted"},"output_config":{"effort":"low","task":{"n": 1.0}}}'


def test_thinking_stays_as_the_caller_said_it():
    body, _ = passed_on(SAID, dataclasses.replace(HI, reasoning=Reasoning("low")))
    assert b'"output_config":{"effort":"low","task":{"n": 1.0}}' in body
    assert b'"thinking":{"type":"adaptive","display":"omitted"}' in body


def test_a_route_may_ask_for_another_effort():
    body, _ = passed_on(SAID, dataclasses.replace(HI, reasoning=Reasoning("high")))
    assert orjson.loads(body)["output_config"] == {"effort": "high", "task": {"n": 1.0}}
    body, _ = passed_on(SAID, dataclasses.replace(HI, reasoning=Reasoning("none")))
    assert orjson.loads(body)["output_config"] == {"task": {"n": 1.0}}
    assert orjson.loads(body)["thinking"] == {"type": "disabled"}


def test_thinking_that_the_caller_turned_off_stays_off():
    wire = b'{"model":"x","thinking":{"type": "disabled"}}'
    assert (
        b'"thinking":{"type": "disabled"}' in passed_on(wire, dataclasses.replace(HI, reasoning=Reasoning("none")))[0]
    )


MIXED = (
    b'{"model":"x","max_tokens":9,"messages":[{"role":"user","content":"a"},'
    b'{"role":"assistant","content":[{"type":"thinking","thinking":"w","signature":""},{"type":"text",  "text":"b","n":1.10},{"type":"new","signature":{}}]},'
    b'{"role":"user","content":[{"type":"text","text":"c"}]},'
    b'{"role":"assistant","content":[{"type":"thinking","thinking":"v","signature":"gemini:c2ln"}]},'
    b'{"role":"user","content":"d"},'
    b'{"role":"assistant","content":[{"type":"thinking",  "thinking":"u","signature":"c2ln"} , {"type":"text","text":"e"}]},'
    b'{"role":"user","content":"f"}]}'
)


def test_thoughts_of_who_stood_in_before_are_not_sent_and_all_else_keeps_its_bytes():
    body, warnings = passed_on(MIXED, read_messages(MIXED).request)
    assert [warning.path for warning in warnings] == ["messages[1].content[0]", "messages[3].content[0]"]
    assert b'"content":[{"type":"text",  "text":"b","n":1.10},{"type":"new","signature":{}}]}' in body
    assert b'{"type":"thinking",  "thinking":"u","signature":"c2ln"} , {"type":"text","text":"e"}' in body
    assert b"gemini" not in body
    assert [turn["role"] for turn in orjson.loads(body)["messages"]] == [
        "user",
        "assistant",
        "user",
        "user",
        "assistant",
        "user",
    ]


def test_a_server_that_signs_nothing_gets_every_thought_but_those_signed_by_others():
    body, warnings = passed_on(MIXED, read_messages(MIXED).request, unsigned_thinking=Capability(supported=True))
    assert [warning.path for warning in warnings] == ["messages[3].content[0]"]
    assert b'{"type":"thinking","thinking":"w","signature":""}' in body


def test_a_count_leaves_them_out_too():
    encoded = DIALECT.encode_count(read_messages(MIXED).request, ENDPOINT, wire=MIXED)
    assert encoded is not None
    assert b"gemini" not in encoded.call.body


def events(*values):
    return b"".join(b"event: %s\ndata: %s\n\n" % (v["type"].encode(), orjson.dumps(v)) for v in values)


def test_relayed_events_go_on_as_they_came_and_the_end_when_it_is_sure():
    text = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}
    began = [
        {"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 1}}},
        {"type": "ping"},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ]
    decoder = DIALECT.decoder(HI, relay=True)
    seen = [item for item in decoder.feed(events(*began, text, end)) if isinstance(item, WireSeen)]
    assert [orjson.loads(item.data) for item in seen] == [*began, text]
    assert [item.token for item in seen] == [False, False, False, True]
    items = decoder.feed(events({"type": "message_stop"}))
    assert decoder.finished
    assert [orjson.loads(item.data) for item in items if isinstance(item, WireSeen)] == [end, {"type": "message_stop"}]


# Counting


def test_a_count_asks_without_what_matters_only_to_an_answer():
    request = dataclasses.replace(HI, temperature=0.5, stop_sequences=("x",), user="u", reasoning=Reasoning("low"))
    encoded = DIALECT.encode_count(request, ENDPOINT)
    assert encoded is not None
    assert encoded.call.url == "https://api.example/v1/messages/count_tokens"
    assert orjson.loads(encoded.call.body) == {
        "model": "m-1",
        "messages": [{"role": "user", "content": "hi"}],
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "low"},
    }


def test_a_count_goes_below_the_path_that_is_declared():
    endpoint = dataclasses.replace(ENDPOINT, communication=Communication(path="/anthropic/messages"))
    encoded = DIALECT.encode_count(HI, endpoint, wire=b'{"model":"x","messages":[1.10],"new":1}')
    assert encoded is not None
    assert encoded.call.url == "https://api.example/anthropic/messages/count_tokens"
    assert encoded.call.body == b'{"messages":[1.10],"new":1,"model":"m-1"}'


def test_an_endpoint_may_declare_that_it_counts_nothing():
    endpoint = dataclasses.replace(ENDPOINT, capabilities={"count_tokens": Capability(supported=False)})
    assert DIALECT.encode_count(HI, endpoint) is None


def test_a_count_is_read():
    assert DIALECT.decode_count(200, {}, b'{"input_tokens": 2095}') == 2095
    with pytest.raises(MalformedAnswerError):
        DIALECT.decode_count(200, {}, b"{}")
    with pytest.raises(ProviderModelNotFoundError):
        DIALECT.decode_count(404, {}, b"")
