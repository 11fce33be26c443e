"""The events of a streamed answer, each a GenerateContentResponse, and the one that is a whole answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.errors import error_within
from airegistry.dialects.events.sse import SSEvent
from airegistry.dialects.gemini.candidate import Candidate
from airegistry.dialects.gemini.usage import usage_of
from airegistry.errors import ContentRefusedError, MalformedAnswerError, TruncatedAnswerError
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.streaming import ExtraSeen, StreamItem, StreamStarted, UsageSeen
from airegistry.invocations.usage import Usage

_KNOWN: Final = frozenset(("candidates", "usageMetadata", "modelVersion", "responseId", "error"))
_MAX_CANDIDATES: Final = 128


class GeminiEvents:
    """Reads the events of one answer. Nothing says that it is over but the end of the bytes, and every finishReason."""

    over: Final = False
    mended: Final = False

    def __init__(self, request: ChatRequest) -> None:
        self._wanted = request.choice_count or 1
        self._candidates: dict[int, Candidate] = {}
        self._answer_id = ""
        self._begun = False
        self._usage: Usage | None = None
        self._extra: dict[str, Any] = {}
        self._refused = ""

    @property
    def ending(self) -> bool:
        """Whether every candidate that began has ended."""
        return bool(self._candidates) and all(candidate.ended for candidate in self._candidates.values())

    def take(self, event: SSEvent) -> list[StreamItem]:
        """Return what an event adds."""
        return self.add(reading.json_of(event.data, "a streamed item")) if event.data else []

    def add(self, value: Any) -> list[StreamItem]:
        """Return what a GenerateContentResponse adds."""
        answer = reading.mapping(value, "a part of the answer")
        if (error := error_within(answer)) is not None:
            raise error
        items: list[StreamItem] = []
        if not self._begun:
            items.append(self._started(answer))
        for position, candidate in enumerate(reading.objects(answer, "candidates", "answer")):
            items.extend(self._candidate(candidate, position).take(candidate, self._answer_id))
        items.extend(self._used(answer))
        self._note(answer)
        return items

    def close(self) -> list[StreamItem]:
        """Return how each candidate ended."""
        if self._refused and not self._candidates:
            raise ContentRefusedError(f"the provider refused the prompt: {self._refused}")
        if len(self._candidates) < self._wanted:
            raise TruncatedAnswerError("the answer ended before every candidate began")
        items: list[StreamItem] = [self._candidates[index].close() for index in sorted(self._candidates)]
        if self._extra:
            items.append(ExtraSeen(self._extra))
        return items

    def _started(self, answer: Mapping[str, Any]) -> StreamStarted:
        self._begun = True
        self._answer_id = reading.text(answer, "responseId", "answer")
        return StreamStarted(self._answer_id, reading.text(answer, "modelVersion", "answer"))

    def _candidate(self, said: Mapping[str, Any], position: int) -> Candidate:
        index = reading.whole(said, "index", f"candidates[{position}]")
        index = position if index is None else index
        candidate = self._candidates.get(index)
        if candidate is None:
            if not 0 <= index < _MAX_CANDIDATES:
                raise MalformedAnswerError(f"candidates[{position}].index is {index}")
            candidate = self._candidates[index] = Candidate(index)
        return candidate

    def _used(self, answer: Mapping[str, Any]) -> Iterator[UsageSeen]:
        usage = usage_of(answer)
        if usage is not None and usage != self._usage:
            self._usage = usage
            yield UsageSeen(usage)

    def _note(self, answer: Mapping[str, Any]) -> None:
        feedback = reading.nested(answer, "promptFeedback", "answer")
        self._refused = reading.text(feedback, "blockReason", "promptFeedback") or self._refused
        self._extra.update({key: answer[key] for key in answer.keys() - _KNOWN if answer[key] is not None})


def items_of(body: bytes, request: ChatRequest) -> list[StreamItem]:
    """Return a whole answer as the items that it would have streamed."""
    value = reading.json_of(body, "the answer")
    events = GeminiEvents(request)
    # Without `alt=sse` a stream is one array of answers.
    answers = value if isinstance(value, list) else [value]
    return [item for answer in answers for item in events.add(answer)] + events.close()
