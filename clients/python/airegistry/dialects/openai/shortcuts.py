"""The shorter ways of events that only go on with a text: read, or relayed as the provider wrote them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

from airegistry.dialects.events.sse import SSEvent
from airegistry.dialects.openai.alike import Around
from airegistry.dialects.openai.chunks import Chunks
from airegistry.dialects.openai.further import READ, RELAYED, all_of, one_of
from airegistry.invocations.chat import ChatDelta
from airegistry.invocations.streaming import StreamItem, TextRun, WireSeen

# An answer ends with its reason, its usage and [DONE]; rarely with more.
_ENDS: Final = 4


class Read:
    """What such events add."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks

    def further(self, event: SSEvent) -> ChatDelta | None:
        """Return what an event adds that only goes on with the text of a choice, None for any other."""
        chunk = one_of(READ, event)
        return None if chunk is None else self._chunks.further(chunk)

    def run(self, events: Sequence[SSEvent], start: int) -> tuple[Sequence[StreamItem], int]:
        """Return what events add together that only go on with the text of one choice, and how many they are."""
        words = _alike(events, start)
        if words and (first := self.further(events[start])) is not None:
            return (TextRun(first.choice_index, first.block_index, tuple(words)),), len(words)
        run: TextRun | None = None
        events = _without_ends(events[start:], self.further)
        if events and (chunks := all_of(READ, events)) is not None:
            run = self._chunks.run(chunks)
        return ((), 0) if run is None else ((run,), len(events))


class Relayed:
    """Such events, each as the provider wrote it."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks

    def further(self, event: SSEvent) -> WireSeen | None:
        """Return an event that only goes on with the text of a choice, None for any other."""
        chunk = one_of(RELAYED, event)
        if chunk is None or not self._chunks.speaks(chunk.choices[0].index):
            return None
        return _wire(event)

    def run(self, events: Sequence[SSEvent], start: int) -> tuple[Sequence[StreamItem], int]:
        """Return the same for events that all do, and how many they are."""
        if words := _alike(events, start):
            return [*map(_wire, events[start : start + len(words)])], len(words)
        events = _without_ends(events[start:], self.further)
        if not events or (chunks := all_of(RELAYED, events)) is None:
            return (), 0
        if not all(map(self._chunks.speaks, {chunk.choices[0].index for chunk in chunks})):
            return (), 0
        return [*map(_wire, events)], len(events)


def _wire(event: SSEvent) -> WireSeen:
    return WireSeen(event.data, token=True)


def _alike(events: Sequence[SSEvent], start: int) -> list[str]:
    """Return the words of the events from *start* on, if all but the ends are as the one before but for these."""
    around = Around.of(events[start - 1].data)
    if around is None:
        return []
    words = around.words(islice(events, start, None))
    # Not for a part of them: the others would be read one by one.
    return words if len(words) >= max(1, len(events) - start - _ENDS) else []


def _without_ends(events: Sequence[SSEvent], further: Callable[[SSEvent], object]) -> Sequence[SSEvent]:
    """Return events without those last ones that tell how the answer ended; none where there are more of them."""
    for others, event in enumerate(islice(reversed(events), _ENDS)):
        if further(event) is not None:
            return events[: len(events) - others]
    return ()
