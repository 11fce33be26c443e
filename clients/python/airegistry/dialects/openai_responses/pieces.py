"""What of one item has been passed on, so that its whole adds only the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from airegistry.dialects import reading
from airegistry.dialects.openai.logprobs import logprobs_of
from airegistry.invocations.chat import ChatDelta, TokenLogprob
from airegistry.invocations.content import ContentBlock, TextBlock, ToolCall


class Place(NamedTuple):
    """Where a piece belongs: the item, what kind of content of it, and which part."""

    item: object
    kind: str
    part: int = 0


class Blocks:
    """The blocks of one answer. Pieces come in any size; a whole that comes after them adds what they left out."""

    def __init__(self) -> None:
        self._indexes: dict[object, int] = {}
        self._words: dict[Place, int] = {}
        self._annotations: dict[Place, int] = {}
        self._logprobs: dict[Place, int] = {}
        self._thought: set[object] = set()
        self.called = False
        self.refused = False

    @property
    def last(self) -> int:
        """The index of the newest block."""
        return max(len(self._indexes) - 1, 0)

    def reserve(self, key: object) -> int:
        """Return the index of a block, the next free one when it begins."""
        return self._indexes.setdefault(key, len(self._indexes))

    def text(self, place: Place, words: str, logprobs: tuple[TokenLogprob, ...] = ()) -> Iterator[ChatDelta]:
        """Add to a text."""
        self._count(place, words)
        self._logprobs[place] = self._logprobs.get(place, 0) + len(logprobs)
        if words or logprobs:
            yield ChatDelta(0, self.reserve(place), text=words, logprobs=logprobs)

    def annotations(self, place: Place, values: Iterable[Mapping[str, Any]]) -> Iterator[ChatDelta]:
        """Add annotations to a text."""
        if kept := tuple(values):
            self._annotations[place] = self._annotations.get(place, 0) + len(kept)
            yield ChatDelta(0, self.reserve(place), block=ContentBlock(text=TextBlock(annotations=kept)))

    def refusal(self, place: Place, words: str) -> Iterator[ChatDelta]:
        """Add to a refusal."""
        self._count(place, words)
        if words:
            self.refused = True
            yield ChatDelta(0, self.reserve(place), refusal=words)

    def thought(self, place: Place, words: str) -> Iterator[ChatDelta]:
        """Add to a thought; its parts are paragraphs of one."""
        if not words:
            return
        block = (place.item, place.kind)
        apart = "\n\n" if block in self._thought and place not in self._words else ""
        self._thought.add(block)
        self._count(place, words)
        yield ChatDelta(0, self.reserve(block), thinking=apart + words)

    def signature(self, item: object, signature: str) -> Iterator[ChatDelta]:
        """Add the proof of a thought, which comes once."""
        if signature and self.first(Place(item, "signature")):
            yield ChatDelta(0, self.reserve((item, "summary")), thinking_signature=signature)

    def call(self, item: object, call: ToolCall) -> Iterator[ChatDelta]:
        """Begin a call, or add what is left of its arguments. A call without a name is yet to begin."""
        place = Place(item, "call")
        if place in self._words:
            yield from self.arguments(item, self.rest(place, call.arguments))
        elif call.name:
            self.called = True
            self._count(place, call.arguments)
            yield ChatDelta(0, self.reserve(place), tool_call_start=call)

    def arguments(self, item: object, words: str) -> Iterator[ChatDelta]:
        """Add to the arguments of a call. Those that come before its name come again with it."""
        place = Place(item, "call")
        if words and place in self._words:
            self._count(place, words)
            yield ChatDelta(0, self.reserve(place), tool_call_arguments=words)

    def first(self, place: Place) -> bool:
        """Say whether something comes for the first time that comes only once."""
        known = place in self._words
        self._words[place] = 1
        return not known

    def rest(self, place: Place, whole: str) -> str:
        """Return what of a whole has not been passed on."""
        return whole[self._words.get(place, 0) :]

    def whole_text(self, place: Place, part: Mapping[str, Any], path: str) -> Iterator[ChatDelta]:
        """Add what is left of a text, its probabilities and its annotations."""
        words = self.rest(place, reading.text(part, "text", path))
        logprobs = logprobs_in(part, path)[self._logprobs.get(place, 0) :]
        yield from self.text(place, words, logprobs)
        annotations = reading.objects(part, "annotations", path)
        yield from self.annotations(place, annotations[self._annotations.get(place, 0) :])

    def _count(self, place: Place, words: str) -> None:
        self._words[place] = self._words.get(place, 0) + len(words)


def logprobs_in(said: Mapping[str, Any], path: str) -> tuple[TokenLogprob, ...]:
    """Return the log-probabilities of a text, or of a piece of it."""
    return logprobs_of({"logprobs": {"content": said["logprobs"]}}, path) if said.get("logprobs") else ()
