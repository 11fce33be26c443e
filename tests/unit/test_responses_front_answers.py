"""Answers as responses, whole and streamed."""

import base64

import orjson
import pytest

from airegistry.dialects.events.sse import SSEDecoder
from airegistry.errors import ProviderRateLimitedError
from airegistry.invocations.chat import ChatChoice, ChatDelta, ChatResponse, FinishReason, Message, Role, TokenLogprob
from airegistry.invocations.content import (
    ContentBlock,
    MediaBlock,
    RefusalBlock,
    TextBlock,
    ThinkingBlock,
    ToolCall,
)
from airegistry.invocations.invocation import AttemptStarted, InvokeEvent, Settlement, StreamEnd
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.kinds import RawResponse
from airegistry.invocations.usage import Usage
from gateway.fronts.openai_responses.answers import response_body
from gateway.fronts.openai_responses.requests import read_responses
from gateway.fronts.openai_responses.streams import ResponseEvents

ASKED = {
    "model": "m",
    "input": "Hi",
    "instructions": "Be brief.",
    "temperature": 0.5,
    "tools": [{"type": "function", "name": "go"}],
}
CALL = read_responses(orjson.dumps(ASKED))
USAGE = Usage(input_tokens=5, cache_read_tokens=4, output_tokens=3, reasoning_tokens=2)
ACCOUNT = Settlement(target="models/m/endpoints/a", usage=USAGE)
PNG = ContentBlock(image=MediaBlock(data=b"\x89P", media_type="image/png"))
CITED = {"url": "https://a", "title": "A", "start_index": 0, "end_index": 1}
NESTED = {"type": "url_citation", "url_citation": CITED}
FLAT = {"type": "url_citation", **CITED}
LOGPROB = TokenLogprob("Hi", -0.5)


def whole(*content, finish=FinishReason.STOP, settlement=ACCOUNT, call=CALL, **facts):
    choice = ChatChoice(0, Message(Role.ASSISTANT, content), finish, **facts)
    return orjson.loads(response_body(ChatResponse((choice,), extra={"novel": 1}), settlement, call, 7))


def streamed(*deltas, settlement=ACCOUNT, call=CALL):
    """Return the events of an answer whose deltas come one by one."""
    writer = ResponseEvents(call, 7)
    events = [InvokeEvent(chat_delta=delta) for delta in deltas]
    wire = writer.write([InvokeEvent(started=AttemptStarted("t", 1))])
    wire += b"".join(writer.write([event]) for event in events)
    wire += writer.write([InvokeEvent(end=StreamEnd(settlement, {"novel": 1}))])
    return read(wire)


def read(wire):
    events = [(event.event, orjson.loads(event.data)) for event in SSEDecoder().feed(wire)]
    assert all(name == value["type"] for name, value in events)
    return [value for _, value in events]


def output_of(events):
    """Return the items as the stream told their ends, which must be those of the last event."""
    told = {event["output_index"]: event["item"] for event in events if event["type"] == "response.output_item.done"}
    output = events[-1]["response"]["output"]
    assert [told[i] for i in sorted(told)] == output
    return output


def text(words, *annotations):
    return ContentBlock(text=TextBlock(words, annotations))


def test_a_response_says_what_was_asked_and_who_answered():
    body = whole(text("Hi"))
    assert body["id"].startswith("resp_")
    assert body["output"][0].pop("id").startswith("msg_")
    assert body["output"] == [
        {
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}],
        }
    ]
    assert (body["object"], body["created_at"], body["status"], body["error"]) == ("response", 7, "completed", None)
    assert {name: body[name] for name in ASKED if name != "input"} == {k: v for k, v in ASKED.items() if k != "input"}
    assert (body["store"], body["background"], body["previous_response_id"]) == (False, False, None)
    assert body["novel"] == 1
    assert body["airegistry"]["target"] == "models/m/endpoints/a"
    assert body["usage"] == {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 14,
    }


def test_counts_that_nobody_told_are_not_shown_as_none():
    assert whole(text("Hi"), settlement=Settlement())["usage"] is None
    assert streamed(settlement=Settlement())[-1]["response"]["usage"] is None


CASES = [
    pytest.param((text("a"), text("b")), ["message"], id="texts"),
    pytest.param((text("a"), ContentBlock(refusal=RefusalBlock("b"))), ["message"], id="text-and-refusal"),
    pytest.param((ContentBlock(thinking=ThinkingBlock("a", "s")), text("b")), ["reasoning", "message"], id="thought"),
    pytest.param((ContentBlock(thinking=ThinkingBlock("", "s")),), ["reasoning"], id="proof-alone"),
    pytest.param(
        (text("a"), ContentBlock(tool_call=ToolCall("c", "go", "{}")), text("b")),
        ["message", "function_call", "message"],
        id="call-between-texts",
    ),
    pytest.param((PNG, text("a")), ["image_generation_call", "message"], id="image"),
    pytest.param((text("a", NESTED),), ["message"], id="annotation"),
]


@pytest.mark.parametrize(("content", "kinds"), CASES)
def test_blocks_are_the_same_items_whole_and_streamed(content, kinds):
    expected = whole(*content)["output"]
    output = output_of(streamed(*(ChatDelta(0, i, block=block) for i, block in enumerate(content))))
    assert [item["type"] for item in output] == kinds
    for item in (*output, *expected):
        del item["id"]
    assert output == expected


def test_items_say_all_that_blocks_do():
    thought, message, call, image = whole(
        ContentBlock(thinking=ThinkingBlock("Hm.", "openai.responses:sig")),
        text("See A.", NESTED),
        ContentBlock(tool_call=ToolCall("c", "go", '{"a":1}')),
        PNG,
        logprobs=(LOGPROB,),
    )["output"]
    assert (thought["summary"], thought["encrypted_content"]) == ([{"type": "summary_text", "text": "Hm."}], "sig")
    assert message["content"][0]["annotations"] == [FLAT]
    assert message["content"][0]["logprobs"] == [
        {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}
    ]
    assert (call["call_id"], call["name"], call["arguments"], call["status"]) == ("c", "go", '{"a":1}', "completed")
    assert base64.b64decode(image["result"]) == b"\x89P"


@pytest.mark.parametrize("signature", ["openai.responses:sig", "gemini:sig", "EqQBCk"])
def test_the_proof_of_a_thought_comes_back_as_it_was(signature):
    item = whole(ContentBlock(thinking=ThinkingBlock("Hm.", signature)))["output"][0]
    call = read_responses(orjson.dumps({"model": "m", "input": [item]}))
    assert call.request.messages[0].content[0].thinking == ThinkingBlock("Hm.", signature)
    assert call.rewrite is not signature.startswith("openai.responses:")


LOST = [
    pytest.param(ContentBlock(audio=MediaBlock(data=b"x", media_type="audio/wav")), id="sound"),
    pytest.param(ContentBlock(image=MediaBlock(url="https://a")), id="image-url"),
    pytest.param(ContentBlock(thinking=ThinkingBlock(redacted_data=b"x")), id="redacted"),
    pytest.param(text("a", {"type": "odd"}), id="annotation"),
]


@pytest.mark.parametrize("block", LOST)
def test_what_has_no_place_is_named(block):
    lost = ["output[0]: has no place in this format"]
    assert whole(block)["airegistry"]["warnings"] == lost
    assert streamed(ChatDelta(block=block))[-1]["response"]["airegistry"]["warnings"] == lost


def test_what_was_lost_of_the_request_is_named_with_what_was_lost_of_the_answer():
    call = read_responses(orjson.dumps({**ASKED, "text": {"verbosity": "low"}}))
    account = Settlement(warnings=(FieldWarning("chat.seed", "not sent"),))
    expected = ["text.verbosity: this field is not known here; not sent", "chat.seed: not sent"]
    assert whole(text("a"), settlement=account, call=call)["airegistry"]["warnings"] == expected
    events = streamed(ChatDelta(text="a"), settlement=account, call=call)
    assert events[-1]["response"]["airegistry"]["warnings"] == expected


@pytest.mark.parametrize(
    ("finish", "content", "status", "reason"),
    [
        (FinishReason.STOP, text("a"), "completed", None),
        (FinishReason.TOOL_CALLS, text("a"), "completed", None),
        (FinishReason.OTHER, text("a"), "completed", None),
        (FinishReason.LENGTH, text("a"), "incomplete", "max_output_tokens"),
        (FinishReason.CONTENT_FILTER, text("a"), "incomplete", "content_filter"),
        (FinishReason.REFUSAL, ContentBlock(refusal=RefusalBlock("No")), "completed", None),
        (FinishReason.REFUSAL, text("a"), "incomplete", "content_filter"),
        (None, text("a"), "completed", None),
    ],
)
def test_why_an_answer_ended_is_its_status(finish, content, status, reason):
    end = [] if finish is None else [ChatDelta(finish_reason=finish)]
    events = streamed(ChatDelta(block=content), *end)
    assert events[-1]["type"] == f"response.{status}"
    for response in (whole(content, finish=finish), events[-1]["response"]):
        assert response["status"] == status
        assert (response["incomplete_details"] or {}).get("reason") == reason
        assert [item["status"] for item in response["output"]] == [status]


def test_events_are_numbered_and_begin_and_end_in_order():
    events = streamed(
        ChatDelta(0, 0, thinking="Hm"),
        ChatDelta(0, 0, thinking_signature="openai.responses:sig"),
        ChatDelta(0, 1, text="a"),
        ChatDelta(0, 1, text="b", logprobs=(LOGPROB,)),
        ChatDelta(0, 2, refusal="No"),
        ChatDelta(0, 3, tool_call_start=ToolCall("c", "go")),
        ChatDelta(0, 4, tool_call_start=ToolCall("d", "go", "{")),
        ChatDelta(0, 3, tool_call_arguments="{}"),
        ChatDelta(0, 4, tool_call_arguments="}"),
    )
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [(event["type"].removeprefix("response."), event.get("output_index")) for event in events] == [
        ("created", None),
        ("in_progress", None),
        ("output_item.added", 0),
        ("reasoning_summary_part.added", 0),
        ("reasoning_summary_text.delta", 0),
        ("reasoning_summary_text.done", 0),
        ("reasoning_summary_part.done", 0),
        ("output_item.done", 0),
        ("output_item.added", 1),
        ("content_part.added", 1),
        ("output_text.delta", 1),
        ("output_text.delta", 1),
        ("output_text.done", 1),
        ("content_part.done", 1),
        ("content_part.added", 1),
        ("refusal.delta", 1),
        ("refusal.done", 1),
        ("content_part.done", 1),
        ("output_item.done", 1),
        ("output_item.added", 2),
        ("output_item.added", 3),
        ("function_call_arguments.delta", 3),
        ("function_call_arguments.delta", 2),
        ("function_call_arguments.delta", 3),
        ("function_call_arguments.done", 2),
        ("output_item.done", 2),
        ("function_call_arguments.done", 3),
        ("output_item.done", 3),
        ("completed", None),
    ]
    thought, message, first, second = output_of(events)
    assert thought["encrypted_content"] == "sig"
    assert message["content"][0]["text"] == "ab"
    assert message["content"][0]["logprobs"][0]["token"] == "Hi"
    assert (first["arguments"], second["arguments"]) == ("{}", "{}")


def test_an_answer_without_a_word_is_whole():
    events = streamed(ChatDelta(finish_reason=FinishReason.STOP))
    assert [event["type"] for event in events] == ["response.created", "response.in_progress", "response.completed"]


def test_what_comes_late_for_a_text_that_has_ended_is_another_text():
    events = streamed(
        ChatDelta(0, 0, text="a"),
        ChatDelta(0, 1, tool_call_start=ToolCall("c", "go")),
        ChatDelta(0, 0, text="b"),
        ChatDelta(0, 1, tool_call_arguments="{}"),
    )
    assert [item["type"] for item in output_of(events)] == ["message", "function_call", "message"]
    assert output_of(events)[1]["arguments"] == "{}"


def test_what_comes_late_for_a_part_that_has_ended_is_another_part():
    events = streamed(ChatDelta(0, 0, text="a"), ChatDelta(0, 1, refusal="No"), ChatDelta(0, 0, text="b"))
    told = [(event["type"].rpartition(".")[2], event["content_index"]) for event in events if "content_index" in event]
    assert [number for kind, number in told if kind == "delta"] == [0, 1, 2]
    assert all(number == told[i][1] or kind == "added" for i, (kind, number) in enumerate(told[1:]))
    (message,) = output_of(events)
    assert [part["type"] for part in message["content"]] == ["output_text", "refusal", "output_text"]


def test_an_annotation_that_comes_too_late_is_named():
    events = streamed(
        ChatDelta(0, 0, text="a"),
        ChatDelta(0, 1, tool_call_start=ToolCall("c", "go")),
        ChatDelta(0, 0, block=text("", FLAT)),
    )
    assert events[-1]["response"]["airegistry"]["warnings"] == ["output[0]: has no place in this format"]


def test_a_failure_is_the_last_event_in_both_of_its_forms():
    writer = ResponseEvents(CALL, 7)
    wire = writer.write([InvokeEvent(chat_delta=ChatDelta(text="a"))])
    wire += writer.failure(ProviderRateLimitedError("slow down"))
    last = read(wire)[-1]
    assert (last["type"], last["code"], last["message"]) == ("error", "rate_limit_exceeded", "slow down")
    assert last["error"]["code"] == "rate_limit_exceeded"
    assert last["sequence_number"] == len(read(wire)) - 1


def relayed(*bodies):
    return [InvokeEvent(raw=RawResponse(body=body)) for body in bodies]


def test_events_of_the_same_format_go_on_as_they_are():
    writer = ResponseEvents(CALL, 7)
    odd = b'{"type": "response.new.thing", "odd": 1.10}'
    wire = writer.write(relayed(odd, b"[DONE]"))
    assert wire == b"event: response.new.thing\ndata: " + odd + b"\n\n"
    end = b'{"type": "response.completed", "odd": 1.10, "response": {"id": "r", "odd": 1.10}}'
    wire = writer.write([*relayed(odd, end), InvokeEvent(end=StreamEnd(ACCOUNT))])
    assert wire.startswith(b"event: response.new.thing\ndata: " + odd + b"\n\n")
    assert b'"odd":1.10' in wire.split(b"\n\n")[1]
    last = read(wire)[-1]
    assert last["response"] == {"id": "r", "odd": 1.1, "airegistry": {"target": "models/m/endpoints/a", "attempts": 0}}


def test_a_line_break_inside_an_event_does_not_end_it():
    wire = ResponseEvents(CALL, 7).write(relayed(b'{"type": "response.x",\r\n "a": 1}'))
    assert read(wire) == [{"type": "response.x", "a": 1}]
