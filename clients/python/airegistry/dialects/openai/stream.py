"""The events of a streamed chat completion."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from airegistry.dialects import reading
from airegistry.dialects.errors import failure_of
from airegistry.dialects.events.sse import SSEDecoder, SSEvent
from airegistry.dialects.events.streams import EventStream
from airegistry.dialects.openai.chunks import Chunks
from airegistry.errors import MalformedAnswerError, TruncatedAnswerError
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.streaming import StreamItem

_DONE: Final = b"[DONE]"


def chat_stream(request: ChatRequest, *, relay: bool) -> EventStream:
    """Return the StreamDecoder of `openai.chat`."""
    events = ChatEvents(request)
    return EventStream(
        SSEDecoder(), events, plain=lambda body: items_of(body, request), relay=relay, passing=events.passing
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

    def passing(self, event: SSEvent) -> bool:
        """Say whether an event is a chunk that only goes on with the text of a choice."""
        if event.event:
            return False
        try:
            chunk = _FURTHER.decode(event.data)
        except msgspec.MsgspecError:
            return False
        choices = chunk.choices
        return len(choices) == 1 and self._chunks.speaks(choices[0].index)

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


class _Delta(msgspec.Struct, forbid_unknown_fields=True):
    content: Annotated[str, msgspec.Meta(min_length=1)]


class _Choice(msgspec.Struct, forbid_unknown_fields=True):
    index: int
    delta: _Delta
    finish_reason: None = None
    logprobs: msgspec.Raw | None = None


class _Further(msgspec.Struct):
    """A chunk that holds a further piece of text and nothing else that counts; other fields are only relayed."""

    choices: list[_Choice]
    usage: None = None
    error: None = None


_FURTHER: Final = msgspec.json.Decoder(_Further)


def items_of(body: bytes, request: ChatRequest) -> list[StreamItem]:
    """Return a whole chat completion as the items that it would have streamed."""
    answer = reading.mapping(reading.json_of(body, "the answer"), "the answer")
    chunks = Chunks(request, "message")
    items = chunks.take(answer)
    if not answer.get("choices"):
        raise MalformedAnswerError("the answer has no choices")
    return [*items, *chunks.close()]
