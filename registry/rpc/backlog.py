"""How much came after a place in the history: revisions, bytes, seconds."""

from __future__ import annotations

from array import array

from registry.feed import Feed

# Places are forgotten many at a time: it moves all the others.
_FORGET_AT_LEAST = 10_000


class Backlog:
    """The sizes and times of the revisions since it was made, so that no reader has to add them up."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._begin(feed.newest)

    def take(self) -> None:
        """Take in what the feed got since. To be called for every step of the feed, before it forgets it."""
        if not self._feed.oldest - 1 <= self._reached <= self._feed.newest:
            # The history was replaced by another part of it.
            self._begin(self._feed.newest)
        while self._reached != self._feed.newest:
            for revision in self._feed.ready(self._reached):
                self._totals.append(self._totals[-1] + revision.size)
                self._times.append(revision.time)
        gone = self._feed.oldest - 1 - self._after
        if gone >= _FORGET_AT_LEAST:
            del self._totals[:gone], self._times[:gone]
            self._after += gone

    def size_after(self, place: int) -> int:
        """Return the serialized bytes of what came after *place*, as far as it is known here."""
        return self._totals[-1] - self._totals[min(max(0, place - self._after), len(self._times))]

    def time_after(self, place: int) -> float | None:
        """Return when the first revision after *place* was made; None when that is not known here."""
        index = place - self._after
        return self._times[index] if 0 <= index < len(self._times) else None

    @property
    def _reached(self) -> int:
        return self._after + len(self._times)

    def _begin(self, after: int) -> None:
        self._after = after
        # One total more than times: the one before the first revision.
        self._totals = array("q", [0])
        self._times = array("d")
