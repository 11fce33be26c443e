"""Providers' bytes in, our items out: the same ones wherever the bytes are cut."""

import base64
import dataclasses
import json
import os
from enum import IntEnum
from pathlib import Path

import pytest

from airegistry.dialects.openai.chat import OpenAIChat
from airegistry.errors import ProviderError
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.streaming import StreamItem

FOLDER = Path(__file__).parent / "openai_chat"
STREAMS = sorted(path.stem for path in FOLDER.glob("*.sse"))
# An answer that is no stream, and what comes instead of one, says nothing of where it ends.
ENDED = sorted(path.stem for path in FOLDER.glob("*.sse") if path.read_bytes().endswith((b"[DONE]", b"[DONE]\n\n")))
PAIRS = sorted(path.stem for path in FOLDER.glob("*.json"))
REQUESTS = {
    "openai_audio": ChatRequest(extra={"audio": {"voice": "alloy", "format": "wav"}}),
    "openai_two_choices": ChatRequest(choice_count=2),
}


def plain(value):
    """Return a value as JSON can hold it, without the fields that say nothing."""
    if dataclasses.is_dataclass(value):
        fields = {f.name: (getattr(value, f.name), f.default) for f in dataclasses.fields(value)}
        return {name: plain(given) for name, (given, default) in fields.items() if given != default}
    if isinstance(value, IntEnum):
        return value.name
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {key: plain(value[key]) for key in sorted(value)}
    return value


def decode(case, pieces):
    """Return what the pieces of a stream give: its items, and the error that ends them."""
    decoder = OpenAIChat().decoder(REQUESTS.get(case, ChatRequest()))
    items: list[StreamItem] = []
    try:
        for piece in pieces:
            items.extend(decoder.feed(piece))
        items.extend(decoder.close())
    except ProviderError as error:
        return items, error
    return items, None


def lines_of(items, error):
    lines = [{"item": type(item).__name__, **plain(item)} for item in items]
    if error is not None:
        lines.append({"error": error.reason, "message": error.message})
    return lines


def expected(case):
    return [json.loads(line) for line in (FOLDER / f"{case}.items.jsonl").read_text("utf-8").split("\n") if line]


@pytest.mark.parametrize("case", STREAMS)
def test_a_stream_gives_the_expected_items(case):
    lines = lines_of(*decode(case, [(FOLDER / f"{case}.sse").read_bytes()]))
    if os.environ.get("GOLDEN_WRITE"):
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (FOLDER / f"{case}.items.jsonl").write_text(text, "utf-8")
    assert lines == expected(case)


@pytest.mark.parametrize("case", STREAMS)
def test_a_cut_at_any_byte_changes_nothing(case):
    wire = (FOLDER / f"{case}.sse").read_bytes()
    items, error = decode(case, [wire])
    for cut in range(len(wire) + 1):
        cut_items, cut_error = decode(case, [wire[:cut], wire[cut:]])
        assert cut_items == items, f"cut at byte {cut}"
        assert repr(cut_error) == repr(error), f"cut at byte {cut}"


@pytest.mark.parametrize("case", STREAMS)
def test_bytes_that_come_one_by_one_change_nothing(case):
    wire = (FOLDER / f"{case}.sse").read_bytes()
    assert lines_of(*decode(case, [wire[i : i + 1] for i in range(len(wire))])) == expected(case)


@pytest.mark.parametrize("case", PAIRS)
def test_the_same_answer_is_the_same_streamed_or_not(case):
    items, error = decode(case, [(FOLDER / f"{case}.sse").read_bytes()])
    assert error is None
    request = REQUESTS.get(case, ChatRequest())
    answer = OpenAIChat().decode(request, 200, {}, (FOLDER / f"{case}.json").read_bytes())
    assert (answer.output, answer.usage) == assemble(items)


@pytest.mark.parametrize("case", [*ENDED, "azure_filters", "llama_cpp_no_done"])
def test_an_answer_cut_short_is_never_whole(case):
    wire = (FOLDER / f"{case}.sse").read_bytes()
    whole, _ = decode(case, [wire])
    for end in range(len(wire)):
        items, error = decode(case, [wire[:end]])
        assert error is not None or assemble(items)[0].choices == assemble(whole)[0].choices, f"ended at byte {end}"
