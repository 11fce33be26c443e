"""The events of a streamed chat completion."""

from __future__ import annotations

from typing import Final

from airegistry.dialects import reading
from airegistry.dialects.errors import failure_of
from airegistry.dialects.events.sse import SSEDecoder, SSEvent
from airegistry.dialects.events.streams import EventStream
from airegistry.dialects.openai.chunks import Chunks
from airegistry.dialects.openai.further import OTHER, further, further_relayed
from airegistry.errors import MalformedAnswerError, TruncatedAnswerError
from airegistry.invocations.chat import ChatDelta, ChatRequest
from airegistry.invocations.streaming import StreamItem, WireSeen

_DONE: Final = b"[DONE]"


def chat_stream(request: ChatRequest, *, relay: bool) -> EventStream:
    """Return the StreamDecoder of `openai.chat`."""
    events = ChatEvents(request)
    return EventStream(
        SSEDecoder(),
        events,
        plain=lambda body: items_of(body, request),
        relay=relay,
        further=events.further_wire if relay else events.further,
    )


class ChatEvents:
    """Reads the events of one answer.

    How a choice ended goes out when the stream is over (`[DONE]`, or the end of the bytes): some servers say it early, and
    only then is it sure that nothing follows. `[DONE]` may be missing when every choice has a finish_reason.
    """

    def __init__(self, request: ChatRequest) -> None:
        self._chunks = Chunks(request, "delta")
        self.over = False

    @property
    def ending(self) -> bool:
        """Whether the chunk taken last ends a choice, or comes after all of them ended."""
        return self.over or self._chunks.ending

    @property
    def mended(self) -> bool:
        """Whether the chunk taken last has tool calls without their numbers or ids."""
        return self._chunks.mended

    def further(self, event: SSEvent) -> ChatDelta | None:
        """Return what a chunk adds that only goes on with the text of a choice, None for any other."""
        if event.event:
            return None
        try:
            return self._chunks.further(further(event.data))
        except OTHER:
            return None

    def further_wire(self, event: SSEvent) -> WireSeen | None:
        """Return such a chunk as the provider wrote it, None for any other."""
        if event.event:
            return None
        try:
            speaks = self._chunks.speaks(further_relayed(event.data).choices[0].index)
        except OTHER:
            return None
        return WireSeen(event.data, token=True) if speaks else None

    def take(self, event: SSEvent) -> list[StreamItem]:
        """Return what a chunk adds."""
        if event.data.strip() == _DONE:
            self.over = True
            return []
        if event.event == "error":
            raise failure_of(event.data)
        return self._chunks.take(reading.json_of(event.data, "a streamed item")) if event.data else []

    def close(self) -> list[StreamItem]:
        """Return how each choice ended."""
        if not (self.over or self._chunks.whole):
            raise TruncatedAnswerError("the answer ended without a finish_reason")
        return self._chunks.close()


def items_of(body: bytes, request: ChatRequest) -> list[StreamItem]:
    """Return a whole chat completion as the items that it would have streamed."""
    answer = reading.mapping(reading.json_of(body, "the answer"), "the answer")
    chunks = Chunks(request, "message")
    items = chunks.take(answer)
    if not answer.get("choices"):
        raise MalformedAnswerError("the answer has no choices")
    return [*items, *chunks.close()]
