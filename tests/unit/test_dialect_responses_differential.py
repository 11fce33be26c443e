"""Any response is the same streamed, whole, and through our own front and back again."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from airegistry.dialects.openai_responses.dialect import OpenAIResponses
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatDelta, ChatRequest
from airegistry.invocations.invocation import InvokeEvent, Settlement, StreamEnd
from gateway.fronts.openai_responses.answers import response_body
from gateway.fronts.openai_responses.requests import read_responses
from gateway.fronts.openai_responses.streams import ResponseEvents

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
COUNTS = st.integers(0, 10_000)
REQUEST = ChatRequest()
CALL = read_responses(b'{"model": "m", "input": "x"}')
CITATION = st.builds(
    lambda url: {"type": "url_citation", "url": url, "title": "T", "start_index": 0, "end_index": 1}, WORDS
)


@st.composite
def messages(draw, id_):
    """Draw a message."""
    texts = st.builds(
        lambda text, annotations: {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []},
        WORDS,
        st.lists(CITATION, max_size=2),
    )
    refusals = st.builds(lambda words: {"type": "refusal", "refusal": words}, WORDS)
    content = draw(st.lists(texts | refusals, min_size=1, max_size=3))
    return {"id": id_, "type": "message", "role": "assistant", "status": "completed", "content": content}


@st.composite
def thoughts(draw, id_):
    """Draw a thought: a summary with its proof, or the whole of it."""
    if draw(st.booleans()):
        return {"id": id_, "type": "reasoning", "summary": [], "content": [reasoning_text(draw(WORDS))]}
    summary = [{"type": "summary_text", "text": text} for text in draw(st.lists(WORDS, max_size=3))]
    return {"id": id_, "type": "reasoning", "summary": summary, "encrypted_content": draw(WORDS)}


def reasoning_text(words):
    return {"type": "reasoning_text", "text": words}


@st.composite
def calls(draw, id_):
    """Draw a call of a function."""
    facts = {"call_id": f"call_{id_}", "name": draw(WORDS), "arguments": draw(st.just("") | WORDS)}
    return {"id": id_, "type": "function_call", "status": "completed", **facts}


@st.composite
def responses(draw):
    """Draw a whole response."""
    kinds = draw(st.lists(st.sampled_from([messages, thoughts, calls]), min_size=1, max_size=4))
    output = [draw(kind(f"id_{i}")) for i, kind in enumerate(kinds)]
    response = {"id": "resp_1", "object": "response", "created_at": 1_790_000_000, "model": "m", "output": output}
    response["status"] = draw(st.sampled_from(["completed", "incomplete"]))
    if response["status"] == "incomplete":
        reasons = st.sampled_from(["max_output_tokens", "content_filter"])
        response["incomplete_details"] = {"reason": draw(reasons)}
    if draw(st.booleans()):
        read, written = draw(COUNTS), draw(COUNTS)
        response["usage"] = {
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": draw(st.integers(0, read)), "cache_write_tokens": 0},
            "output_tokens": written,
            "output_tokens_details": {"reasoning_tokens": draw(st.integers(0, written))},
        }
    if draw(st.booleans()):
        response["service_tier"] = draw(WORDS)
    return response


def pieces_of(draw, text):
    """Cut a text anywhere."""
    cut = draw(st.integers(0, len(text)))
    return [piece for piece in (text[:cut], text[cut:]) if piece]


def told_of(draw, index, item):
    """Return the events in which a server would make an item; some leave deltas out that its end makes up for."""
    about = {"item_id": item["id"], "output_index": index}
    begun = {**item, **{name: [] for name in ("content", "summary") if name in item}}
    begun.pop("encrypted_content", None)
    if "arguments" in item:
        begun["arguments"] = ""
    events: list[dict[str, Any]] = [{"type": "response.output_item.added", "output_index": index, "item": begun}]
    parts = [("content", i, part) for i, part in enumerate(item.get("content", ()))]
    parts += [("summary", i, part) for i, part in enumerate(item.get("summary", ()))]
    for name, i, part in parts:
        at = {"summary_index" if name == "summary" else "content_index": i, **about}
        words = part.get("text") or part.get("refusal")
        events += [{"type": KINDS[part["type"]], "delta": piece, **at} for piece in pieces_of(draw, words)]
        for annotation in part.get("annotations", ()):
            events.append({"type": "response.output_text.annotation.added", "annotation": annotation, **at})
    for piece in pieces_of(draw, item.get("arguments", "")):
        events.append({"type": "response.function_call_arguments.delta", "delta": piece, **about})
    heard = events[: draw(st.integers(1, len(events)))]
    return [*heard, {"type": "response.output_item.done", "output_index": index, "item": item}]


KINDS = {
    "output_text": "response.output_text.delta",
    "refusal": "response.refusal.delta",
    "summary_text": "response.reasoning_summary_text.delta",
    "reasoning_text": "response.reasoning_text.delta",
}


def stream_of(draw, response):
    """Return the bytes in which a server would stream a response."""
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    events = [{"type": "response.created", "response": begun}]
    for i, item in enumerate(response["output"]):
        events += told_of(draw, i, item)
    events.append({"type": f"response.{response['status']}", "response": response})
    return b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events)


def read_stream(wire, cut):
    decoder = OpenAIResponses().decoder(REQUEST)
    items = [*decoder.feed(wire[:cut]), *decoder.feed(wire[cut:])]
    assert decoder.finished
    return [*items, *decoder.close()]


def read_whole(body):
    return OpenAIResponses().decode(REQUEST, 200, {}, body)


@given(responses(), st.data())
def test_a_stream_and_a_whole_answer_say_the_same(response, data):
    wire = stream_of(data.draw, response)
    whole = read_whole(orjson.dumps(response))
    items = read_stream(wire, data.draw(st.integers(0, len(wire))))
    assert assemble(items) == (whole.output, whole.usage)


@given(responses())
def test_a_whole_answer_survives_our_front(response):
    first = read_whole(orjson.dumps(response))
    again = read_whole(response_body(first.output, Settlement(usage=first.usage), CALL, 1))
    assert [plain(choice) for choice in again.output.choices] == [plain(choice) for choice in first.output.choices]
    assert again.usage == first.usage


@given(responses(), st.data())
def test_a_streamed_answer_survives_our_front(response, data):
    items = read_stream(stream_of(data.draw, response), 0)
    expected, usage = assemble(items)
    deltas = [InvokeEvent(chat_delta=item) for item in items if isinstance(item, ChatDelta)]
    end = InvokeEvent(end=StreamEnd(Settlement(usage=usage)))
    wire = written(data.draw, [*deltas, end])
    again, usage_again = assemble(read_stream(wire, data.draw(st.integers(0, len(wire)))))
    assert [plain(choice) for choice in again.choices] == [plain(choice) for choice in expected.choices]
    assert usage_again == usage


def written(draw, events):
    """Write events in two batches."""
    writer = ResponseEvents(CALL, 1)
    cut = draw(st.integers(1, len(events)))
    batches = [batch for batch in (events[:cut], events[cut:]) if batch]
    return b"".join(map(writer.write, batches))


def plain(choice):
    """Return what of a choice the format can say."""
    return choice.index, choice.message, choice.finish_reason
