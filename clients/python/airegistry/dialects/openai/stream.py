"""A streamed chat completion, out of bytes that may be cut anywhere."""

from __future__ import annotations

from typing import Final

from airegistry.dialects import reading
from airegistry.dialects.openai.chunks import Chunks
from airegistry.dialects.openai.errors import error_within
from airegistry.dialects.sse import MAX_EVENT_BYTES, SSEDecoder, SSEvent
from airegistry.errors import MalformedAnswerError, ProviderError, ProviderFailedError, TruncatedAnswerError
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.streaming import StreamItem

_DONE: Final = b"[DONE]"


class ChatStream:
    """The StreamDecoder of `openai.chat`.

    How a choice ended goes out when the stream is over (`[DONE]`, or the end of the bytes): some servers say it early, and
    only then is it sure that nothing follows. `[DONE]` may be missing when every choice has a finish_reason.
    """

    def __init__(self, request: ChatRequest) -> None:
        self._request = request
        self._sse = SSEDecoder()
        self._chunks = Chunks(request, "delta")
        self._head = b""
        self._recognized = False
        self._plain: PlainAnswer | None = None
        self._done = False
        self._failure: ProviderError | None = None

    @property
    def finished(self) -> bool:
        """Whether `[DONE]` or a failure came."""
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
        return self._items(self._sse.feed(data))

    def close(self) -> list[StreamItem]:
        """Return how the answer ended. Raises TruncatedAnswerError when it did not."""
        if self._failure is not None:
            raise self._failure
        if self._plain is not None:
            return self._plain.items(self._request)
        items = self._rest()
        if not self._done:
            if not self._chunks.whole:
                raise TruncatedAnswerError("the answer ended without a finish_reason")
            items.extend(self._end())
        return items

    def _recognize(self, data: bytes) -> bytes:
        """Tell a stream from a server that ignored `stream` or sends an error page, by the first character."""
        self._head += data
        start = self._head.lstrip()[:1]
        if not start:
            return b""
        data, self._head = self._head, b""
        self._recognized = True
        if start in b"{[<":
            self._plain = PlainAnswer()
        return data

    def _items(self, events: list[SSEvent]) -> list[StreamItem]:
        items: list[StreamItem] = []
        try:
            for event in events:
                if self._done:
                    break
                items.extend(self._take(event))
        except ProviderError as error:
            self._failure = error
            if not items:
                raise
        return items

    def _take(self, event: SSEvent) -> list[StreamItem]:
        if event.data.strip() == _DONE:
            return self._end()
        if event.event == "error":
            raise _failure_of(event.data)
        return self._chunks.take(reading.json_of(event.data, "a streamed item")) if event.data else []

    def _rest(self) -> list[StreamItem]:
        try:
            return [] if self._done else [item for event in self._sse.close() for item in self._take(event)]
        except TruncatedAnswerError:
            raise
        except MalformedAnswerError as error:
            # The last event had no end: half of it is a cut, not nonsense.
            raise TruncatedAnswerError("the answer was cut off in the middle of a streamed item") from error

    def _end(self) -> list[StreamItem]:
        items = self._chunks.close()
        self._done = True
        return items


def _failure_of(data: bytes) -> ProviderError:
    """Return what an `error` event means, whatever is in it."""
    try:
        value = reading.json_of(data, "a streamed error")
    except MalformedAnswerError:
        value = data.decode(errors="replace")
    error = value.get("error", value) if isinstance(value, dict) else value
    return error_within({"error": error or "no explanation"}) or ProviderFailedError("the provider failed")


class PlainAnswer:
    """An answer that is no stream although one was asked for: read whole, then treated as one."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._bytes = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._pieces.append(data)
        self._bytes += len(data)
        if self._bytes > MAX_EVENT_BYTES:
            raise MalformedAnswerError(f"the answer exceeds {MAX_EVENT_BYTES} bytes and is no stream")

    def items(self, request: ChatRequest) -> list[StreamItem]:
        """Return the whole answer as items."""
        return items_of(b"".join(self._pieces), request)


def items_of(body: bytes, request: ChatRequest) -> list[StreamItem]:
    """Return a whole chat completion as the items that it would have streamed."""
    answer = reading.mapping(reading.json_of(body, "the answer"), "the answer")
    chunks = Chunks(request, "message")
    items = chunks.take(answer)
    if not answer.get("choices"):
        raise MalformedAnswerError("the answer has no choices")
    return [*items, *chunks.close()]
