"""The shorter ways of events that only go on with a text: read, or relayed as the provider wrote them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

from airegistry.dialects.events.sse import SSEvent
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

    def run(self, events: Sequence[SSEvent]) -> tuple[Sequence[StreamItem], int]:
        """Return what events add together that only go on with the text of one choice, and how many they are."""
        run: TextRun | None = None
        events = _without_ends(events, self.further)
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
        return WireSeen(event.data, token=True)

    def run(self, events: Sequence[SSEvent]) -> tuple[Sequence[StreamItem], int]:
        """Return the same for events that all do, and how many they are."""
        events = _without_ends(events, self.further)
        if not events or (chunks := all_of(RELAYED, events)) is None:
            return (), 0
        if not all(map(self._chunks.speaks, {chunk.choices[0].index for chunk in chunks})):
            return (), 0
        return [WireSeen(event.data, token=True) for event in events], len(events)


def _without_ends(events: Sequence[SSEvent], further: Callable[[SSEvent], object]) -> Sequence[SSEvent]:
    """Return events without those last ones that tell how the answer ended; none where there are more of them."""
    for others, event in enumerate(islice(reversed(events), _ENDS)):
        if further(event) is not None:
            return events[: len(events) - others]
    return ()
