"""Whole answers and chunks of them, as items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.errors import error_within
from airegistry.dialects.openai.further import Further
from airegistry.dialects.openai.pieces import Pieces
from airegistry.dialects.openai.sound import media_type_asked
from airegistry.dialects.openai.usage import usage_of
from airegistry.errors import MalformedAnswerError, TruncatedAnswerError
from airegistry.invocations.chat import ChatDelta, ChatRequest
from airegistry.invocations.streaming import ExtraSeen, StreamItem, StreamStarted, TextRun, UsageSeen
from airegistry.invocations.usage import Usage

# `obfuscation` is padding, so that the sizes of packets do not tell the tokens.
_KNOWN: Final = frozenset(("id", "object", "created", "model", "choices", "usage", "error", "obfuscation"))
_MAX_CHOICES: Final = 128


class Chunks:
    """Reads the chunks of one answer, or the one that is the whole of it."""

    def __init__(self, request: ChatRequest, message: str) -> None:
        self._wanted = request.choice_count or 1
        self._media_type = media_type_asked(request)
        self._message = message
        self._choices: dict[int, Pieces] = {}
        self._speaking: dict[int, int | None] = {}
        """By choice, the block of the text that it is at."""
        self._answer_id = ""
        self._begun = False
        self._usage: Usage | None = None
        self._extra: dict[str, Any] = {}
        self._ended_one = False
        self._mended = False

    @property
    def whole(self) -> bool:
        """Whether as many answers as were asked for have ended."""
        return len(self._choices) >= self._wanted and all(choice.ended for choice in self._choices.values())

    @property
    def ending(self) -> bool:
        """Whether the chunk taken last ended an answer, or every answer that began has ended."""
        return self._ended_one or (bool(self._choices) and all(choice.ended for choice in self._choices.values()))

    @property
    def mended(self) -> bool:
        """Whether the chunk taken last had tool calls without a number or an id."""
        return self._mended

    def speaks(self, index: int) -> bool:
        """Whether a choice has text already, and has not ended."""
        return self._speaking.get(index) is not None

    def further(self, chunk: Further) -> ChatDelta | None:
        """Return what a chunk adds that only goes on with the text of a choice; None when it is told more by it than that."""
        choice = chunk.choices[0]
        block = self._speaking.get(choice.index)
        if block is None or ((chunk.system_fingerprint or chunk.service_tier or chunk.provider) and self._news(chunk)):
            return None
        return ChatDelta(choice.index, block, choice.delta.content)

    def run(self, chunks: list[Further]) -> TextRun | None:
        """Return what chunks add together, if each only goes on with the same text."""
        facts = {(each.choices[0].index, each.system_fingerprint, each.service_tier, each.provider) for each in chunks}
        if len(facts) > 1 or (first := self.further(chunks[0])) is None:
            return None
        texts = tuple([each.choices[0].delta.content for each in chunks])
        return TextRun(first.choice_index, first.block_index, texts)

    def take(self, value: Any) -> list[StreamItem]:
        """Take one chunk and return what it adds."""
        chunk = reading.mapping(value, "a part of the answer")
        if (error := error_within(chunk)) is not None:
            raise error
        items: list[StreamItem] = []
        choices = reading.objects(chunk, "choices", "answer")
        if not self._begun and (choices or chunk.get("usage") is not None):
            items.append(self._started(chunk))
        self._ended_one = self._mended = False
        for position, choice in enumerate(choices):
            self._ended_one = self._ended_one or bool(choice.get("finish_reason"))
            pieces = self._pieces(choice, position)
            items.extend(pieces.take(choice, self._answer_id))
            self._mended = self._mended or pieces.mended
            self._speaking[pieces.index] = pieces.speaking
        if chunk.get("usage") is not None and (used := self._used(chunk)) is not None:
            items.append(used)
        if not chunk.keys() <= _KNOWN:
            self._extra.update({key: chunk[key] for key in chunk.keys() - _KNOWN if chunk[key] is not None})
        return items

    def close(self) -> list[StreamItem]:
        """Return how each answer ended. Raises TruncatedAnswerError when one did not, or when there was none."""
        if not self._choices:
            raise TruncatedAnswerError("the answer ended before it began")
        items: list[StreamItem] = []
        for index in sorted(self._choices):
            items.extend(self._choices[index].close())
        if self._extra:
            items.append(ExtraSeen(self._extra))
        return items

    def _news(self, chunk: Further) -> bool:
        """Say whether a chunk tells a fact of the answer that was not told before."""
        known = self._extra.get
        return (
            chunk.system_fingerprint not in (None, known("system_fingerprint"))
            or chunk.service_tier not in (None, known("service_tier"))
            or chunk.provider not in (None, known("provider"))
        )

    def _started(self, chunk: Mapping[str, Any]) -> StreamStarted:
        self._begun = True
        self._answer_id = reading.text(chunk, "id", "answer")
        created = reading.whole(chunk, "created", "answer")
        # Azure's and a few others' first chunks have a 0 here: nothing was said.
        return StreamStarted(self._answer_id, reading.text(chunk, "model", "answer"), created or None)

    def _pieces(self, choice: Mapping[str, Any], position: int) -> Pieces:
        index = choice.get("index")
        if not isinstance(index, int):
            index = position
        pieces = self._choices.get(index)
        if pieces is None:
            if not 0 <= index < _MAX_CHOICES:
                raise MalformedAnswerError(f"choices[{position}].index is {index}")
            pieces = self._choices[index] = Pieces(index, self._message, self._media_type)
        return pieces

    def _used(self, chunk: Mapping[str, Any]) -> UsageSeen | None:
        """Return what a chunk tells of the usage, unless it was told before."""
        usage = usage_of(chunk)
        if usage is None or usage == self._usage:
            return None
        self._usage = usage
        return UsageSeen(usage)
