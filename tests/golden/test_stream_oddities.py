"""What servers and proxies do to a stream without changing what it says: every golden stream gives the same items."""

import re

import pytest

from tests.golden.test_dialect_goldens import STREAMS, WHOLE, decode, name_of

BOM = b"\xef\xbb\xbf"
# A body that is no stream (JSON, a page) has no lines to put something between.
EVENTS = [path for path in STREAMS if path.suffix == ".sse" and path.read_bytes().lstrip()[:1] not in b"{[<"]
LINES = [path for path in STREAMS if path.suffix == ".ndjson" and path.read_bytes().lstrip()[:1] == b"{"]


def in_two_lines(wire):
    """Write the data of each event in two lines, cut where JSON may have white space."""
    return re.sub(rb"^data: ?(\{)", rb"data: \1\ndata: ", wire, flags=re.MULTILINE)


def between_events(added):
    return lambda wire: re.sub(rb"\n\n", b"\n\n" + added, wire)


OF_EVENTS = {
    "crlf": lambda wire: wire.replace(b"\n", b"\r\n"),
    "cr": lambda wire: wire.replace(b"\n", b"\r"),
    "byte-order-mark": lambda wire: BOM + wire,
    "comments": between_events(b": keep-alive\n\n"),
    "comments-inside-of-events": lambda wire: re.sub(rb"^(data:)", rb": ping\n\1", wire, flags=re.MULTILINE),
    "empty-comments": between_events(b":\n"),
    "pings-without-data": between_events(b"event: ping\n\n"),
    "ids-and-retries": between_events(b"id: 7\nretry: 3000\n"),
    "unknown-fields": between_events(b"x-trace: 00-ab\n"),
    "blank-lines": between_events(b"\n\n\n"),
    "blank-lines-first": lambda wire: b"\n\r\n\n" + wire,
    "no-space-after-the-colon": lambda wire: re.sub(rb"^data: ", b"data:", wire, flags=re.MULTILINE),
    "data-in-two-lines": in_two_lines,
    "no-final-newline": lambda wire: wire.rstrip(b"\n"),
}
OF_LINES = {
    "crlf": lambda wire: wire.replace(b"\n", b"\r\n"),
    "byte-order-mark": lambda wire: BOM + wire,
    "blank-lines": lambda wire: b"\n" + wire.replace(b"\n", b"\n \n\n"),
    "spaces-around": lambda wire: b"\n".join(b" \t" + line + b"  " if line else line for line in wire.split(b"\n")),
    "no-final-newline": lambda wire: wire.rstrip(b"\n"),
}


def applies(path, name):
    """Say whether an oddity leaves a stream what it is: an odder one may be another, and the last line of a cut one too."""
    if name == "no-final-newline":
        return path in WHOLE
    return not ("oddities" in path.stem and name in ("byte-order-mark", "cr", "crlf"))


CASES = [
    pytest.param(path, oddity, id=f"{name_of(path)}-{name}")
    for paths, oddities in ((EVENTS, OF_EVENTS), (LINES, OF_LINES))
    for path in paths
    for name, oddity in oddities.items()
    if applies(path, name)
]


@pytest.mark.parametrize(("path", "oddity"), CASES)
def test_an_oddity_of_the_wire_changes_nothing(path, oddity):
    wire = path.read_bytes()
    items, error = decode(path, [wire])
    odd = oddity(wire)
    for pieces in ([odd], [odd[i : i + 7] for i in range(0, len(odd), 7)]):
        odd_items, odd_error = decode(path, pieces)
        assert odd_items == items
        assert type(odd_error) is type(error)
