"""What the validators look at: the recorded history beside what truly happened."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from tests.robustness.ground_truth import Fact, Facts
from tests.robustness.history import History, Message
from tests.robustness.validators import StoredLog
from tests.robustness.versions import Version

SLACK = 0.2
"""By how much the clocks of a client and of a store may differ, in seconds: both are on one machine."""


class Case:
    """A history and the facts from after *first* on; *before* is what was there at *first*.

    The log has the resources of *before* as if revision *first* had made them, so that a replay of it is complete.
    """

    def __init__(self, history: History, facts: Facts, first: int = 0, before: Iterable[Version] = ()) -> None:
        self.history = history
        self.facts = facts
        self.first = first
        self.newest = max(facts, default=first)
        self.before = {version.name: version for version in before}
        made = tuple(Fact(first, name, 0.0, None, version) for name, version in self.before.items())
        self.log = StoredLog(({first: made} if made else {}) | dict(facts))
        self._lives = self._timelines()
        self._revisions = sorted(facts)
        self._times = list(accumulate((facts[revision][0].time for revision in self._revisions), max))
        self._ends, self._floors = self._observed()

    def at(self, name: str, revision: int) -> Version | None:
        """Return a resource as of *revision*."""
        revisions, versions = self._lives.get(name, ([], []))
        index = bisect_right(revisions, revision)
        return versions[index - 1] if index else self.before.get(name)

    def names(self) -> Iterable[str]:
        """Return every name that there ever was."""
        return self._lives.keys() | self.before.keys()

    def between(self, names: Iterable[str], low: int, high: int) -> Iterator[int]:
        """Yield *low*, and each revision up to *high* (inclusive) that changed one of *names*."""
        yield low
        for name in names:
            revisions, _ = self._lives.get(name, ([], []))
            yield from revisions[bisect_right(revisions, low) : bisect_right(revisions, high)]

    def floor(self, moment: float) -> int:
        """Return the newest revision that anybody had been told of before *moment*, by the monotonic clock."""
        index = bisect_left(self._ends, moment)
        return self._floors[index - 1] if index else self.first

    def ceiling(self, moment: float) -> int:
        """Return the newest revision that there can have been at *moment*, by the monotonic clock."""
        index = bisect_right(self._times, self.history.wall(moment) + SLACK)
        return self._revisions[index - 1] if index else self.first

    def states(self) -> Iterator[tuple[int, Mapping[str, Version]]]:
        """Yield every revision with all that was there then; the mapping is the same one each time."""
        state = dict(self.before)
        yield self.first, state
        for revision in self._revisions:
            for fact in self.facts[revision]:
                if fact.new is None:
                    state.pop(fact.name, None)
                else:
                    state[fact.name] = fact.new
            yield revision, state

    def last(self) -> dict[str, Version]:
        """Return all that is there at the end."""
        return {name: version for name in self.names() if (version := self.at(name, self.newest)) is not None}

    def _timelines(self) -> dict[str, tuple[list[int], list[Version | None]]]:
        lives: dict[str, tuple[list[int], list[Version | None]]] = {}
        for revision in sorted(self.facts):
            for fact in self.facts[revision]:
                revisions, versions = lives.setdefault(fact.name, ([], []))
                revisions.append(revision)
                versions.append(fact.new)
        return lives

    def _observed(self) -> tuple[list[float], list[int]]:
        told = [(sent.end, sent.revision) for sent in self.history.calls() if sent.ok]
        told += [(record.at, record.revision) for record in self.history.streams if isinstance(record, Message)]
        told.sort()
        return [end for end, _ in told], list(accumulate((revision for _, revision in told), max))
