"""Watch: a snapshot at one revision, spliced onto the history that follows it.

The promises (Ordered, Unique, Atomic, Reliable, Resumable, Bookmarkable, Filtered) are stated in `docs/guarantees.md`. A
watcher has no queue: it keeps its place in the feed, and gRPC holds it at its `yield` while its peer does not read.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from airegistry._convert import from_pb
from airegistry._rpc.call import Call
from airegistry.errors import ForeignResumeTokenError, InvalidArgumentError, OverloadedError
from airegistry.v1 import registry_service_pb2 as pb
from registry.catalog import Catalog
from registry.rpc.batches import Batches
from registry.rpc.requests import Watch
from registry.rpc.selection import Selection, open_selection
from registry.rpc.tokens import unseal

DEFAULT_BOOKMARK_INTERVAL = 10.0
MIN_BOOKMARK_INTERVAL = 1.0
DEFAULT_MAX_AGE = 1800.0
DEFAULT_MAX_STREAMS = 20_000
# For how long a watcher that found no place stays away, in seconds.
_FULL_RETRY = 5.0
# A stream lives for a random share of its greatest age, so that streams opened together do not come back together.
_LEAST_SHARE_OF_AGE = 0.8
# For how long the streams are left in peace after a change, in seconds: for each stream (a delivery takes about half of
# it, the rest is for everything else), and at most.
_PAUSE = 100e-6
_MAX_PAUSE = 0.5
_TICK = 0.1


@dataclass(slots=True, eq=False)
class _Stream:
    """One stream: what it selects, the revision up to which it was told, and when it has to say or do something."""

    selection: Selection
    interval: float
    ends_at: float
    bookmark_at: float
    position: int = 0
    asleep: asyncio.Future[None] | None = None

    def wake(self) -> None:
        """Let the stream look whether there is something to do."""
        if self.asleep is not None and not self.asleep.done():
            self.asleep.set_result(None)


class Watches:
    """The handler of Watch; the owner runs `run`, which wakes the streams.

    *max_age* is the longest life of a stream, in seconds by *now*; *max_streams* may be open at once.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        now: Callable[[], float] = time.monotonic,
        max_age: float = DEFAULT_MAX_AGE,
        max_streams: int = DEFAULT_MAX_STREAMS,
    ) -> None:
        self._catalog = catalog
        self._max_streams = max_streams
        self._now = now
        self._max_age = max_age
        self._batches = Batches(catalog.cluster_id)
        self._streams: set[_Stream] = set()
        self._announced = catalog.revision

    @property
    def count(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    @property
    def lag(self) -> int:
        """How many revisions the slowest stream is behind."""
        newest = self._catalog.feed.newest
        return max((newest - stream.position for stream in self._streams), default=0)

    async def run(self) -> None:
        """Wake the streams when something changed, and when a time of theirs has come; until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._wake_on_change())
            tasks.create_task(self._wake_when_due())

    async def watch(self, request: pb.WatchRequest, _call: Call) -> AsyncIterator[bytes]:
        """Stream what matches, then every change to it."""
        wanted = from_pb(Watch, request, strict=True)
        resume = self._resume_position(wanted)
        if len(self._streams) >= self._max_streams:
            raise OverloadedError(f"{self._max_streams} watches are open, which is the limit", retry_after=_FULL_RETRY)
        stream = self._open(wanted)
        self._streams.add(stream)
        try:
            if resume is None:
                for message in self._snapshot(stream, skip=wanted.skip_snapshot):
                    yield message
            else:
                stream.position = resume
            while True:
                messages = self._next(stream)
                for message in messages:
                    yield message
                # Asked after sending: what was ready when the feed closed still goes out before the last bookmark.
                if self._catalog.feed.closed or self._now() >= stream.ends_at:
                    break
                await self._sleep(stream, idle=not messages)
            yield self._batches.bookmark(stream.position)
        finally:
            self._streams.discard(stream)

    def _open(self, wanted: Watch) -> _Stream:
        now = self._now()
        age = self._max_age * random.uniform(_LEAST_SHARE_OF_AGE, 1)
        interval = wanted.bookmark_interval or DEFAULT_BOOKMARK_INTERVAL
        return _Stream(open_selection(wanted.filter), interval, ends_at=now + age, bookmark_at=now + interval)

    def _snapshot(self, stream: _Stream, *, skip: bool) -> tuple[bytes, ...]:
        """Place *stream* at the current revision; return the snapshot as of that, encoded before anything can change."""
        stream.position = revision = self._catalog.revision
        end = self._batches.snapshot_end(revision)
        if skip:
            return (end,)
        entries = self._catalog.entries.under(stream.selection.prefix)
        return (*self._batches.snapshot(stream.selection, entries, revision).messages, end)

    def _next(self, stream: _Stream) -> tuple[bytes, ...]:
        """Return what there is to send now, and move the stream on."""
        messages: tuple[bytes, ...] = ()
        if stream.position != self._catalog.feed.newest:
            batch = self._batches.changes(stream.selection, self._catalog.feed, stream.position)
            messages, stream.position = batch.messages, batch.reached
        if not messages and self._now() >= stream.bookmark_at:
            messages = (self._batches.bookmark(stream.position),)
        if messages:
            stream.bookmark_at = self._now() + stream.interval
        return messages

    async def _sleep(self, stream: _Stream, *, idle: bool) -> None:
        """Wait until the stream is woken, unless it is behind what was announced already."""
        if stream.position < self._announced:
            if idle:
                # A filter that matches nothing of a long history must not keep everybody else waiting.
                await asyncio.sleep(0)
            return
        stream.asleep = asyncio.get_running_loop().create_future()
        await stream.asleep
        stream.asleep = None

    async def _wake_on_change(self) -> None:
        # The streams are told of changes no faster than they can be served. Otherwise each revision of a burst would go to
        # all of them before the next request is even read; so they find all of it, and send it as one message.
        async for _ in self._catalog.feed.follow(self._announced):
            self._announced = self._catalog.feed.newest
            self._wake_all()
            await asyncio.sleep(min(len(self._streams) * _PAUSE, _MAX_PAUSE))
        self._wake_all()

    def _wake_all(self) -> None:
        for stream in self._streams:
            stream.wake()

    async def _wake_when_due(self) -> None:
        # One timer for all streams: a timeout around each wait costs more than the delivery itself.
        while True:
            await asyncio.sleep(_TICK)
            now = self._now()
            for stream in self._streams:
                if now >= min(stream.bookmark_at, stream.ends_at):
                    stream.wake()

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
