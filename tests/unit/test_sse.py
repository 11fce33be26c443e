"""Server-sent events: the same ones, whatever the line ends and wherever the bytes are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.dialects.events.sse import SSEDecoder, SSEvent
from airegistry.errors import MalformedAnswerError


def decode(*pieces, limit=1 << 20):
    decoder = SSEDecoder(limit)
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return [*events, *decoder.close()]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_every_line_end_is_understood(end):
    wire = end.join(
        ["event: delta", "id: 7", "data: one", "data:two", "", "data", "data", "", ": ping", "", "data:  x", "", ""]
    )
    assert decode(wire.encode()) == [
        SSEvent(b"one\ntwo", "delta", "7"),
        SSEvent(b"\n", "", "7"),
        SSEvent(b" x", "", "7"),
    ]


def test_a_byte_order_mark_is_skipped_only_at_the_start():
    assert decode(b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n") == [SSEvent(b"a")]


def test_an_event_without_its_blank_line_comes_out_at_the_end():
    decoder = SSEDecoder()
    assert decoder.feed(b"data: a\n\ndata: b") == [SSEvent(b"a")]
    assert decoder.close() == [SSEvent(b"b")]
    assert decoder.close() == []


def test_comments_and_unknown_fields_and_events_without_data_give_nothing():
    assert decode(b": hi\n\nretry: 10\n\nevent: ping\n\nfoo: bar\n\n{}\n\n") == []


def test_an_event_name_holds_for_one_event():
    assert decode(b"event: ping\n\ndata: a\n\n") == [SSEvent(b"a")]


def test_an_id_with_a_null_is_ignored():
    assert decode(b"id: a\0b\ndata: x\n\n") == [SSEvent(b"x")]


@pytest.mark.parametrize(
    "pieces",
    [[b"data: " + b"x" * 100], [b"data: xxxxxxxxxx\n"] * 10, [b"data: xxxxxxxxxx\n" * 10], [b"x" * 10] * 10],
    ids=["one-line", "many-data-lines", "many-at-once", "a-line-in-pieces"],
)
def test_what_grows_beyond_the_limit_is_refused(pieces):
    with pytest.raises(MalformedAnswerError, match="exceeds 50 bytes"):
        decode(*pieces, limit=50)


def test_many_small_events_are_not_one_large_one():
    assert len(decode(*[b"data: 0123456789\n\n"] * 100, limit=50)) == 100


@pytest.mark.parametrize(
    "odd", [b"event: e\ndata: x", b": ping", b"data: x\ndata: y", b"data:x", b"data: ", b"id: 9\ndata: x", b"", b"\n"]
)
@pytest.mark.parametrize("place", [0, 1, 5, 10])
def test_events_that_come_together_are_what_they_are_alone(odd, place):
    events = [b"data: %d\n\n" % number for number in range(10)]
    events.insert(place, odd + b"\n\n")
    for start in (b"", b"id: 7\n\n", b"event: other\n", b"data: begun\n"):
        pieces = [start, *events, b"data: ha"]
        assert decode(b"".join(pieces)) == decode(start, b"".join(pieces[1:])) == decode(*pieces)


def test_events_that_come_together_may_be_more_than_one_may_be():
    assert len(decode(b"data: 0123456789\n\n" * 100, limit=50)) == 100


LINES = st.lists(
    st.one_of(
        st.text(max_size=8).map(lambda text: "data: " + text.replace("\r", "").replace("\n", "")),
        st.sampled_from(["", "", "event: e", "id: é", ": ping", "data", "retry: 1", "data:𝄞€"]),
    ),
    max_size=12,
)


@given(LINES, st.lists(st.sampled_from(["\n", "\r", "\r\n"]), min_size=12, max_size=12), st.data())
def test_any_cuts_give_the_same_events(lines, ends, data):
    wire = "".join(line + end for line, end in zip(lines, ends, strict=False)).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=6)))
    pieces = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    assert decode(*pieces) == decode(wire)


@given(LINES)
def test_line_ends_do_not_matter(lines):
    assert decode("\r\n".join(lines).encode()) == decode("\n".join(lines).encode()) == decode("\r".join(lines).encode())
