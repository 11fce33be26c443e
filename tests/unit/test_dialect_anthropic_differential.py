"""Any answer of Anthropic's is the same streamed, whole, and through our own front and back again; so is any of OpenAI's."""

import dataclasses
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from airegistry.dialects.anthropic.messages import AnthropicMessages
from airegistry.dialects.openai.chat import OpenAIChat
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatDelta, ChatRequest
from airegistry.invocations.invocation import InvokeEvent, Settlement, StreamEnd
from airegistry.invocations.streaming import ExtraSeen
from gateway.fronts.anthropic.responses import Envelope, message_body
from gateway.fronts.anthropic.streams import MessageEvents
from tests.unit import test_dialect_differential as openai

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
COUNTS = st.integers(0, 10_000)
REQUEST = ChatRequest()
ENVELOPE = Envelope("msg_1", "m")
OBJECTS = st.dictionaries(
    WORDS, st.integers(-(2**53), 2**53) | WORDS | st.none() | st.lists(st.booleans(), max_size=2), max_size=3
)


@st.composite
def blocks(draw):
    """Draw a block of an assistant's message."""
    match draw(st.sampled_from(["text", "cited", "thinking", "redacted", "tool", "lost"])):
        case "text":
            return {"type": "text", "text": draw(WORDS)}
        case "cited":
            citation = {"type": "char_location", "cited_text": draw(WORDS), "document_index": 0}
            return {"type": "text", "text": draw(WORDS), "citations": [citation]}
        case "thinking":
            return {"type": "thinking", "thinking": draw(st.just("") | WORDS), "signature": draw(WORDS)}
        case "redacted":
            return {"type": "redacted_thinking", "data": draw(WORDS)}
        case "tool":
            return {"type": "tool_use", "id": draw(WORDS), "name": draw(WORDS), "input": draw(OBJECTS)}
    return {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}


@st.composite
def answers(draw):
    """Draw a whole message."""
    reasons = st.sampled_from(["end_turn", "max_tokens", "tool_use", "refusal", "model_context_window_exceeded"])
    output = draw(COUNTS)
    usage = {"input_tokens": draw(COUNTS), "output_tokens": output}
    if draw(st.booleans()):
        long, short = draw(COUNTS), draw(COUNTS)
        usage["cache_read_input_tokens"] = draw(COUNTS)
        usage["cache_creation_input_tokens"] = long + short
        usage["cache_creation"] = {"ephemeral_1h_input_tokens": long, "ephemeral_5m_input_tokens": short}
        usage["output_tokens_details"] = {"thinking_tokens": draw(st.integers(0, output))}
    stopped = draw(st.none() | WORDS)
    return {
        "id": "msg_up",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": draw(st.lists(blocks(), max_size=4)),
        "stop_reason": "stop_sequence" if stopped else draw(reasons),
        "stop_sequence": stopped,
        "usage": usage,
    }


def deltas_of(draw, block):
    """Return how a block begins, and the deltas that bring the rest."""
    match block["type"]:
        case "text":
            deltas = [{"type": "text_delta", "text": piece} for piece in openai.pieces_of(draw, block["text"])]
            deltas += [{"type": "citations_delta", "citation": cited} for cited in block.get("citations", ())]
            return {"type": "text", "text": ""}, deltas
        case "thinking":
            pieces = openai.pieces_of(draw, block["thinking"])
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
            return {"type": "thinking", "thinking": "", "signature": ""}, deltas
        case "tool_use":
            words = orjson.dumps(block["input"]).decode() if block["input"] else ""
            pieces = ["", *openai.pieces_of(draw, words)]
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return block, []


def stream_of(draw, answer):
    """Return the bytes in which Anthropic would stream an answer."""
    begun = {**answer, "content": [], "stop_reason": None, "stop_sequence": None}
    begun["usage"] = {**answer["usage"], "output_tokens": draw(st.integers(0, answer["usage"]["output_tokens"]))}
    begun["usage"].pop("output_tokens_details", None)
    events: list[Any] = [{"type": "message_start", "message": begun}, {"type": "ping"}]
    for i, block in enumerate(answer["content"]):
        start, deltas = deltas_of(draw, block)
        events.append({"type": "content_block_start", "index": i, "content_block": start})
        events += [{"type": "content_block_delta", "index": i, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": i})
    usage = {name: answer["usage"][name] for name in answer["usage"] if name.startswith("output")}
    stop = {"stop_reason": answer["stop_reason"], "stop_sequence": answer["stop_sequence"]}
    events += [{"type": "message_delta", "delta": stop, "usage": usage}, {"type": "message_stop"}]
    return b"".join(b"event: %s\ndata: %s\n\n" % (e["type"].encode(), orjson.dumps(e)) for e in events)


def read_stream(wire, cut):
    decoder = AnthropicMessages().decoder(REQUEST)
    items = [*decoder.feed(wire[:cut]), *decoder.feed(wire[cut:])]
    assert decoder.finished
    return [*items, *decoder.close()]


def read_whole(body):
    return AnthropicMessages().decode(REQUEST, 200, {}, body)


def through_our_front(items, usage):
    """Return what our front streams of items, all of it."""
    extra = next((item.extra for item in items if isinstance(item, ExtraSeen)), None)
    events = [InvokeEvent(chat_delta=item) for item in items if isinstance(item, ChatDelta)]
    return MessageEvents(ENVELOPE).write([*events, InvokeEvent(end=StreamEnd(Settlement(usage=usage), extra))])


@given(answers(), st.data())
def test_a_stream_and_a_whole_answer_say_the_same(answer, data):
    wire = stream_of(data.draw, answer)
    whole = read_whole(orjson.dumps(answer))
    items = read_stream(wire, data.draw(st.integers(0, len(wire))))
    assert assemble(items) == (whole.output, whole.usage)


@given(answers())
def test_a_whole_answer_survives_our_front(answer):
    first = read_whole(orjson.dumps(answer))
    again = read_whole(message_body(first.output, Settlement(usage=first.usage), ENVELOPE))
    assert again.output.choices == with_our_ids(first.output).choices
    assert again.usage == first.usage


@given(answers(), st.data())
def test_a_streamed_answer_survives_our_front(answer, data):
    items = read_stream(stream_of(data.draw, answer), 0)
    response, usage = assemble(items)
    wire = through_our_front(items, usage)
    again, usage_again = assemble(read_stream(wire, data.draw(st.integers(0, len(wire)))))
    assert again.choices == with_our_ids(response).choices
    assert usage_again == usage


@given(openai.answers(), st.data())
def test_an_answer_of_openais_says_the_same_through_our_front_streamed_and_whole(answer, data):
    answer["choices"] = answer["choices"][:1]
    streamed = openai.read_stream(openai.stream_of(data.draw, answer), 0)
    response, usage = assemble(streamed)
    again, _ = assemble(read_stream(through_our_front(streamed, usage), 0))
    assert gist(again) == gist(response)
    whole = read_whole(message_body(response, Settlement(usage=usage), ENVELOPE))
    assert gist(whole.output, arguments=False) == gist(response, arguments=False)


def with_our_ids(response):
    """Return a response with the ids of calls in the letters that the format takes."""
    (choice,) = response.choices
    assert choice.message is not None
    content = tuple(
        block
        if block.tool_call is None
        else dataclasses.replace(block, tool_call=dataclasses.replace(block.tool_call, id=spelled(block.tool_call.id)))
        for block in choice.message.content
    )
    message = dataclasses.replace(choice.message, content=content)
    return dataclasses.replace(response, choices=(dataclasses.replace(choice, message=message),))


def spelled(id_):
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in id_)


def gist(response, *, arguments=True):
    """Return what an answer says: its words, its thoughts, its calls. A refusal in words is text in Anthropic's format."""
    (choice,) = response.choices
    content = choice.message.content
    words = "".join(b.text.text for b in content if b.text) + "".join(b.refusal.text for b in content if b.refusal)
    thoughts = "".join(b.thinking.text for b in content if b.thinking)
    calls = [
        (call.id, call.name, (call.arguments or "{}") if arguments else "")
        for call in (b.tool_call for b in content)
        if call is not None
    ]
    return words, thoughts, calls


def test_the_gist_of_openais_answers_is_more_than_nothing():
    body = b'{"id":"1","choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"}]}'
    assert gist(OpenAIChat().decode(REQUEST, 200, {}, body).output) == ("x", "", [])
