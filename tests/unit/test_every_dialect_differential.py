"""Any answer of any registered dialect is the same whole, streamed, and cut anywhere.

A dialect that answers conversations has to have a row here: what draws its answers, and the bytes in which they come.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry import dialects
from airegistry.dialects.base import Dialect
from airegistry.dialects.custom.dialect import Custom
from airegistry.errors import TruncatedAnswerError
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatRequest
from airegistry.resources.endpoint import Communication, CustomFormat, Endpoint
from tests.unit import test_dialect_anthropic_differential as anthropic
from tests.unit import test_dialect_differential as openai
from tests.unit import test_dialect_responses_differential as responses

WORDS = openai.WORDS
COUNTS = openai.COUNTS
REQUEST = ChatRequest()
OBJECTS = st.dictionaries(WORDS, st.integers(-5, 5) | WORDS, max_size=2)


@dataclass(frozen=True)
class Drawn:
    """How to draw answers of a dialect. *stream* gets a `draw` and an answer, *whole* writes the answer at once."""

    answers: st.SearchStrategy[Any]
    stream: Callable[[Any, Any], bytes]
    whole: Callable[[Any], bytes] = orjson.dumps
    dialect: Dialect | None = None


def sse(values):
    return b"".join(b"data: " + orjson.dumps(value) + b"\n\n" for value in values)


@st.composite
def said(draw):
    """Draw what an assistant thinks, says and calls, and what it took."""
    return {
        "thinking": draw(st.just("") | WORDS),
        "text": draw(st.just("") | WORDS),
        "calls": draw(st.lists(st.tuples(WORDS, OBJECTS), max_size=3)),
        "reason": draw(st.sampled_from([0, 1])),
        "read": draw(COUNTS),
        "written": draw(COUNTS),
    }


def ollama_line(message, **facts):
    message = {"role": "assistant", "content": "", **message}
    return {"model": "m", "created_at": "2026-05-14T09:31:07.5Z", "message": message, "done": False, **facts}


def ollama_end(answer):
    counts = {"prompt_eval_count": answer["read"], "eval_count": answer["written"], "total_duration": 5}
    return {"done": True, "done_reason": ("stop", "length")[answer["reason"]], **counts}


def ollama_calls(answer):
    return [{"function": {"name": name, "arguments": arguments}} for name, arguments in answer["calls"]]


def ollama_whole(answer):
    message = {"content": answer["text"], "thinking": answer["thinking"], "tool_calls": ollama_calls(answer)}
    return orjson.dumps(ollama_line({name: value for name, value in message.items() if value}, **ollama_end(answer)))


def ollama_stream(draw, answer):
    lines = [ollama_line({"thinking": piece}) for piece in openai.pieces_of(draw, answer["thinking"])]
    lines += [ollama_line({"content": piece}) for piece in openai.pieces_of(draw, answer["text"])]
    lines += [ollama_line({"tool_calls": [call]}) for call in ollama_calls(answer)]
    lines.append(ollama_line({}, **ollama_end(answer)))
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)


def gemini_chunk(parts, **facts):
    candidate = {"content": {"parts": parts, "role": "model"}, "index": 0, **facts}
    return {"candidates": [candidate], "modelVersion": "m", "responseId": "r"}


def gemini_end(answer):
    return {"finishReason": ("STOP", "MAX_TOKENS")[answer["reason"]]}


def gemini_usage(answer):
    read, written = answer["read"], answer["written"]
    return {"promptTokenCount": read, "candidatesTokenCount": written, "totalTokenCount": read + written}


def gemini_calls(answer):
    return [{"functionCall": {"id": f"fc-{i}", "name": n, "args": a}} for i, (n, a) in enumerate(answer["calls"])]


def gemini_whole(answer):
    parts = [{"text": answer["thinking"], "thought": True}] if answer["thinking"] else []
    parts += [{"text": answer["text"]}] if answer["text"] else []
    chunk = gemini_chunk([*parts, *gemini_calls(answer)], **gemini_end(answer))
    return orjson.dumps({**chunk, "usageMetadata": gemini_usage(answer)})


def gemini_stream(draw, answer):
    chunks = [gemini_chunk([{"text": piece, "thought": True}]) for piece in openai.pieces_of(draw, answer["thinking"])]
    chunks += [gemini_chunk([{"text": piece}]) for piece in openai.pieces_of(draw, answer["text"])]
    chunks += [gemini_chunk([call]) for call in gemini_calls(answer)]
    chunks.append({**gemini_chunk([{"text": ""}], **gemini_end(answer)), "usageMetadata": gemini_usage(answer)})
    return sse(chunks)


def tgi_details(answer):
    reason = ("eos_token", "length")[answer["reason"]]
    return {"finish_reason": reason, "generated_tokens": answer["written"], "input_length": answer["read"]}


def tgi_whole(answer):
    return orjson.dumps({"generated_text": answer["text"], "details": tgi_details(answer)})


def tgi_stream(draw, answer):
    tokens = [{"token": {"id": 1, "text": piece}} for piece in openai.pieces_of(draw, answer["text"])]
    last = {"token": {"id": 2, "text": "</s>", "special": True}, "generated_text": answer["text"]}
    return sse([*tokens, {**last, "details": tgi_details(answer)}])


DECLARED = CustomFormat(
    request_template="{}",
    response_paths={"text": "words", "thinking": "musing", "finish_reason": "why", "usage.output_tokens": "spoken"},
    stream_paths={"text": "w", "thinking": "m", "finish_reason": "why", "usage.output_tokens": "spoken"},
)


def custom_end(answer):
    return {"why": ("stop", "length")[answer["reason"]], "spoken": answer["written"]}


def custom_whole(answer):
    return orjson.dumps({"words": answer["text"], "musing": answer["thinking"], **custom_end(answer)})


def custom_stream(draw, answer):
    events = [{"m": piece} for piece in openai.pieces_of(draw, answer["thinking"])]
    events += [{"w": piece} for piece in openai.pieces_of(draw, answer["text"])]
    return sse([*events, custom_end(answer)])


def kserve_response(text, read, written, word=""):
    """Return a response of a model, as the transport writes it; its text may end inside of a character."""
    counts = {"num_input_tokens": read, "num_output_tokens": written}
    tensors = [{"name": name, "datatype": "UINT32", "shape": [1], "data": [count]} for name, count in counts.items()]
    encoded = {"name": "text_output", "datatype": "BYTES", "shape": [1], "base64": [b64encode(text).decode()]}
    reason = {"name": "finish_reason", "datatype": "BYTES", "shape": [1], "data": [word]}
    return {"model_name": "m", "id": "r", "parameters": {}, "outputs": [encoded, reason, *tensors]}


def kserve_whole(answer):
    word = ("stop", "length")[answer["reason"]]
    return orjson.dumps(kserve_response(answer["text"].encode(), answer["read"], answer["written"], word))


def kserve_stream(draw, answer):
    pieces = openai.pieces_of(draw, answer["text"].encode()) or [b""]
    values = [kserve_response(piece, answer["read"], 0) for piece in pieces]
    values.append(kserve_response(b"", answer["read"], answer["written"], ("stop", "length")[answer["reason"]]))
    return b"".join(orjson.dumps(value) + b"\n" for value in [*values, {"end": True}])


def a2a_status(answer):
    return {"state": ("TASK_STATE_COMPLETED", "TASK_STATE_INPUT_REQUIRED")[answer["reason"]]}


def a2a_message(text):
    return {"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": text}]}


def a2a_whole(answer):
    """Return a task that says in its history what the agent thought, and has made what it says."""
    task: dict[str, Any] = {"id": "t", "contextId": "c", "status": a2a_status(answer)}
    if answer["thinking"]:
        task["history"] = [a2a_message(answer["thinking"])]
    if answer["text"]:
        task["artifacts"] = [{"artifactId": "a", "parts": [{"text": answer["text"]}]}]
    return orjson.dumps({"task": task})


def a2a_stream(draw, answer):
    ids = {"taskId": "t", "contextId": "c"}
    values: list[Any] = [{"task": {"id": "t", "contextId": "c", "status": {"state": "TASK_STATE_SUBMITTED"}}}]
    if answer["thinking"]:
        status = {"state": "TASK_STATE_WORKING", "message": a2a_message(answer["thinking"])}
        values.append({"statusUpdate": {**ids, "status": status}})
    for i, piece in enumerate(openai.pieces_of(draw, answer["text"])):
        artifact = {"artifactId": "a", "parts": [{"text": piece}]}
        values.append({"artifactUpdate": {**ids, "artifact": artifact, "append": i > 0}})
    values += [{"statusUpdate": {**ids, "status": a2a_status(answer)}}, {"end": True}]
    return b"".join(orjson.dumps(value) + b"\n" for value in values)


custom = Custom().of(Endpoint(communication=Communication(dialect="custom", custom=DECLARED)))
DRAWN = {
    "openai.chat": Drawn(openai.answers(), openai.stream_of),
    "anthropic.messages": Drawn(anthropic.answers(), anthropic.stream_of),
    "openai.responses": Drawn(responses.responses(), responses.stream_of),
    "ollama.chat": Drawn(said(), ollama_stream, ollama_whole),
    "gemini.generate_content": Drawn(said(), gemini_stream, gemini_whole),
    "tgi.generate": Drawn(said(), tgi_stream, tgi_whole),
    "kserve.v2": Drawn(said(), kserve_stream, kserve_whole),
    "a2a": Drawn(said(), a2a_stream, a2a_whole),
    "custom": Drawn(said(), custom_stream, custom_whole, custom),
}
CONVERSING = [name for name in dialects.names() if (known := dialects.get(name)) and known.speaks(REQUEST)]
each_dialect = pytest.mark.parametrize("name", CONVERSING)


def read(dialect, pieces):
    decoder = dialect.decoder(REQUEST)
    items = [item for piece in pieces if not decoder.finished for item in decoder.feed(piece)]
    return [*items, *decoder.close()]


def dialect_of(name):
    return DRAWN[name].dialect or dialects.get(name)


@each_dialect
def test_every_dialect_that_answers_conversations_has_a_row(name):
    assert name in DRAWN, f"nothing draws answers of {name}: add a row to DRAWN"


@each_dialect
@given(st.data())
def test_a_stream_and_a_whole_answer_are_the_same_answer(name, data):
    drawn, dialect = DRAWN[name], dialect_of(name)
    answer = data.draw(drawn.answers)
    whole = dialect.decode(REQUEST, 200, {}, drawn.whole(answer))
    assert assemble(read(dialect, [drawn.stream(data.draw, answer)])) == (whole.output, whole.usage)


@each_dialect
@given(st.data())
def test_bytes_that_are_cut_anywhere_give_the_same_items(name, data):
    dialect = dialect_of(name)
    wire = DRAWN[name].stream(data.draw, data.draw(DRAWN[name].answers))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    pieces = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    assert read(dialect, pieces) == read(dialect, [wire])


@each_dialect
@given(st.data())
def test_an_answer_without_its_end_is_no_answer(name, data):
    """However much of it came, what is missing is missed, unless nothing of the answer itself is missing."""
    dialect = dialect_of(name)
    wire = DRAWN[name].stream(data.draw, data.draw(DRAWN[name].answers))
    end = data.draw(st.integers(0, len(wire) - 1))
    try:
        items = read(dialect, [wire[:end]])
    except TruncatedAnswerError:
        return
    # One choice was asked for: that there are more is not known before they come.
    assert assemble(items)[0].choices[:1] == assemble(read(dialect, [wire]))[0].choices[:1]
