"""Any answer is the same streamed, whole, and through our own front and back again."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from airegistry.dialects.openai.chat import OpenAIChat
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatDelta, ChatRequest
from airegistry.invocations.invocation import Settlement
from gateway.fronts.openai.responses import Envelope, chat_body
from gateway.fronts.openai.streams import ChatEvents

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
COUNTS = st.integers(0, 10_000)
REQUEST = ChatRequest()
ENVELOPE = Envelope("chatcmpl-1", 1_754_000_000, "m")


@st.composite
def messages(draw):
    """Draw a message of an assistant, in OpenAI's form."""
    message = {"role": "assistant", "content": draw(st.none() | WORDS)}
    if draw(st.booleans()):
        message["reasoning_content"] = draw(WORDS)
    if draw(st.booleans()):
        message["refusal"] = draw(WORDS)
    if draw(st.booleans()):
        message["annotations"] = [{"type": "url_citation", "url_citation": {"url": draw(WORDS)}}]
    calls = draw(st.lists(st.tuples(WORDS, st.just("") | WORDS), max_size=3))
    if calls:
        message["tool_calls"] = [
            {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for i, (name, arguments) in enumerate(calls)
        ]
    return message


@st.composite
def answers(draw):
    """Draw a whole chat completion."""
    reasons = st.sampled_from(["stop", "length", "tool_calls", "content_filter", "weird"])
    count = draw(st.integers(1, 3))
    choices = [{"index": i, "message": draw(messages()), "finish_reason": draw(reasons)} for i in range(count)]
    answer = {"id": "c", "object": "chat.completion", "created": 1_754_000_000, "model": "m", "choices": choices}
    if draw(st.booleans()):
        prompt, completion = draw(COUNTS), draw(COUNTS)
        answer["usage"] = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": draw(st.integers(0, prompt))},
            "completion_tokens_details": {"reasoning_tokens": draw(st.integers(0, completion))},
        }
    if draw(st.booleans()):
        answer["system_fingerprint"] = draw(WORDS)
    return answer


def pieces_of(draw, text):
    """Cut a text anywhere."""
    cut = draw(st.integers(0, len(text)))
    return [piece for piece in (text[:cut], text[cut:]) if piece]


def deltas_of(draw, message):
    """Return the deltas in which a server would stream a message."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    for name in ("reasoning_content", "content", "refusal"):
        deltas += [{name: piece} for piece in pieces_of(draw, message.get(name) or "")]
    if "annotations" in message:
        deltas.append({"annotations": message["annotations"]})
    # The calls begin in order; their arguments come interleaved.
    waiting = {}
    for i, call in enumerate(message.get("tool_calls", ())):
        deltas.append({"tool_calls": [{**call, "index": i, "function": {**call["function"], "arguments": ""}}]})
        waiting[i] = pieces_of(draw, call["function"]["arguments"])
    while ready := [i for i, pieces in waiting.items() if pieces]:
        i = draw(st.sampled_from(ready))
        deltas.append({"tool_calls": [{"index": i, "function": {"arguments": waiting[i].pop(0)}}]})
    return deltas


def stream_of(draw, answer):
    """Return the bytes in which a server would stream an answer."""
    chunks = []
    for choice in answer["choices"]:
        deltas = deltas_of(draw, choice["message"])
        chunks += [[{"index": choice["index"], "delta": delta, "finish_reason": None}] for delta in deltas]
        chunks.append([{"index": choice["index"], "delta": {}, "finish_reason": choice["finish_reason"]}])
    head = {name: answer[name] for name in ("id", "created", "model", "system_fingerprint") if name in answer}
    items = [{**head, "choices": choices} for choices in chunks]
    if "usage" in answer:
        items.append({**head, "choices": [], "usage": answer["usage"]})
    return b"".join(b"data: " + orjson.dumps(item) + b"\n\n" for item in items) + b"data: [DONE]\n\n"


def read_stream(wire, cut):
    decoder = OpenAIChat().decoder(REQUEST)
    items = [*decoder.feed(wire[:cut]), *decoder.feed(wire[cut:])]
    assert decoder.finished
    return [*items, *decoder.close()]


def read_whole(body):
    return OpenAIChat().decode(REQUEST, 200, {}, body)


@given(answers(), st.data())
def test_a_stream_and_a_whole_answer_say_the_same(answer, data):
    wire = stream_of(data.draw, answer)
    whole = read_whole(orjson.dumps(answer))
    items = read_stream(wire, data.draw(st.integers(0, len(wire))))
    assert assemble(items) == (whole.output, whole.usage)


@given(answers())
def test_a_whole_answer_survives_our_front(answer):
    first = read_whole(orjson.dumps(answer))
    again = read_whole(chat_body(first.output, Settlement(usage=first.usage), ENVELOPE))
    assert [plain(choice) for choice in again.output.choices] == [plain(choice) for choice in first.output.choices]
    assert again.usage == first.usage


@given(answers(), st.data())
def test_a_streamed_answer_survives_our_front(answer, data):
    items = read_stream(stream_of(data.draw, answer), 0)
    response, usage = assemble(items)
    events = ChatEvents(ENVELOPE, include_usage=True)
    wire = b"".join(events.delta(item) for item in items if isinstance(item, ChatDelta))
    wire += events.end(Settlement(usage=usage))
    again, usage_again = assemble(read_stream(wire, data.draw(st.integers(0, len(wire)))))
    assert [plain(choice) for choice in again.choices] == [plain(choice) for choice in response.choices]
    assert usage_again == usage


def plain(choice):
    """Return what of a choice OpenAI's format can say: a refusal ends there with another word."""
    return choice.index, choice.message, choice.finish_reason
