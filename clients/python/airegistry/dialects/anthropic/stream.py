"""The events of a streamed message."""

from __future__ import annotations

from airegistry.dialects import reading
from airegistry.dialects.anthropic.pieces import Pieces
from airegistry.dialects.anthropic.whole import events_of
from airegistry.dialects.errors import failure_of
from airegistry.dialects.events.sse import SSEDecoder, SSEvent
from airegistry.dialects.events.streams import EventStream
from airegistry.invocations.streaming import StreamItem


def message_stream(answer_tool: str, *, relay: bool) -> EventStream:
    """Return the StreamDecoder of `anthropic.messages`. *answer_tool* as in `items_of`."""
    reader = MessageEvents(answer_tool)
    return EventStream(SSEDecoder(), reader, plain=lambda body: items_of(body, answer_tool), relay=relay)


class MessageEvents:
    """Reads the events of one answer, which is over with `message_stop` and not before."""

    mended = False

    def __init__(self, answer_tool: str) -> None:
        self._pieces = Pieces(answer_tool)

    @property
    def over(self) -> bool:
        """Whether `message_stop` came."""
        return self._pieces.over

    @property
    def ending(self) -> bool:
        """Whether the answer told why it ended."""
        return self._pieces.ending

    def take(self, event: SSEvent) -> list[StreamItem]:
        """Return what an event adds."""
        if event.event == "error":
            raise failure_of(event.data)
        return self._pieces.take(reading.json_of(event.data, "a streamed item"), event.event) if event.data else []

    def close(self) -> list[StreamItem]:
        """Return how the answer ended."""
        return self._pieces.close()


def items_of(body: bytes, answer_tool: str) -> list[StreamItem]:
    """Return a whole message as the items that it would have streamed.

    *answer_tool* is the tool by which JSON was asked for, empty where it was not: a call of it is the text of the answer.
    """
    pieces = Pieces(answer_tool)
    items = [item for event in events_of(body) for item in pieces.take(event, "")]
    return [*items, *pieces.close()]
