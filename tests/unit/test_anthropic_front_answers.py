"""Canonical answers as Anthropic's messages and events."""

import orjson
import pytest

from airegistry.errors import (
    ContextLengthError,
    InvalidArgumentError,
    NoCandidateError,
    OverloadedError,
    ProviderCredentialError,
    ProviderOverloadedError,
    ProviderRateLimitedError,
    ProviderTimeoutError,
)
from airegistry.invocations.chat import ChatChoice, ChatDelta, ChatResponse, FinishReason, Message, Role
from airegistry.invocations.content import (
    ContentBlock,
    MediaBlock,
    RefusalBlock,
    TextBlock,
    ThinkingBlock,
    ToolCall,
)
from airegistry.invocations.invocation import AttemptStarted, InvokeEvent, Settlement, StreamEnd
from airegistry.invocations.kinds import RawResponse
from airegistry.invocations.usage import Usage
from gateway.fronts.anthropic.errors import error_answer
from gateway.fronts.anthropic.relays import relayed_body, relayed_event
from gateway.fronts.anthropic.responses import Envelope, message_body
from gateway.fronts.anthropic.streams import MessageEvents
from gateway.fronts.anthropic.usage import usage_value

ENVELOPE = Envelope("msg_1", "m")
USED = Usage(input_tokens=10, output_tokens=4)


def whole(*content, finish=FinishReason.STOP, usage=USED, extra=None, **fields):
    choice = ChatChoice(0, Message(Role.ASSISTANT, content), finish, **fields)
    return orjson.loads(message_body(ChatResponse((choice,), extra=extra), Settlement(usage=usage), ENVELOPE))


def streamed(*deltas, usage=USED, extra=None):
    """Return the events of a stream, without the account."""
    writer = MessageEvents(ENVELOPE)
    parts = [writer.write([InvokeEvent(started=AttemptStarted()), *[InvokeEvent(chat_delta=d)]]) for d in deltas]
    parts.append(writer.write([InvokeEvent(end=StreamEnd(Settlement(usage=usage), extra))]))
    return events_of(b"".join(parts))


def events_of(page):
    events = []
    for event in page.decode().split("\n\n")[:-1]:
        name, data = event.split("\n", 1)
        value = orjson.loads(data.removeprefix("data: "))
        assert name == f"event: {value['type']}"
        events.append(value)
    return events


def blocks_of(events):
    """Return the events of blocks in short: what began, what came, what ended."""
    short: list[tuple[object, ...]] = []
    for event in events:
        match event["type"]:
            case "content_block_start":
                short.append((event["index"], event["content_block"]["type"]))
            case "content_block_delta":
                kind = event["delta"]["type"]
                short.append((event["index"], kind, next(v for k, v in event["delta"].items() if k != "type")))
            case "content_block_stop":
                short.append((event["index"], "stop"))
    return short


def test_a_message_has_all_that_the_format_demands():
    message = whole(ContentBlock(text=TextBlock("Hi")))
    account = message.pop("airegistry")
    assert message == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 4},
    }
    assert "warnings" not in account
    assert "usage_unknown" not in account


def test_every_block_has_its_form_and_what_has_none_is_named():
    message = whole(
        ContentBlock(thinking=ThinkingBlock("hm", "s")),
        ContentBlock(thinking=ThinkingBlock(redacted_data=b"x+/=")),
        ContentBlock(text=TextBlock("a", ({"type": "char_location"}, {"type": "url_citation"}))),
        ContentBlock(refusal=RefusalBlock("No.")),
        ContentBlock(tool_call=ToolCall("i", "f", '{"a":1}')),
        ContentBlock(tool_call=ToolCall("j", "g", "{")),
        ContentBlock(image=MediaBlock(url="https://x")),
    )
    assert message["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "x+/="},
        {"type": "text", "text": "a", "citations": [{"type": "char_location"}]},
        {"type": "text", "text": "No."},
        {"type": "tool_use", "id": "i", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "j", "name": "g", "input": {"INVALID_JSON": "{"}},
    ]
    assert [warning.partition(":")[0] for warning in message["airegistry"]["warnings"]] == [
        "content[2].annotations",
        "content[5].input",
        "content[6]",
    ]


@pytest.mark.parametrize(
    ("finish", "upstream", "sequence", "word"),
    [
        (FinishReason.STOP, "stop", "", "end_turn"),
        (FinishReason.STOP, "stop", "END", "stop_sequence"),
        (FinishReason.STOP, "stop_sequence", "END", "stop_sequence"),
        (FinishReason.STOP, "end_turn", "END", "stop_sequence"),
        (FinishReason.STOP, "tool_use", "", "end_turn"),
        (FinishReason.LENGTH, "length", "", "max_tokens"),
        (FinishReason.LENGTH, "model_context_window_exceeded", "", "model_context_window_exceeded"),
        (FinishReason.TOOL_CALLS, "tool_calls", "", "tool_use"),
        (FinishReason.CONTENT_FILTER, "content_filter", "", "refusal"),
        (FinishReason.REFUSAL, "refusal", "", "refusal"),
        (FinishReason.OTHER, "pause_turn", "", "pause_turn"),
        (None, "", "", "end_turn"),
    ],
)
def test_why_it_ended_is_told_in_anthropics_words(finish, upstream, sequence, word):
    message = whole(finish=finish, upstream_finish_reason=upstream, stop_sequence=sequence)
    assert (message["stop_reason"], message["stop_sequence"]) == (word, sequence or None)
    ended = ChatDelta(finish_reason=finish, upstream_finish_reason=upstream, stop_sequence=sequence)
    assert streamed(ended)[-2]["delta"] == {"stop_reason": word, "stop_sequence": sequence or None}


def test_a_reason_that_has_no_word_is_named():
    message = whole(finish=FinishReason.OTHER, upstream_finish_reason="eos_token")
    assert message["stop_reason"] == "end_turn"
    assert message["airegistry"]["warnings"] == ["stop_reason: 'eos_token' has no place in this format"]


def test_counts_are_those_of_the_format():
    usage = Usage(
        input_tokens=5,
        cache_read_tokens=4,
        cache_write_tokens=3,
        cache_write_1h_tokens=2,
        output_tokens=10,
        reasoning_tokens=7,
    )
    assert usage_value(usage, {"service_tier": "standard", "other": 1}) == {
        "input_tokens": 5,
        "cache_creation_input_tokens": 5,
        "cache_read_input_tokens": 4,
        "output_tokens": 17,
        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 2},
        "output_tokens_details": {"thinking_tokens": 7},
        "service_tier": "standard",
    }


def test_what_nobody_counted_is_said_to_be_unknown():
    message = whole(usage=None)
    assert message["usage"] == {"input_tokens": 0, "output_tokens": 0}
    assert message["airegistry"]["usage_unknown"] == ["input_tokens", "output_tokens"]


def test_fields_of_the_providers_own_stand_where_they_were():
    extra = {"service_tier": "standard", "stop_details": {"type": "refusal"}, "container": {"id": "c"}, "mine": 1}
    message = whole(finish=FinishReason.REFUSAL, extra=extra)
    assert message["usage"]["service_tier"] == "standard"
    assert (message["stop_details"], message["container"], message["mine"]) == ({"type": "refusal"}, {"id": "c"}, 1)
    end = streamed(ChatDelta(finish_reason=FinishReason.REFUSAL), extra=extra)[-2]
    assert end["delta"]["stop_details"] == {"type": "refusal"}
    assert end["usage"]["service_tier"] == "standard"


# Streams


def test_a_stream_has_the_order_of_the_format():
    events = streamed(ChatDelta(text="One"), ChatDelta(text=" two"), ChatDelta(finish_reason=FinishReason.STOP))
    assert [event["type"] for event in events] == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert events[0]["message"]["usage"] == {"input_tokens": 0, "output_tokens": 0}
    assert events[-2]["usage"] == {"input_tokens": 10, "output_tokens": 4}


def test_an_answer_of_nothing_is_a_message_too():
    assert [event["type"] for event in streamed(ChatDelta(finish_reason=FinishReason.STOP))] == [
        "message_start",
        "ping",
        "message_delta",
        "message_stop",
    ]


def test_thoughts_come_signed_and_again_after_text():
    events = streamed(
        ChatDelta(0, 0, thinking="a"),
        ChatDelta(0, 0, thinking_signature="s"),
        ChatDelta(0, 1, text="b"),
        ChatDelta(0, 0, thinking="c"),
        ChatDelta(0, 2, block=ContentBlock(thinking=ThinkingBlock(redacted_data=b"r"))),
    )
    assert blocks_of(events) == [
        (0, "thinking"),
        (0, "thinking_delta", "a"),
        (0, "signature_delta", "s"),
        (0, "stop"),
        (1, "text"),
        (1, "text_delta", "b"),
        (1, "stop"),
        (2, "thinking"),
        (2, "thinking_delta", "c"),
        (2, "stop"),
        (3, "redacted_thinking"),
        (3, "stop"),
    ]


def test_citations_follow_their_text():
    cited = ContentBlock(text=TextBlock("", ({"type": "char_location"},)))
    assert blocks_of(streamed(ChatDelta(text="a"), ChatDelta(block=cited), ChatDelta(text="b"))) == [
        (0, "text"),
        (0, "text_delta", "a"),
        (0, "citations_delta", {"type": "char_location"}),
        (0, "text_delta", "b"),
        (0, "stop"),
    ]


def call(place, arguments=""):
    return ChatDelta(0, place, tool_call_start=ToolCall(f"c{place}", "f", arguments))


def more(place, arguments):
    return ChatDelta(0, place, tool_call_arguments=arguments)


def test_a_call_whose_arguments_are_whole_makes_room_for_the_next():
    writer = MessageEvents(ENVELOPE)
    early = b"".join(
        writer.write([InvokeEvent(chat_delta=d)]) for d in (call(0, '{"a":'), more(0, "1}"), call(1, "{}"))
    )
    assert blocks_of(events_of(early)) == [
        (0, "tool_use"),
        (0, "input_json_delta", '{"a":'),
        (0, "input_json_delta", "1}"),
        (0, "stop"),
        (1, "tool_use"),
        (1, "input_json_delta", "{}"),
    ]


def test_calls_that_interleave_wait_for_each_other():
    deltas = (call(0), call(1), more(1, "{"), more(0, "{}"), more(1, "}"), ChatDelta(0, 2, text="x"))
    assert blocks_of(streamed(*deltas)) == [
        (0, "tool_use"),
        (0, "input_json_delta", "{}"),
        (0, "stop"),
        (1, "tool_use"),
        (1, "input_json_delta", "{"),
        (1, "input_json_delta", "}"),
        (1, "stop"),
        (2, "text"),
        (2, "text_delta", "x"),
        (2, "stop"),
    ]


def test_a_call_without_arguments_waits_no_longer_than_to_the_end():
    assert blocks_of(streamed(call(0), call(1), more(1, "{}"))) == [
        (0, "tool_use"),
        (0, "stop"),
        (1, "tool_use"),
        (1, "input_json_delta", "{}"),
        (1, "stop"),
    ]


def test_arguments_that_are_no_object_are_named():
    events = streamed(call(0, "{"), ChatDelta(finish_reason=FinishReason.LENGTH))
    assert events[-2]["airegistry"]["warnings"] == ["content[0].input: the arguments are no JSON object"]


def test_further_answers_are_named_once():
    events = streamed(ChatDelta(text="a"), ChatDelta(1, text="b"), ChatDelta(1, text="c"))
    assert events[-2]["airegistry"]["warnings"] == ["choices[1]: this format has one answer"]


def test_relayed_events_keep_their_bytes_and_the_account_stands_at_the_end():
    raw = b'{"type":"content_block_delta","index":0,  "delta":{"type":"new","n":1.10}}'
    assert relayed_event(raw) == b"event: content_block_delta\ndata: " + raw + b"\n\n"
    assert relayed_event(b'{"type":\n"ping"}') == b'event: ping\ndata: {"type":\ndata: "ping"}\n\n'
    ending = [b'{"type":"message_delta","delta":{}}', b'{"type":"message_stop"}']
    batch = [InvokeEvent(raw=RawResponse(body=body)) for body in (raw, *ending)]
    page = MessageEvents(ENVELOPE).write([*batch, InvokeEvent(end=StreamEnd(Settlement(target="t", usage=USED)))])
    events = events_of(page)
    assert [event["type"] for event in events] == ["content_block_delta", "message_delta", "message_stop"]
    assert events[1]["airegistry"]["target"] == "t"


def test_a_relayed_message_keeps_its_bytes():
    wire = b'{"id":"msg_up","n":1.10,"content":[]}\n'
    assert relayed_body(wire, Settlement(target="t")).startswith(wire[:-2] + b',"airegistry":{"target":"t"')


# Errors


@pytest.mark.parametrize(
    ("error", "status", "kind", "message"),
    [
        (InvalidArgumentError.of("chat.max_output_tokens", "no"), 400, "invalid_request_error", "max_tokens: no"),
        (InvalidArgumentError.of("chat.tools[3].name", "no"), 400, "invalid_request_error", "tools[3].name: no"),
        (
            InvalidArgumentError.of("invocation.chat.messages[0].content[1].image.url", "no"),
            400,
            "invalid_request_error",
            "messages[0].content[1].source.url: no",
        ),
        (InvalidArgumentError.of("chat.extra.x", "no"), 400, "invalid_request_error", "x: no"),
        (ContextLengthError("8192 tokens"), 400, "invalid_request_error", "prompt is too long: 8192 tokens"),
        (ContextLengthError("a prompt is too long"), 400, "invalid_request_error", "a prompt is too long"),
        (ProviderCredentialError("x"), 502, "api_error", "x"),
        (NoCandidateError("x"), 503, "api_error", "x"),
        (OverloadedError("x"), 529, "overloaded_error", "x"),
        (ProviderOverloadedError("x"), 529, "overloaded_error", "x"),
        (ProviderTimeoutError("x"), 504, "timeout_error", "x"),
        (ProviderRateLimitedError("x"), 429, "rate_limit_error", "x"),
        (ProviderRateLimitedError("x", metadata={"quota": "exhausted"}), 402, "billing_error", "x"),
        (RuntimeError("secret"), 500, "api_error", "internal error"),
    ],
)
def test_an_error_has_its_status_and_type(error, status, kind, message):
    answer = error_answer(error)
    body = orjson.loads(answer.body)
    assert (answer.status, body["type"], body["error"]["type"]) == (status, "error", kind)
    assert body["error"]["message"] == message
    assert body["request_id"] == answer.headers["request-id"]


def test_the_time_to_come_back_is_passed_on():
    answer = error_answer(ProviderRateLimitedError("x", retry_after=1.2))
    assert (answer.headers["retry-after"], answer.headers["retry-after-ms"]) == ("2", "1200")
