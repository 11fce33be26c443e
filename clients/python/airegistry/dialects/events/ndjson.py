"""Newline-delimited JSON out of bytes that may be cut anywhere."""

from __future__ import annotations

from airegistry.dialects.events.sse import BOM, MAX_EVENT_BYTES, SSEvent
from airegistry.errors import MalformedAnswerError


class LineDecoder:
    """Bytes in, lines out, each as the data of an event. Blank lines are skipped; the last line may lack its newline.

    Works on bytes: no byte of a multi-byte UTF-8 character is a newline, and JSON has none inside.
    """

    def __init__(self, max_line_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max = max_line_bytes
        self._tail: list[bytes] = []
        self._tail_bytes = 0
        self._first = True

    def feed(self, chunk: bytes) -> list[SSEvent]:
        """Take the next bytes and return the lines that they complete.

        Raises MalformedAnswerError when a line grows beyond the limit.
        """
        if b"\n" not in chunk:
            self._hold(chunk)
            return []
        head, *lines = chunk.split(b"\n")
        lines.insert(0, b"".join((*self._tail, head)))
        self._tail, self._tail_bytes = [], 0
        self._hold(lines.pop())
        return self._events(lines)

    def close(self) -> list[SSEvent]:
        """Return the line that the end of the bytes completes, if any."""
        last = b"".join(self._tail)
        self._tail, self._tail_bytes = [], 0
        return self._events([last])

    def _hold(self, piece: bytes) -> None:
        if piece:
            self._tail.append(piece)
            self._tail_bytes += len(piece)
        if self._tail_bytes > self._max:
            raise MalformedAnswerError(f"a streamed line exceeds {self._max} bytes")

    def _events(self, lines: list[bytes]) -> list[SSEvent]:
        if self._first and lines:
            self._first = False
            lines[0] = lines[0].removeprefix(BOM)
        return [SSEvent(data) for line in lines if (data := line.strip())]
