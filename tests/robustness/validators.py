"""The promises of Watch (docs/guarantees.md) as checks over recorded histories; each raises AssertionError.

A history is the updates that one watcher got, from its first to its last, over all cuts. The log is what truly happened:
the events of every revision, as a Watch of everything from revision 0 replays them, or as the store has them.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

from airegistry.client.messages import WatchEventType
from airegistry.resources.resource import Resource


class Shown(Protocol):
    """A resource as an event shows it."""

    @property
    def name(self) -> str: ...
    @property
    def revision(self) -> int: ...


class Event(Protocol):
    """What a revision did to a resource."""

    @property
    def type(self) -> WatchEventType | None: ...
    @property
    def revision(self) -> int: ...
    @property
    def resource(self) -> Any: ...


class Update(Protocol):
    """One step of a watcher: everything up to `revision` was told. `snapshot` says that the set is known as a whole."""

    @property
    def revision(self) -> int: ...
    @property
    def events(self) -> Sequence[Event]: ...
    @property
    def snapshot(self) -> bool: ...


History = Sequence[Update]
Log = Mapping[int, Sequence[Event]]
Matches = Callable[[Any], bool]
Told = Mapping[int, Mapping[str, WatchEventType]]

ADDED, UPDATED, REMOVED = WatchEventType


def everything(_resource: Shown) -> bool:
    """Match as a filter that is not set."""
    return True


class StoredLog(dict[int, Sequence[Event]]):
    """A log that remembers what each filter lets through: many watchers have the same one."""

    def __init__(self, log: Log) -> None:
        super().__init__(log)
        self._told: dict[Matches, Told] = {}

    def told(self, matches: Matches) -> Told:
        """Return what a filter lets through: by revision, what happens to the selected set."""
        if matches not in self._told:
            self._told[matches] = _transitions(self, matches)
        return self._told[matches]


def log_of(replay: History) -> dict[int, tuple[Event, ...]]:
    """Return the log that the replay of everything from revision 0 tells."""
    log: dict[int, list[Event]] = {}
    for event in _events(replay):
        log.setdefault(event.revision, []).append(event)
    return {revision: tuple(events) for revision, events in log.items()}


def check_ordered(history: History) -> None:
    """Ordered: events come in the order of their revisions, and the position never goes back."""
    for update in history:
        # The snapshot, and the difference that a resync presents, are of one revision and have no order inside.
        revisions = [] if update.snapshot else [event.revision for event in update.events]
        assert revisions == sorted(revisions), f"out of order in the update of {update.revision}: {revisions}"
        assert all(event.revision <= update.revision for event in update.events), f"{update.revision} is too low"
    for one, other in pairwise(history):
        assert one.revision <= other.revision, f"{other.revision} came after {one.revision}"
        late = [event.revision for event in _changes(other) if event.revision <= one.revision]
        assert not late, f"events of {late} came when {one.revision} had been reached"


def check_unique(history: History) -> None:
    """Unique: no change of a resource comes twice."""
    seen = Counter((_name(event), event.revision) for update in history for event in _changes(update))
    repeated = sorted(key for key, count in seen.items() if count > 1)
    assert not repeated, f"came more than once: {repeated}"


def check_atomic(history: History, log: Log, matches: Matches = everything) -> None:
    """Atomic: all events of one revision that concern the filter come in one update."""
    told = _told(log, matches)
    for update in history:
        came = Counter(event.revision for event in _changes(update))
        for revision, count in came.items():
            whole = len(told.get(revision, ()))
            assert count == whole, f"{count} of the {whole} events of {revision} came together"


def check_reliable(history: History, log: Log, matches: Matches = everything) -> None:
    """Reliable: between the first and the last position nothing that concerns the filter is skipped."""
    came = {(event.revision, _name(event)) for update in history for event in _changes(update)}
    first, last = history[0].revision, history[-1].revision
    skipped = [pair for pair in _pairs(log, matches) if first < pair[0] <= last and pair not in came]
    assert not skipped, f"skipped: {skipped}"


def check_resumable(streams: Sequence[History], log: Log, matches: Matches = everything) -> None:
    """Resumable: each stream goes on behind the one before, so that together they tell what happened, once."""
    for one, other in pairwise(streams):
        reached = one[-1].revision
        again = [event.revision for event in _events(other) if event.revision <= reached]
        assert not again, f"repeated after the cut at {reached}: {again}"
    joined = [update for stream in streams for update in stream]
    check_unique(joined)
    check_reliable(joined, log, matches)


def check_bookmarkable(history: History, log: Log, matches: Matches = everything) -> None:
    """Bookmarkable: when a position is told, everything up to it has been sent."""
    due = deque(pair for pair in _pairs(log, matches) if pair[0] > history[0].revision)
    came: set[tuple[int, str]] = set()
    for update in history:
        came |= {(event.revision, _name(event)) for event in _changes(update)}
        while due and due[0][0] <= update.revision:
            assert due[0] in came, f"{update.revision} was told before {due[0]}"
            due.popleft()


def check_filtered(history: History, log: Log, matches: Matches) -> None:
    """Filtered: what enters the filter comes as ADDED, what leaves it as REMOVED, by the revision that did it."""
    told = _told(log, matches)
    for update in history:
        for event in _changes(update):
            wanted = told.get(event.revision, {}).get(_name(event))
            what = f"{event.type.name if event.type else None} of {_name(event)} by {event.revision}"
            assert event.type is wanted, f"{what} should be {wanted.name if wanted else 'nothing'}"
        outside = [_name(event) for event in update.events if event.type is not REMOVED and not matches(_of(event))]
        assert not outside, f"outside the filter: {outside}"


def check_gapless(log: Log, first: int = 1) -> None:
    """Gapless: the revisions are 1, 2, 3, …, or what of that begins at *first*."""
    missing = sorted(set(range(first, max(log, default=0) + 1)) - set(log))
    assert not missing, f"holes in the revisions: {missing}"


def check_replay(log: Log, listed: Iterable[Resource]) -> None:
    """The changes from the beginning lead to what is listed, and each fits to what was there before it."""
    state: dict[str, Resource] = {}
    for revision in sorted(log):
        for event in log[revision]:
            name = _name(event)
            assert (event.type is ADDED) == (name not in state), f"{event.type} of {name} by {revision}"
            if event.type is REMOVED:
                del state[name]
            else:
                assert _of(event).revision == revision, f"{name} says {_of(event).revision}, came by {revision}"
                state[name] = _of(event)
    assert state == {resource.name: resource for resource in listed}


def _told(log: Log, matches: Matches) -> Told:
    return log.told(matches) if isinstance(log, StoredLog) else _transitions(log, matches)


def _transitions(log: Log, matches: Matches) -> dict[int, dict[str, WatchEventType]]:
    inside: set[str] = set()
    told: dict[int, dict[str, WatchEventType]] = {}
    for revision in sorted(log):
        for event in log[revision]:
            name, was = _name(event), _name(event) in inside
            now = event.type is not REMOVED and matches(_of(event))
            (inside.add if now else inside.discard)(name)
            if was or now:
                told.setdefault(revision, {})[name] = (UPDATED if was else ADDED) if now else REMOVED
    return told


def _pairs(log: Log, matches: Matches) -> list[tuple[int, str]]:
    return [(revision, name) for revision, names in _told(log, matches).items() for name in names]


def _changes(update: Update) -> Sequence[Event]:
    return () if update.snapshot else update.events


def _events(history: History) -> Iterator[Event]:
    return (event for update in history for event in update.events)


def _of(event: Event) -> Any:
    assert event.resource is not None
    return event.resource


def _name(event: Event) -> str:
    return str(_of(event).name)
