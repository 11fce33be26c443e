"""Providers' bytes in, our items out: the same ones wherever the bytes are cut."""

import base64
import dataclasses
import json
import os
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest

from airegistry.dialects import get
from airegistry.dialects.exchange import Input
from airegistry.errors import ProviderError
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatRequest, ResponseFormat, ResponseFormatKind
from airegistry.invocations.streaming import one_by_one

FOLDER = Path(__file__).parent
# A dialect has a folder of its name here.
SUFFIXES = (".sse", ".ndjson")
STREAMS = sorted(path for path in FOLDER.glob("*/*") if path.suffix in SUFFIXES)
PAIRS = [path for path in STREAMS if path.with_suffix(".json").exists()]
# Those that come to their proper end.
WHOLE = [
    path for path in STREAMS if '"error"' not in path.with_suffix(".items.jsonl").read_text("utf-8").split("\n")[-2]
]
REQUESTS: dict[str, Input] = {
    "anthropic.messages/answer_by_tool": ChatRequest(
        response_format=ResponseFormat(ResponseFormatKind.JSON_SCHEMA, {"type": "object"})
    ),
    "openai.chat/openai_audio": ChatRequest(extra={"audio": {"voice": "alloy", "format": "wav"}}),
    "openai.chat/openai_two_choices": ChatRequest(choice_count=2),
    "gemini.generate_content/two_candidates": ChatRequest(choice_count=2),
    "tgi.generate/logprobs": ChatRequest(top_logprobs=1),
    "tgi.generate/stop_sequence": ChatRequest(stop_sequences=("STOP", "END")),
}


def name_of(path):
    return f"{path.parent.name}/{path.stem}"


def cases(paths):
    return pytest.mark.parametrize("path", paths, ids=name_of)


def dialect_of(path):
    dialect = get(path.parent.name)
    assert dialect is not None, f"no dialect has the name of the folder {path.parent.name}"
    return dialect


def request_of(path):
    return REQUESTS.get(name_of(path), ChatRequest())


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


def decode(path, pieces):
    """Return what the pieces of a stream give: its items, one by one, and the error that ends them."""
    decoder = dialect_of(path).decoder(request_of(path))
    items: list[Any] = []
    try:
        for piece in pieces:
            items.extend(decoder.feed(piece))
        items.extend(decoder.close())
    except ProviderError as error:
        return list(one_by_one(items)), error
    return list(one_by_one(items)), None


def lines_of(items, error):
    lines = [{"item": type(item).__name__, **plain(item)} for item in items]
    if error is not None:
        lines.append({"error": error.reason, "message": error.message})
    return lines


def expected(path):
    return [json.loads(line) for line in path.with_suffix(".items.jsonl").read_text("utf-8").split("\n") if line]


@cases(STREAMS)
def test_a_stream_gives_the_expected_items(path):
    lines = lines_of(*decode(path, [path.read_bytes()]))
    if os.environ.get("GOLDEN_WRITE"):
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        path.with_suffix(".items.jsonl").write_text(text, "utf-8")
    assert lines == expected(path)


@cases(STREAMS)
def test_a_cut_at_any_byte_changes_nothing(path):
    wire = path.read_bytes()
    items, error = decode(path, [wire])
    for cut in range(len(wire) + 1):
        cut_items, cut_error = decode(path, [wire[:cut], wire[cut:]])
        assert cut_items == items, f"cut at byte {cut}"
        assert repr(cut_error) == repr(error), f"cut at byte {cut}"


@cases(STREAMS)
def test_bytes_that_come_one_by_one_change_nothing(path):
    wire = path.read_bytes()
    assert lines_of(*decode(path, [wire[i : i + 1] for i in range(len(wire))])) == expected(path)


@cases(PAIRS)
def test_the_same_answer_is_the_same_streamed_or_not(path):
    items, error = decode(path, [path.read_bytes()])
    assert error is None
    answer = dialect_of(path).decode(request_of(path), 200, {}, path.with_suffix(".json").read_bytes())
    assert (answer.output, answer.usage) == assemble(items)


@cases(WHOLE)
def test_an_answer_cut_short_is_never_whole(path):
    wire = path.read_bytes()
    whole, _ = decode(path, [wire])
    for end in range(len(wire)):
        items, error = decode(path, [wire[:end]])
        assert error is not None or assemble(items)[0].choices == assemble(whole)[0].choices, f"ended at byte {end}"
