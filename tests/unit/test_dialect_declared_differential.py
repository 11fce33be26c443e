"""Any answer of a declared format, and of `kserve.v2`, is the same streamed and whole."""

import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airegistry.dialects.custom.dialect import Custom
from airegistry.dialects.kserve.dialect import KServe
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatRequest
from airegistry.resources.endpoint import Communication, CustomFormat, Endpoint, StreamFraming

WORDS = st.text(st.characters(codec="utf-8"), max_size=12)
COUNTS = st.integers(0, 10_000)
SHARED = {
    "thinking": "m",
    "refusal": "no",
    "finish_reason": "why",
    "id": "id",
    "usage.all_input_tokens": "n.a",
    "usage.cache_read_tokens": "n.b",
    "usage.output_tokens": "n.c",
    "tool_calls": "acts",
    "tool_calls.index": "i",
    "tool_calls.id": "ref",
    "tool_calls.name": "act",
    "tool_calls.arguments": "with",
}
FORMAT = CustomFormat(
    request_template="{{ messages | tojson }}",
    response_paths={**SHARED, "text": "w[]"},
    stream_paths={**SHARED, "text": "w"},
    stream_framing=StreamFraming.NDJSON,
)
REQUEST = ChatRequest()


def declared() -> Any:
    return Custom().of(Endpoint(communication=Communication(dialect="custom", custom=FORMAT)))


@st.composite
def answers(draw) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Draw an answer, and the items in which it might be streamed."""
    head: dict[str, Any] = {"id": draw(WORDS)}
    end: dict[str, Any] = {"why": draw(st.sampled_from(["stop", "length", "tool_use", "strange"]))}
    if draw(st.booleans()):
        end["n"] = {"a": draw(COUNTS), "b": draw(COUNTS), "c": draw(COUNTS)}
    thoughts, refusals, words = (draw(st.lists(WORDS, max_size=3)) for _ in range(3))
    calls = draw(st.lists(st.tuples(WORDS.filter(bool), st.lists(WORDS, max_size=2)), max_size=2))
    items = (
        [{"m": piece} for piece in thoughts] + [{"no": piece} for piece in refusals] + [{"w": piece} for piece in words]
    )
    acts = []
    for i, (name, pieces) in enumerate(calls):
        items.append({"acts": [{"i": i, "ref": f"c{i}", "act": name}]})
        items += [{"acts": [{"i": i, "with": piece}]} for piece in pieces]
        acts.append({"ref": f"c{i}", "act": name, "with": "".join(pieces)})
    whole = {**head, **end, "m": "".join(thoughts), "no": "".join(refusals), "w": words, "acts": acts}
    return whole, [head, *items, end]


@given(answers(), st.integers(1, 40))
def test_a_declared_format_gives_the_same_streamed_and_whole(answer, size):
    whole, items = answer
    decoder = declared().decoder(REQUEST)
    wire = b"".join(json.dumps(item, ensure_ascii=False).encode() + b"\n" for item in items)
    got = [one for at in range(0, len(wire), size) for one in decoder.feed(wire[at : at + size])] + decoder.close()
    read = declared().decode(REQUEST, 200, {}, json.dumps(whole).encode())
    assert assemble(got) == (read.output, read.usage)


@given(WORDS.filter(bool), COUNTS, st.data())
def test_tensors_give_the_same_streamed_and_whole_wherever_the_text_is_cut(words, count, data):
    raw = words.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=4)))
    pieces = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]

    def response(text: bytes, made: int | None, why: str) -> dict[str, Any]:
        outputs: list[dict[str, Any]] = [
            {"name": "text_output", "datatype": "BYTES", "shape": [1], "base64": [base64.b64encode(text).decode()]},
            {"name": "finish_reason", "datatype": "BYTES", "shape": [1], "data": [why]},
        ]
        if made is not None:
            outputs.append({"name": "num_output_tokens", "datatype": "UINT32", "shape": [1], "data": [made]})
        return {"model_name": "m", "id": "r", "parameters": {}, "outputs": outputs}

    streamed = [response(piece, None, "None") for piece in pieces] + [response(b"", count, "length"), {"end": True}]
    decoder = KServe().decoder(REQUEST)
    got = [one for line in streamed for one in decoder.feed(json.dumps(line).encode() + b"\n")] + decoder.close()
    read = KServe().decode(REQUEST, 200, {}, json.dumps(response(raw, count, "length")).encode())
    assert assemble(got) == (read.output, read.usage)
