"""Server-sent events of the Responses API, numbered as they go out."""

from __future__ import annotations

from typing import Any

import orjson


class Events:
    """Writes events. Each has its type twice: for readers of the stream's `event` lines, and for readers of the JSON."""

    def __init__(self) -> None:
        self._number = 0

    def write(self, kind: str, **fields: Any) -> bytes:
        """Return an event."""
        value = orjson.dumps({"type": kind, "sequence_number": self.number(), **fields})
        return b"event: " + kind.encode() + b"\ndata: " + value + b"\n\n"

    def number(self) -> int:
        """Return the number of the next event."""
        self._number += 1
        return self._number - 1


def prefix(kind: str, **fields: Any) -> bytes:
    """Return the beginning of an event, up to where its other fields begin."""
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps({"type": kind, **fields})[:-1]
