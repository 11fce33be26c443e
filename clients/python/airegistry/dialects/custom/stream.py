"""The items of a declared stream, and what is no stream although one was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from airegistry.dialects import reading
from airegistry.dialects.custom.errors import Errors
from airegistry.dialects.custom.pieces import Pieces
from airegistry.dialects.events.sse import MAX_EVENT_BYTES, SSEvent
from airegistry.errors import MalformedAnswerError
from airegistry.invocations.streaming import StreamItem
from airegistry.resources.custom.paths import Path
from airegistry.resources.endpoint import CustomFormat


class DeclaredEvents:
    """The EventReader of one answer. Why it ended goes out when it is over: at the declared end, or that of the bytes."""

    def __init__(self, custom: CustomFormat, paths: Mapping[str, Path], errors: Errors) -> None:
        self._end = custom.stream_end.strip().encode()
        self._errors = errors
        self._pieces = Pieces(paths, custom.finish_reasons, whole=False)
        self.over = False

    @property
    def ending(self) -> bool:
        """Whether an end was told."""
        return self.over or self._pieces.ended

    @property
    def mended(self) -> bool:
        """Never: nobody else speaks this format, so that nothing is relayed."""
        return False

    def take(self, event: SSEvent) -> list[StreamItem]:
        """Return what an item adds."""
        data = event.data.strip()
        if self._end and data == self._end:
            self.over = True
            return []
        if not data:
            return []
        if event.event == "error":
            raise self._errors.of(500, {}, data)
        value = reading.json_of(data, "a streamed item")
        if (error := self._errors.within(value)) is not None:
            raise error
        return self._pieces.take(value)

    def close(self) -> list[StreamItem]:
        """Return how the answer ended."""
        return self._pieces.close(over=self.over)


class WholeAnswer:
    """The StreamDecoder of an endpoint that does not stream: its answer comes in one piece, at the end."""

    def __init__(self, read: Callable[[bytes], list[StreamItem]]) -> None:
        self._read = read
        self._pieces: list[bytes] = []
        self._bytes = 0

    @property
    def finished(self) -> bool:
        """Never before the end of the bytes."""
        return False

    def feed(self, data: bytes) -> list[StreamItem]:
        """Take the next bytes."""
        self._pieces.append(data)
        self._bytes += len(data)
        if self._bytes > MAX_EVENT_BYTES:
            raise MalformedAnswerError(f"the answer exceeds {MAX_EVENT_BYTES} bytes")
        return []

    def close(self) -> list[StreamItem]:
        """Return the whole answer."""
        return self._read(b"".join(self._pieces))
