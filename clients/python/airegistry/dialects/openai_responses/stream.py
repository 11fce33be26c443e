"""The events of a streamed response, and the response that is the whole of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.errors import error_within
from airegistry.dialects.events.sse import SSEDecoder, SSEvent
from airegistry.dialects.events.streams import EventStream
from airegistry.dialects.openai_responses.ending import failure_of, finish_of
from airegistry.dialects.openai_responses.fields import rest_of
from airegistry.dialects.openai_responses.output import Output
from airegistry.dialects.openai_responses.pieces import Place, logprobs_in
from airegistry.dialects.openai_responses.usage import usage_of
from airegistry.errors import MalformedAnswerError, TruncatedAnswerError
from airegistry.invocations.chat import ChatDelta
from airegistry.invocations.streaming import ExtraSeen, StreamItem, StreamStarted, UsageSeen

_DONE: Final = b"[DONE]"
_ENDS: Final = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
}
_ENDED: Final = (*_ENDS.values(), "cancelled")


def responses_stream(*, relay: bool) -> EventStream:
    """Return the StreamDecoder of `openai.responses`."""
    return EventStream(SSEDecoder(), ResponseEvents(), plain=items_of, relay=relay)


def items_of(body: bytes) -> list[StreamItem]:
    """Return a whole response as the items that it would have streamed."""
    response = reading.mapping(reading.json_of(body, "the answer"), "the answer")
    if not isinstance(response.get("output"), list):
        raise error_within(response) or MalformedAnswerError("the answer has no output")
    events = ResponseEvents()
    items = [*events.begin(response), *events.end(response)]
    return [*items, *events.close()]


class ResponseEvents:
    """Reads the events of one answer.

    It is whole only after `response.completed` or `response.incomplete`: `[DONE]`, which some servers add, does not make it so.
    Events of unknown types are skipped.
    """

    def __init__(self) -> None:
        self.over = False
        self.mended = False
        """Whether the server leaves out the numbers by which OpenAI's SDKs put an answer together (llama.cpp's does)."""
        self._taken = False
        self._begun = False
        self._output = Output()
        self._end: list[StreamItem] = []

    @property
    def ending(self) -> bool:
        """Whether the event taken last tells the end."""
        return self.over

    def take(self, event: SSEvent) -> list[StreamItem]:
        """Return what an event adds."""
        if not event.data or event.data.strip() == _DONE:
            return []
        said = reading.mapping(reading.json_of(event.data, "a streamed item"), "a streamed item")
        if not self._taken:
            self._taken, self.mended = True, "sequence_number" not in said
        kind = reading.text(said, "type", "event") or event.event
        if kind == "error" or (said.get("error") and not kind.startswith("response.")):
            raise failure_of({"error": said.get("error") or said})
        if (word := _ENDS.get(kind)) is not None:
            return list(self.end(_with_status(reading.nested(said, "response", "event"), word)))
        read = _EVENTS.get(kind)
        items = list(read(self, said)) if read is not None else []
        return [*self.begin({}), *items] if items and not self._begun else items

    def close(self) -> list[StreamItem]:
        """Return how the answer ended."""
        if not self.over:
            raise TruncatedAnswerError("the answer ended without response.completed")
        return self._end

    def begin(self, response: Mapping[str, Any]) -> Iterator[StreamItem]:
        """Take a response as it is created; the first one counts."""
        if not self._begun:
            self._begun = True
            created = reading.whole(response, "created_at", "response")
            model = reading.text(response, "model", "response")
            yield StreamStarted(reading.text(response, "id", "response"), model, created or None)

    def end(self, response: Mapping[str, Any]) -> Iterator[StreamItem]:
        """Take a response as it is in the end, with what was not streamed of it."""
        yield from self.begin(response)
        streamed = not self._output.empty
        for i, item in enumerate(reading.objects(response, "output", "response")):
            # An item of another id than any that was streamed may be one of those all the same.
            if not streamed or self._output.knows(item):
                yield from self._output.whole(self._output.key({"output_index": i}, item.get("id")), item)
        usage = usage_of(response)
        if usage is not None:
            yield UsageSeen(usage)
        blocks = self._output.blocks
        reason, word = finish_of(response, called=blocks.called, refused=blocks.refused)
        self._end = [ChatDelta(0, blocks.last, finish_reason=reason, upstream_finish_reason=word)]
        if extra := rest_of(response):
            self._end.append(ExtraSeen(extra))
        self.over = True

    def created(self, said: Mapping[str, Any]) -> Iterator[StreamItem]:
        """Take the response at its beginning."""
        return self.begin(reading.nested(said, "response", "event"))

    def added(self, said: Mapping[str, Any]) -> Iterator[StreamItem]:
        """Take an item at its beginning."""
        item = reading.nested(said, "item", "event")
        return self._output.begin(self._output.key(said, item.get("id")), item)

    def done(self, said: Mapping[str, Any]) -> Iterator[StreamItem]:
        """Take an item at its end."""
        item = reading.nested(said, "item", "event")
        return self._output.whole(self._output.key(said, item.get("id")), item)

    def text(self, said: Mapping[str, Any]) -> Iterator[StreamItem]:
        """Take a piece of a text."""
        words = reading.text(said, "delta", "event")
        return self._output.blocks.text(self._place(said, "text", "content_index"), words, logprobs_in(said, "event"))

    def annotation(self, said: Mapping[str, Any]) -> Iterator[StreamItem]:
        """Take an annotation of a text."""
        value = reading.nested(said, "annotation", "event")
        return self._output.blocks.annotations(self._place(said, "text", "content_index"), [value] if value else [])

    def refusal(self, said: Mapping[str, Any]) -> Iterator[StreamItem]:
        """Take a piece of a refusal."""
        place = self._place(said, "refusal", "content_index")
        return self._output.blocks.refusal(place, reading.text(said, "delta", "event"))

    def summary(self, said: Mapping[str, Any]) -> Iterator[StreamItem]:
        """Take a piece of a thought's summary."""
        place = self._place(said, "summary", "summary_index")
        return self._output.blocks.thought(place, reading.text(said, "delta", "event"))

    def thought(self, said: Mapping[str, Any]) -> Iterator[StreamItem]:
        """Take a piece of a thought itself."""
        place = self._place(said, "content", "content_index")
        return self._output.blocks.thought(place, reading.text(said, "delta", "event"))

    def arguments(self, said: Mapping[str, Any]) -> Iterator[StreamItem]:
        """Take a piece of a call's arguments."""
        key = self._output.key(said, said.get("item_id"))
        return self._output.blocks.arguments(key, reading.text(said, "delta", "event"))

    def _place(self, said: Mapping[str, Any], kind: str, index: str) -> Place:
        key = self._output.key(said, said.get("item_id"))
        return Place(key, kind, reading.whole(said, index, "event") or 0)


_EVENTS: Final[Mapping[str, Callable[[ResponseEvents, Mapping[str, Any]], Iterator[StreamItem]]]] = {
    "response.created": ResponseEvents.created,
    "response.in_progress": ResponseEvents.created,
    "response.queued": ResponseEvents.created,
    "response.output_item.added": ResponseEvents.added,
    "response.output_item.done": ResponseEvents.done,
    "response.output_text.delta": ResponseEvents.text,
    "response.output_text.annotation.added": ResponseEvents.annotation,
    "response.refusal.delta": ResponseEvents.refusal,
    "response.reasoning_summary_text.delta": ResponseEvents.summary,
    "response.reasoning_text.delta": ResponseEvents.thought,
    "response.function_call_arguments.delta": ResponseEvents.arguments,
}


def _with_status(response: Mapping[str, Any], word: str) -> Mapping[str, Any]:
    """Return a response with the status that its event tells, where it does not tell an end itself."""
    return response if response.get("status") in _ENDED else {**response, "status": word}
