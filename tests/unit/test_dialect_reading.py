"""JSON of strangers: what nobody could write again is refused when it is read."""

from __future__ import annotations

import orjson
import pytest

from airegistry.dialects import reading
from airegistry.dialects.errors import error_of
from airegistry.errors import MalformedAnswerError, ProviderRejectedError


def nested(levels: int, inside: bytes = b"1", *, opened: bytes = b'{"a":', closed: bytes = b"}") -> bytes:
    return opened * levels + inside + closed * levels


@pytest.mark.parametrize("opened", [b'{"a":', b"[", b'{"]]":'], ids=["objects", "arrays", "brackets-in-names"])
@pytest.mark.parametrize("inside", [b"1", b'"' + b"}]" * 600 + b'"'], ids=["number", "brackets-in-a-text"])
def test_an_answer_that_could_not_be_written_again_is_malformed(opened: bytes, inside: bytes):
    closed = b"]" if opened == b"[" else b"}"
    with pytest.raises(MalformedAnswerError, match=r"^the answer is nested more than 200 levels deep$"):
        reading.json_of(nested(201, inside, opened=opened, closed=closed), "the answer")
    value = reading.json_of(nested(200, inside, opened=opened, closed=closed), "the answer")
    assert orjson.loads(reading.json_text({"extra": {"of": [value]}})) == {"extra": {"of": [value]}}


@pytest.mark.parametrize(
    "value",
    [["[" * 500], [{"a": [1]}] * 500, {"code": 'if (a["x\\"]) {{{' * 100}],
    ids=["open-brackets-in-a-text", "wide", "escaped"],
)
def test_brackets_alone_are_no_depth(value: object):
    assert reading.json_of(orjson.dumps(value), "the answer") == value


def test_an_error_whose_words_are_nested_deeply_is_still_the_providers():
    error = error_of(400, {}, b'{"error":{"message":' + nested(400) + b"}}")
    assert isinstance(error, ProviderRejectedError)
    assert error.message == "provider answered 400: no explanation"
