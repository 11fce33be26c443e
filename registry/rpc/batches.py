"""Messages of a Watch, encoded once for everybody who watches the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from airegistry.v1 import registry_service_pb2 as pb
from registry.entries import Entries
from registry.feed import Feed
from registry.history import Revision
from registry.rpc import splice
from registry.rpc.selection import EventType, Selection
from registry.rpc.tokens import seal

MAX_MADE = 256
"""Results that are remembered: watchers are seldom further apart."""
MESSAGE_BYTES = 1024 * 1024
"""Where a message ends, once it holds a whole revision."""
FRAGMENT_BYTES = 2 * 1024 * 1024
"""A revision that is larger than this is sent in several messages."""
STEP_BYTES = 8 * 1024 * 1024
"""What is encoded at once of a history, and one revision more."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Serialized messages, and the revision that is reached with the last of them.

    `first` is the first revision of which they tell something; 0 when they tell of none.
    """

    messages: tuple[bytes, ...]
    reached: int
    first: int = 0

    @property
    def size(self) -> int:
        """How many bytes it holds."""
        return sum(map(len, self.messages))


class Batches:
    """Encodes snapshots and changes, and remembers the latest results: watchers with equal filters share their bytes."""

    def __init__(self, cluster_id: str, *, max_bytes: int = 32 * 1024 * 1024) -> None:
        self._cluster_id = cluster_id
        self._max_bytes = max_bytes
        self._made: OrderedDict[Hashable, Batch] = OrderedDict()
        self._bytes = 0

    def snapshot(self, selection: Selection, entries: Entries, revision: int) -> Batch:
        """Return the messages of the snapshot as of *revision*, its end mark among them."""
        key = (selection.key, revision)
        made = self._made.get(key)
        if made is None:
            messages = (*_snapshot(selection, entries, revision), self.snapshot_end(revision))
            made = self._keep(key, Batch(messages, revision))
        return made

    def changes(self, selection: Selection, feed: Feed, after: int) -> Batch:
        """Return the messages for what is ready after *after* (exclusive), and the revision that they reach.

        There are none for changes outside the selection. Raises as `Feed.follow` does.
        """
        key = (selection.key, after, feed.newest)
        made = self._made.get(key)
        if made is None:
            revisions = feed.ready(after)
            made = self._keep(key, self._batch(selection, revisions, after))
        return made

    def snapshot_end(self, revision: int) -> bytes:
        """Return the mark that the snapshot as of *revision* is complete."""
        return self._mark(pb.WATCH_RESPONSE_KIND_SNAPSHOT_END, revision).SerializeToString()

    def bookmark(self, revision: int) -> bytes:
        """Return the mark that everything up to *revision* was sent."""
        return self._mark(pb.WATCH_RESPONSE_KIND_BOOKMARK, revision).SerializeToString()

    def reset(self, revision: int) -> bytes:
        """Return the mark that a reader who was told everything up to *revision* begins anew, with a snapshot."""
        return pb.WatchResponse(kind=pb.WATCH_RESPONSE_KIND_RESET, revision=revision).SerializeToString()

    def _batch(self, selection: Selection, revisions: Sequence[Revision], after: int) -> Batch:
        told: list[tuple[int, list[bytes]]] = []
        size = 0
        reached = after
        for revision in revisions:
            if size >= STEP_BYTES:
                break
            reached = revision.number
            if events := _events(selection, revision):
                told.append((reached, events))
                size += sum(map(len, events))
        return Batch(tuple(self._changes(told)), reached, told[0][0] if told else 0)

    def _changes(self, told: Iterable[tuple[int, list[bytes]]]) -> Iterator[bytes]:
        waiting: list[bytes] = []
        size = 0
        reached = 0
        for revision, events in told:
            if (length := sum(map(len, events))) > FRAGMENT_BYTES:
                if waiting:
                    yield self._message(waiting, reached)
                yield from self._fragments(events, revision)
                waiting, size = [], 0
                continue
            waiting += events
            size += length
            reached = revision
            if size >= MESSAGE_BYTES:
                yield self._message(waiting, reached)
                waiting, size = [], 0
        if waiting:
            yield self._message(waiting, reached)

    def _fragments(self, events: list[bytes], revision: int) -> Iterator[bytes]:
        *parts, last = _chunks(events)
        for part in parts:
            head = pb.WatchResponse(kind=pb.WATCH_RESPONSE_KIND_CHANGES, revision=revision, fragment=True)
            yield splice.joined(head, splice.WATCH_EVENTS, part)
        yield self._message(last, revision)

    def _message(self, events: list[bytes], revision: int) -> bytes:
        return splice.joined(self._mark(pb.WATCH_RESPONSE_KIND_CHANGES, revision), splice.WATCH_EVENTS, events)

    def _mark(self, kind: pb.WatchResponseKind.ValueType, revision: int) -> pb.WatchResponse:
        return pb.WatchResponse(kind=kind, revision=revision, resume_token=resume_token(self._cluster_id, revision))

    def _keep(self, key: Hashable, made: Batch) -> Batch:
        self._made[key] = made
        self._bytes += made.size
        while self._bytes > self._max_bytes or len(self._made) > MAX_MADE:
            self._bytes -= self._made.popitem(last=False)[1].size
        return made


def resume_token(cluster_id: str, revision: int) -> str:
    """Return the token with which a stream goes on after *revision*."""
    return seal("watch", cluster_id, revision)


def _snapshot(selection: Selection, entries: Entries, revision: int) -> Iterator[bytes]:
    head = pb.WatchResponse(kind=pb.WATCH_RESPONSE_KIND_SNAPSHOT, revision=revision)
    found = selection.among(entries)
    events = (splice.watch_event(EventType.ADDED, entry.revision, entry.wire) for entry in found)
    for chunk in _chunks(events):
        yield splice.joined(head, splice.WATCH_EVENTS, chunk)


def _events(selection: Selection, revision: Revision) -> list[bytes]:
    changes = (selection.change(event) for event in revision.events)
    return [splice.watch_event(kind, revision.number, entry.wire) for kind, entry in filter(None, changes)]


def _chunks(events: Iterable[bytes]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    size = 0
    for event in events:
        if chunk and size + len(event) > MESSAGE_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(event)
        size += len(event)
    if chunk:
        yield chunk
