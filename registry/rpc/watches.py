"""Watch: a snapshot at one revision, spliced onto the history that follows it.

The promises (Ordered, Unique, Atomic, Reliable, Resumable, Bookmarkable, Filtered) are stated in `docs/guarantees.md`. A
watcher has no queue: it keeps its place in the feed, and gRPC holds it in `send` while its peer does not read.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from weakref import WeakValueDictionary

from airegistry._convert import from_pb
from airegistry._rpc.call import Sink
from airegistry.errors import CompactedError, ForeignResumeTokenError, InvalidArgumentError, OverloadedError
from airegistry.v1 import registry_service_pb2 as pb
from registry.catalog import Catalog
from registry.rpc.batches import Batch, Batches
from registry.rpc.consistency import wait_for_position
from registry.rpc.propagation import Propagation
from registry.rpc.requests import Watch
from registry.rpc.selection import Selection, open_selection
from registry.rpc.streams import Stream, Streams
from registry.rpc.tokens import unseal

DEFAULT_BOOKMARK_INTERVAL = 10.0
MIN_BOOKMARK_INTERVAL = 1.0
# For how long a watcher that found no place stays away, in seconds.
_FULL_RETRY = 5.0
# A stream lives for a random share of its greatest age, so that streams opened together do not come back together.
_LEAST_SHARE_OF_AGE = 0.8
_NOTHING = Batch((), 0)


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """What a Watch may take. Times are in seconds.

    `max_age` is the longest life of a stream, `max_streams` may be open at once. One whose peer reads nothing for
    `stall_timeout` is ended. One that is read again, but missed more than `max_lag_revisions` or `max_lag_bytes` of history
    since it began, gets a new snapshot instead.
    """

    max_age: float = 1800.0
    max_streams: int = 20_000
    stall_timeout: float = 60.0
    max_lag_revisions: int = 50_000
    max_lag_bytes: int = 64 * 1024 * 1024


class Watches:
    """The handler of Watch; the owner runs `run`, which wakes the streams. *now* is in seconds, by any clock."""

    def __init__(
        self, catalog: Catalog, limits: WatchLimits | None = None, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.resets = 0
        self.propagation = Propagation()
        self.limits = limits or WatchLimits()
        self.streams = Streams(catalog.feed, self.limits.stall_timeout, self._push, now)
        self._catalog = catalog
        self._now = now
        self._batches = Batches(catalog.cluster_id)
        self._numbers = count(1)
        # Streams with equal filters share one: most have none.
        self._selections: WeakValueDictionary[str, Selection] = WeakValueDictionary()

    async def run(self) -> None:
        """Wake the streams when there is something to say, until cancelled."""
        await self.streams.run()

    async def watch(self, request: pb.WatchRequest, call: Sink) -> None:
        """Stream what matches, then every change to it."""
        stream, messages = await self._open(request, call)
        # The stream may live for long, and needs it no more.
        del request
        self.streams.add(stream)
        try:
            await self._send(stream, messages)
            while True:
                batch = self._next(stream)
                if batch.messages:
                    await self._send(stream, batch.messages)
                    self._note(stream, batch)
                # Asked after sending: what was ready when the feed closed still goes out before the last bookmark.
                if self._catalog.feed.closed or self._now() >= stream.ends_at:
                    break
                if (woken := self.streams.rest(stream)) is not None:
                    await woken
                elif not batch.messages:
                    # A filter that matches nothing of a long history must not keep everybody else waiting.
                    await asyncio.sleep(0)
            await self._send(stream, (self._batches.bookmark(stream.position),))
        finally:
            self.streams.remove(stream)

    def lag_seconds(self, stream: Stream) -> float:
        """Return the age of the oldest revision that *stream* was not told, as far back as it was open."""
        time_after = self.streams.backlog.time_after(stream.position)
        return 0.0 if time_after is None else max(0.0, self._catalog.now() - time_after)

    async def _open(self, request: pb.WatchRequest, call: Sink) -> tuple[Stream, Iterable[bytes]]:
        """Return the stream that is asked for, and what it begins with."""
        wanted = from_pb(Watch, request, strict=True)
        resume = self._resume_position(wanted)
        if resume is not None:
            # Another replica may have told of revisions that this one does not show yet.
            await wait_for_position(self._catalog, resume, call)
        if len(self.streams) >= self.limits.max_streams:
            limit = self.limits.max_streams
            raise OverloadedError(f"{limit} watches are open, which is the limit", retry_after=_FULL_RETRY)
        stream = self._stream(wanted, call)
        if resume is None:
            return stream, self._snapshot(stream, skip=wanted.skip_snapshot)
        stream.position = resume
        # Raises where the history does not reach; what it makes is sent next.
        self._batches.changes(stream.selection, self._catalog.feed, resume)
        return stream, ()

    def _stream(self, wanted: Watch, call: Sink) -> Stream:
        now = self._now()
        age = self.limits.max_age * random.uniform(_LEAST_SHARE_OF_AGE, 1)
        interval = wanted.bookmark_interval or DEFAULT_BOOKMARK_INTERVAL
        selection = open_selection(wanted.filter)
        return Stream(
            number=next(self._numbers),
            selection=self._selections.setdefault(selection.key, selection),
            call=call,
            interval=interval,
            ends_at=now + age,
            bookmark_at=now + interval,
            opened_at=self._catalog.revision,
        )

    def _snapshot(self, stream: Stream, *, skip: bool = False) -> tuple[bytes, ...]:
        """Place *stream* at the current revision; return the snapshot as of that, encoded before anything can change."""
        stream.position = stream.opened_at = revision = self._catalog.revision
        if skip:
            return (self._batches.snapshot_end(revision),)
        return self._batches.snapshot(stream.selection, self._catalog.entries, revision).messages

    def _next(self, stream: Stream) -> Batch:
        """Return what there is to send now, and move the stream on."""
        batch = _NOTHING
        if stream.position != self._catalog.feed.newest:
            batch = self._changes(stream)
        if not batch.messages and self._now() >= stream.bookmark_at:
            batch = Batch((self._batches.bookmark(stream.position),), stream.position)
        if batch.messages:
            stream.bookmark_at = self._now() + stream.interval
        return batch

    def _push(self, stream: Stream) -> bool:
        """Tell a sleeping stream what changed; False where its handler has to go on with it."""
        feed, now = self._catalog.feed, self._now()
        if feed.closed or now >= stream.ends_at or not stream.call.ready():
            return False
        try:
            batch = self._batches.changes(stream.selection, feed, stream.position)
        except CompactedError:
            return False
        if len(batch.messages) > 1:
            return False
        stream.position = batch.reached
        for message in batch.messages:
            stream.call.send_now(message)
            if stream.call.ready():
                self.streams.has_written(stream)
            else:
                self.streams.begins_writing(stream)
            stream.bookmark_at = now + stream.interval
            self._note(stream, batch)
        return stream.position >= feed.newest

    def _changes(self, stream: Stream) -> Batch:
        if self._too_far_behind(stream):
            return self._reset(stream)
        try:
            batch = self._batches.changes(stream.selection, self._catalog.feed, stream.position)
        except CompactedError:
            # It was told more than nothing on this stream, so that it may go on here with everything.
            return self._reset(stream)
        stream.position = batch.reached
        return batch

    def _too_far_behind(self, stream: Stream) -> bool:
        # What a resumed stream missed before it began is in the history window, and it is told all of that.
        place = max(stream.position, stream.opened_at)
        missed = self._catalog.feed.newest - place
        return missed > 1 and (
            missed > self.limits.max_lag_revisions or self.streams.backlog.size_after(place) > self.limits.max_lag_bytes
        )

    def _reset(self, stream: Stream) -> Batch:
        self.resets += 1
        reset = self._batches.reset(stream.position)
        return Batch((reset, *self._snapshot(stream)), stream.position)

    async def _send(self, stream: Stream, messages: Iterable[bytes]) -> None:
        for message in messages:
            self.streams.begins_writing(stream)
            await stream.call.send(message)
        self.streams.has_written(stream)

    def _note(self, stream: Stream, batch: Batch) -> None:
        """Count how long the oldest revision in *batch* took, unless it is older than the stream."""
        if batch.first > stream.opened_at:
            made = self.streams.backlog.time_after(batch.first - 1)
            if made is not None:
                self.propagation.note(self._catalog.now() - made)

    def _resume_position(self, wanted: Watch) -> int | None:
        """Check where the stream is to begin, and return the position to resume from; None asks for a snapshot."""
        interval = wanted.bookmark_interval
        if interval is not None and interval < MIN_BOOKMARK_INTERVAL:
            raise InvalidArgumentError.of("bookmark_interval", f"is {interval} s; it must be at least 1 s")
        if wanted.resume_token and wanted.after_revision is not None:
            raise InvalidArgumentError.of("after_revision", "must be unset when resume_token is set")
        position = self._unsealed(wanted.resume_token) if wanted.resume_token else wanted.after_revision
        if position is not None and wanted.skip_snapshot:
            raise InvalidArgumentError.of("skip_snapshot", "must be false when the stream resumes: it has no snapshot")
        if position is not None and position < 0:
            raise InvalidArgumentError.of("after_revision", "must not be negative")
        return position

    def _unsealed(self, token: str) -> int:
        try:
            cluster, position = unseal("watch", token)
        except ValueError:
            raise InvalidArgumentError.of("resume_token", "is not a resume token of this service") from None
        if cluster != self._catalog.cluster_id:
            raise ForeignResumeTokenError("the resume token belongs to another store; watch from a snapshot")
        return int(position)
