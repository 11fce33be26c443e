"""Lines of JSON, cut anywhere."""

import pytest

from airegistry.dialects.events.ndjson import LineDecoder
from airegistry.errors import MalformedAnswerError

WIRE = '\ufeff{"a": "é😀"}\r\n\n{"b": 2}\n   \n{"c": 3}'.encode()
LINES = ['{"a": "é😀"}'.encode(), b'{"b": 2}', b'{"c": 3}']


@pytest.mark.parametrize("cut", range(len(WIRE) + 1))
def test_a_cut_anywhere_changes_nothing(cut):
    decoder = LineDecoder()
    events = [*decoder.feed(WIRE[:cut]), *decoder.feed(WIRE[cut:]), *decoder.close()]
    assert [event.data for event in events] == LINES


def test_a_line_without_an_end_is_bounded():
    decoder = LineDecoder(max_line_bytes=10)
    decoder.feed(b"12345678")
    with pytest.raises(MalformedAnswerError, match="10 bytes"):
        decoder.feed(b"9012")
