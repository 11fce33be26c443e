"""Messages out of bytes, cut anywhere, compressed or not, and never more than is allowed."""

import gzip
import tracemalloc
import zlib

import pytest
from grpc import StatusCode
from hypothesis import given
from hypothesis import strategies as st

from airegistry._rpc.asgi.framing import HEAD, Frames, compressed_frame, frame
from airegistry._rpc.asgi.refusing import ProtocolError

LIMIT = 1000
MESSAGES = [b"", b"a", b"\0" * 5, bytes(range(256)), b"x" * LIMIT, b""]


def wire(messages, packed=()):
    return b"".join(compressed_frame(m) if i in packed else frame(m) for i, m in enumerate(messages))


def taken(frames):
    messages = []
    while (message := frames.take()) is not None:
        messages.append(message)
    return messages


def read(chunks, *, limit=LIMIT, encoding=b"gzip"):
    """Return the messages in *chunks*, fed one by one."""
    frames = Frames(limit, encoding)
    messages = []
    for chunk in chunks:
        frames.feed(chunk)
        messages += taken(frames)
    frames.finish()
    return messages


def refused(chunks, **options):
    with pytest.raises(ProtocolError) as caught:
        read(chunks, **options)
    return caught.value.code, caught.value.message


@pytest.mark.parametrize("packed", [(), (0, 3, 4), range(6)], ids=["plain", "mixed", "compressed"])
def test_every_cut_in_two_gives_the_same_messages(packed):
    data = wire(MESSAGES, packed)
    for cut in range(len(data) + 1):
        assert read([data[:cut], data[cut:]]) == MESSAGES


@pytest.mark.parametrize("packed", [(), range(6)], ids=["plain", "compressed"])
def test_single_bytes_give_the_same_messages(packed):
    data = wire(MESSAGES, packed)
    assert read(data[i : i + 1] for i in range(len(data))) == MESSAGES


@given(
    messages=st.lists(st.tuples(st.binary(max_size=LIMIT), st.booleans()), max_size=6),
    sizes=st.lists(st.integers(min_value=0, max_value=300)),
)
def test_whatever_the_messages_and_the_cuts_the_same_messages_come_out(messages, sizes):
    data = wire([m for m, _ in messages], {i for i, (_, packed) in enumerate(messages) if packed})
    chunks = []
    for size in sizes:
        chunks.append(data[:size])
        data = data[size:]
    assert read([*chunks, data]) == [message for message, _ in messages]


def outcome(chunks, encoding):
    """Return the messages in *chunks*, or how they are refused."""
    try:
        return read(chunks, encoding=encoding)
    except ProtocolError as error:
        return error


@given(
    chunks=st.lists(st.binary(max_size=40), max_size=10), encoding=st.sampled_from([b"gzip", b"deflate", b"identity"])
)
def test_any_bytes_are_messages_or_refused_in_words(chunks, encoding):
    got = outcome(chunks, encoding)
    if isinstance(got, ProtocolError):
        assert got.code in {StatusCode.INTERNAL, StatusCode.RESOURCE_EXHAUSTED}
        assert got.message
    else:
        assert len(b"".join(got)) + HEAD * len(got) == len(b"".join(chunks))


@given(packed=st.binary(max_size=60))
def test_any_bytes_that_say_that_they_are_compressed_are_refused(packed):
    got = outcome([b"\1" + len(packed).to_bytes(4, "big") + packed], b"gzip")
    assert isinstance(got, ProtocolError)
    assert got.message == "Decompression failed due to data error"


def test_frames_are_as_the_protocol_says():
    assert frame(b"abc") == b"\0\0\0\0\3abc"
    packed = compressed_frame(b"abc" * 100)
    assert (packed[0], int.from_bytes(packed[1:HEAD], "big")) == (1, len(packed) - HEAD)
    assert gzip.decompress(packed[HEAD:]) == b"abc" * 100


def test_deflate_is_the_format_of_zlib():
    packed = zlib.compress(b"abc")
    assert read([b"\1" + len(packed).to_bytes(4, "big") + packed], encoding=b"deflate") == [b"abc"]


def test_a_length_beyond_the_limit_is_refused_before_the_message_comes():
    code, message = refused([b"\0" + (LIMIT + 1).to_bytes(4, "big")])
    assert code is StatusCode.RESOURCE_EXHAUSTED
    assert message == "SERVER: Received message larger than max (1001 vs. 1000)"
    assert refused([b"\0\xff\xff\xff\xff"])[1] == "SERVER: Received message larger than max (4294967295 vs. 1000)"


def test_what_inflates_beyond_the_limit_is_cut_while_it_inflates():
    bomb = compressed_frame(b"\0" * 200_000_000)
    limit = 1_000_000
    assert len(bomb) < limit
    tracemalloc.start()
    code, message = refused([bomb], limit=limit)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert code is StatusCode.RESOURCE_EXHAUSTED
    assert message == "SERVER: Received message larger than max (more than 1000000 vs. 1000000)"
    assert peak < 6_000_000


def test_what_inflates_to_the_limit_exactly_is_a_message():
    assert read([compressed_frame(b"x" * LIMIT)]) == [b"x" * LIMIT]
    assert refused([compressed_frame(b"x" * (LIMIT + 1))])[0] is StatusCode.RESOURCE_EXHAUSTED


def test_only_what_is_taken_is_inflated():
    """However many messages one chunk holds, they are as large as they are on the wire until somebody wants them."""
    frames = Frames(1_000_000, b"gzip")
    frames.feed(compressed_frame(b"\0" * 1_000_000) * 100)
    tracemalloc.start()
    assert len(frames.take() or b"") == 1_000_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6_000_000


@pytest.mark.parametrize(
    ("data", "rest"),
    [
        pytest.param(b"\0", "1 of the 5 bytes that precede each", id="flag"),
        pytest.param(b"\0\0\0\0", "4 of the 5 bytes that precede each", id="length"),
        pytest.param(b"\0\0\0\0\3", "0 of its 3 bytes", id="head"),
        pytest.param(b"\0\0\0\0\3ab", "2 of its 3 bytes", id="message"),
    ],
)
def test_an_end_inside_a_message_is_refused_and_says_where(data, rest):
    for before in (b"", frame(b"whole")):
        assert refused([before + data]) == (StatusCode.INTERNAL, f"the request ends inside a message: {rest}")


@pytest.mark.parametrize(
    ("data", "encoding", "message"),
    [
        pytest.param(b"\2\0\0\0\0", b"gzip", "Bad GRPC frame type 0x02", id="flag-2"),
        pytest.param(b"\xff\0\0\0\0", b"gzip", "Bad GRPC frame type 0xff", id="flag-255"),
        pytest.param(b"\1\0\0\0\0", b"identity", "Compression bit set but no encoding configured", id="no-encoding"),
        pytest.param(b"\1\0\0\0\0", b"gzip", "Decompression failed due to data error", id="nothing"),
        pytest.param(b"\1\0\0\0\3abc", b"gzip", "Decompression failed due to data error", id="no-gzip"),
        pytest.param(wire([b"abc"], {0})[:-1], b"gzip", None, id="cut"),
    ],
)
def test_what_is_no_message_is_refused(data, encoding, message):
    code, said = refused([data], encoding=encoding)
    assert code is StatusCode.INTERNAL
    assert message is None or said == message


def test_compressed_data_that_is_cut_or_goes_on_is_refused():
    packed = gzip.compress(b"abc" * 10)
    for wrong in (packed[:-1], packed + b"x", packed + packed):
        said = refused([b"\1" + len(wrong).to_bytes(4, "big") + wrong])
        assert said == (StatusCode.INTERNAL, "Decompression failed due to data error")
