"""The events of a streamed chat completion."""

from __future__ import annotations

from typing import Final

from airegistry.dialects import reading
from airegistry.dialects.errors import failure_of
from airegistry.dialects.events.sse import SSEDecoder, SSEvent
from airegistry.dialects.events.streams import EventStream
from airegistry.dialects.openai.chunks import Chunks
from airegistry.dialects.openai.shortcuts import Read, Relayed
from airegistry.errors import MalformedAnswerError, TruncatedAnswerError
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.streaming import StreamItem

_DONE: Final = b"[DONE]"


def chat_stream(request: ChatRequest, *, relay: bool) -> EventStream:
    """Return the StreamDecoder of `openai.chat`."""
    events = ChatEvents(request)
    return EventStream(
        SSEDecoder(),
        events,
        plain=lambda body: items_of(body, request),
        relay=relay,
        shortcut=Relayed(events.chunks) if relay else Read(events.chunks),
    )


class ChatEvents:
    """Reads the events of one answer.

    How a choice ended goes out when the stream is over (`[DONE]`, or the end of the bytes): some servers say it early, and
    only then is it sure that nothing follows. `[DONE]` may be missing when every choice has a finish_reason.
    """

    def __init__(self, request: ChatRequest) -> None:
        self.chunks = Chunks(request, "delta")
        self.over = False

    @property
    def ending(self) -> bool:
        """Whether the chunk taken last ends a choice, or comes after all of them ended."""
        return self.over or self.chunks.ending

    @property
    def mended(self) -> bool:
        """Whether the chunk taken last has tool calls without their numbers or ids."""
        return self.chunks.mended

    def take(self, event: SSEvent) -> list[StreamItem]:
        """Return what a chunk adds."""
        if event.data.strip() == _DONE:
            self.over = True
            return []
        if event.event == "error":
            raise failure_of(event.data)
        return self.chunks.take(reading.json_of(event.data, "a streamed item")) if event.data else []

    def close(self) -> list[StreamItem]:
        """Return how each choice ended."""
        if not (self.over or self.chunks.whole):
            raise TruncatedAnswerError("the answer ended without a finish_reason")
        return self.chunks.close()


def items_of(body: bytes, request: ChatRequest) -> list[StreamItem]:
    """Return a whole chat completion as the items that it would have streamed."""
    answer = reading.mapping(reading.json_of(body, "the answer"), "the answer")
    chunks = Chunks(request, "message")
    items = chunks.take(answer)
    if not answer.get("choices"):
        raise MalformedAnswerError("the answer has no choices")
    return [*items, *chunks.close()]
