"""Server-sent events out of bytes that may be cut anywhere (WHATWG HTML, §9.2.6)."""

from __future__ import annotations

from typing import Final

import msgspec

from airegistry.errors import MalformedAnswerError

MAX_EVENT_BYTES: Final = 16 * 1024 * 1024

BOM: Final = b"\xef\xbb\xbf"
"""The byte order mark. Some servers begin with it what should have none."""

_DATA: Final = b"data: "
_NEXT: Final = b"\n\n" + _DATA


class SSEvent(msgspec.Struct, frozen=True, gc=False):
    """One event. Its data is left as bytes: JSON parsers want them so. Several `data` lines are joined by newlines."""

    data: bytes
    event: str = ""
    id: str = ""


class SSEDecoder:
    """Bytes in, events out.

    Works on bytes throughout: no byte of a multi-byte UTF-8 character equals CR, LF or colon, so that a cut inside of one
    needs no care. Comments are skipped. An event whose last blank line is missing comes out of `close`.
    """

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max = max_event_bytes
        self._tail: list[bytes] = []
        self._tail_bytes = 0
        self._after_cr = False
        self._first_line = True
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._event = ""
        self._id = ""

    def feed(self, chunk: bytes) -> list[SSEvent]:
        """Take the next bytes and return the events that they complete.

        Raises MalformedAnswerError when a line or an event grows beyond the limit.
        """
        if self._after_cr and chunk:
            # The CR ended its line when it came; this LF is its second half.
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in chunk:
            self._hold(chunk)
            return []
        if self._tail:
            chunk = b"".join((*self._tail, chunk))
            self._tail, self._tail_bytes = [], 0
        events: list[SSEvent] = []
        if chunk.startswith(_DATA) and not (self._data or self._event) and len(chunk) <= self._max:
            events, chunk = self._plain(chunk)
        lines = chunk.split(b"\n")
        if rest := lines.pop():
            self._hold(rest)
        return events + self._take(lines) if lines else events

    def _plain(self, chunk: bytes) -> tuple[list[SSEvent], bytes]:
        """Take the events that begin *chunk* if each is one line of data, as nearly all are; return them, and what is left."""
        end = chunk.rfind(_NEXT)
        if end < 0:
            return [], chunk
        whole = chunk[len(_DATA) : end]
        data = whole.split(_NEXT)
        if whole.count(b"\n") != 2 * (len(data) - 1):
            # There are other lines among them.
            return [], chunk
        own = self._id
        return [SSEvent(one, "", own) for one in data], chunk[end + 2 :]

    def close(self) -> list[SSEvent]:
        """Return the event that the end of the bytes completes, if any."""
        last = b"".join(self._tail)
        self._tail, self._tail_bytes = [], 0
        return self._take([last, b""])

    def _hold(self, piece: bytes) -> None:
        if piece:
            self._tail.append(piece)
            self._tail_bytes += len(piece)
        if self._tail_bytes + self._data_bytes > self._max:
            raise MalformedAnswerError(f"a streamed item exceeds {self._max} bytes")

    def _take(self, lines: list[bytes]) -> list[SSEvent]:
        if self._first_line:
            self._first_line = False
            lines[0] = lines[0].removeprefix(BOM)
        events: list[SSEvent] = []
        for line in lines:
            if line.startswith(_DATA):
                # Nearly every line that is not empty.
                self._add(line[len(_DATA) :])
            elif line:
                self._line(line)
            elif self._data:
                events.append(SSEvent(b"\n".join(self._data), self._event, self._id))
                self._data, self._data_bytes, self._event = [], 0, ""
            else:
                self._event = ""
        return events

    def _add(self, data: bytes) -> None:
        self._data.append(data)
        self._data_bytes += len(data) + 1
        if self._data_bytes > self._max:
            raise MalformedAnswerError(f"a streamed item exceeds {self._max} bytes")

    def _line(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._add(value)
        elif field == b"event":
            self._event = value.decode(errors="replace")
        elif field == b"id" and b"\0" not in value:
            self._id = value.decode(errors="replace")
