"""A streamed answer out of bytes that may be cut anywhere: what every format of events has in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from airegistry.dialects.events.sse import BOM, MAX_EVENT_BYTES, SSEvent
from airegistry.errors import MalformedAnswerError, ProviderError, TruncatedAnswerError
from airegistry.invocations.chat import ChatDelta
from airegistry.invocations.streaming import StreamItem, StreamStarted, UsageSeen, WireSeen, is_token

_PAGE: Final = b"<"
"""How a body begins that is no stream at all."""
_PLAIN: Final = b"{[<"
"""How a body begins that is no stream of server-sent events: JSON, or a page."""
# From so many events on, what came together is looked at together.
_MANY: Final = 6


class Framing(Protocol):
    """Bytes in, events out (`SSEDecoder`, `LineDecoder`)."""

    def feed(self, chunk: bytes) -> list[SSEvent]:
        """Take the next bytes and return the events that they complete."""
        ...

    def close(self) -> list[SSEvent]:
        """Return the event that the end of the bytes completes, if any."""
        ...


class EventReader(Protocol):
    """What a dialect makes of the events of one answer. Why a choice ended must come out of `close` alone."""

    @property
    def over(self) -> bool:
        """Whether the answer itself said that nothing follows (`[DONE]`, `message_stop`)."""
        ...

    @property
    def ending(self) -> bool:
        """Whether the event taken last tells an end (a finish reason), or comes after everything has ended."""
        ...

    @property
    def mended(self) -> bool:
        """Whether the event taken last lacked something that its format demands, and that the items have."""
        ...

    def take(self, event: SSEvent) -> list[StreamItem]:
        """Return what an event adds. Raises the ProviderError that it means."""
        ...

    def close(self) -> list[StreamItem]:
        """Return how the answer ended. Raises TruncatedAnswerError unless it came to its proper end."""
        ...


class Shortcut(Protocol):
    """Knows events that only go on with a text by their shape."""

    def further(self, event: SSEvent) -> ChatDelta | WireSeen | None:
        """Return what such an event adds, None for any other."""
        ...

    def run(self, events: Sequence[SSEvent], start: int) -> tuple[Sequence[StreamItem], int]:
        """Return what events from *start* on add, and how many these are. The one before is such an event."""
        ...


class EventStream:
    """The StreamDecoder over a framing and a reader.

    *plain* reads a whole answer from a server that ignored `stream`; without it all but a page is taken for events. With *relay*
    the events go on as the provider wrote them, as WireSeen in the place of deltas; those that tell an end are kept until the
    end is sure, as ends always are. *shortcut* gives the same as the reader would for events that only go on with a text, in less
    time.
    """

    def __init__(
        self,
        framing: Framing,
        reader: EventReader,
        *,
        plain: Callable[[bytes], list[StreamItem]] | None = None,
        relay: bool = False,
        shortcut: Shortcut | None = None,
    ) -> None:
        self._framing = framing
        self._reader = reader
        self._read_plain = plain
        self._relay = relay
        self._shortcut = shortcut or _NoShortcut()
        self._head = b""
        self._recognized = False
        self._plain: _PlainBody | None = None
        self._held: list[StreamItem] = []
        self._end_in_items = False
        self._done = False
        self._failure: ProviderError | None = None

    @property
    def finished(self) -> bool:
        """Whether the answer said its end, or failed."""
        return self._done or self._failure is not None

    def feed(self, data: bytes) -> list[StreamItem]:
        """Take the next bytes and return what they complete."""
        if self._failure is not None:
            raise self._failure
        if not self._recognized:
            data = self._recognize(data)
        if self._plain is not None:
            self._plain.feed(data)
            return []
        return self._items(self._framing.feed(data))

    def close(self) -> list[StreamItem]:
        """Return how the answer ended. Raises TruncatedAnswerError when it did not."""
        if self._failure is not None:
            raise self._failure
        if self._plain is not None:
            return (self._read_plain or _no_items)(self._plain.whole())
        items = self._rest()
        if not self._done:
            items.extend(self._end())
        return items

    def _recognize(self, data: bytes) -> bytes:
        """Tell a stream from a server that ignored `stream` or sends an error page, by the first character.

        What is blank before it means nothing in any of them, and is not kept: it may never end.
        """
        data = (self._head + data).lstrip()
        rest = data.removeprefix(BOM).lstrip()
        if not rest or BOM.startswith(data):
            # Of what came only a byte order mark counts, whole or cut.
            self._head = data[: len(BOM)]
            return b""
        self._head = b""
        self._recognized = True
        if rest[:1] in (_PLAIN if self._read_plain is not None else _PAGE):
            self._plain = _PlainBody()
        return rest

    def _items(self, events: list[SSEvent]) -> list[StreamItem]:
        items: list[StreamItem] = []
        further, at = self._shortcut.further, 0
        many = len(events) >= _MANY
        try:
            while at < len(events) and not self._done:
                event = events[at]
                at += 1
                if (piece := further(event)) is None:
                    items.extend(self._take(event))
                    continue
                items.append(piece)
                if many:
                    # Once: where some of them are different, looking again would take as long as it saves.
                    many = False
                    together, count = self._shortcut.run(events, at)
                    items.extend(together)
                    at += count
        except ProviderError as error:
            self._failure = error
            if not items:
                raise
        return items

    def _take(self, event: SSEvent) -> list[StreamItem]:
        items = self._reader.take(event)
        if self._relay:
            items = self._relayed(event, items)
        return [*items, *self._end()] if self._reader.over else items

    def _relayed(self, event: SSEvent, items: list[StreamItem]) -> list[StreamItem]:
        if self._reader.mended:
            self._end_in_items = self._end_in_items or self._reader.ending
            return items
        wire = WireSeen(event.data, token=any(isinstance(item, ChatDelta) and is_token(item) for item in items))
        about = _about(items)
        if self._reader.ending:
            self._held.append(wire)
            return about
        return [*about, wire]

    def _rest(self) -> list[StreamItem]:
        try:
            return [] if self._done else [item for event in self._framing.close() for item in self._take(event)]
        except TruncatedAnswerError:
            raise
        except MalformedAnswerError as error:
            # The last event had no end: half of it is a cut, not nonsense.
            raise TruncatedAnswerError("the answer was cut off in the middle of a streamed item") from error

    def _end(self) -> list[StreamItem]:
        items = self._reader.close()
        self._done = True
        if not self._relay:
            return items
        return [*self._held, *(items if self._end_in_items else _about(items))]


def _about(items: list[StreamItem]) -> list[StreamItem]:
    """Return what is told of an answer beside its bytes. Relayed bytes lose nothing: no warning, and no rest, is needed."""
    return [item for item in items if isinstance(item, StreamStarted | UsageSeen)]


class _NoShortcut:
    """Knows no events."""

    def further(self, _event: SSEvent) -> None:
        return None

    def run(self, _events: Sequence[SSEvent], _start: int) -> tuple[Sequence[StreamItem], int]:
        return (), 0


def _no_items(_body: bytes) -> list[StreamItem]:
    raise MalformedAnswerError("the answer is HTML, not a stream")


class _PlainBody:
    """An answer that is no stream although one was asked for, read whole."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._bytes = 0

    def feed(self, data: bytes) -> None:
        self._pieces.append(data)
        self._bytes += len(data)
        if self._bytes > MAX_EVENT_BYTES:
            raise MalformedAnswerError(f"the answer exceeds {MAX_EVENT_BYTES} bytes and is no stream")

    def whole(self) -> bytes:
        return b"".join(self._pieces)
