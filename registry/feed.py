"""The ordered history of changes, and the readers who follow it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

from airegistry.errors import CompactedError, DeadlineExceededError, RevisionInFutureError, UnavailableError
from registry.history import Revision

MAX_STEP_REVISIONS = 1_000
MAX_STEP_EVENTS = 4_000
"""What a reader gets at once, at most; a single revision comes whole even when it is larger."""


class Feed:
    """The revisions that are still held, the oldest first.

    Every reader keeps its own place in this one list, so a slow one costs nothing and slows nobody. One that is
    overtaken by compaction is told so. There is one writer, and no lock: everything here runs between awaits.
    """

    def __init__(self, after: int = 0) -> None:
        self._revisions: list[Revision] = []
        self._before = after
        self._size = 0
        self._grew = asyncio.Event()
        self._closed = False

    @property
    def newest(self) -> int:
        """The revision up to which everything is known."""
        return self._before + len(self._revisions)

    @property
    def oldest(self) -> int:
        """The first revision still held; one more than `newest` when none is."""
        return self._before + 1

    @property
    def size(self) -> int:
        """The serialized bytes of all that is held."""
        return self._size

    @property
    def closed(self) -> bool:
        """Whether there will be no more."""
        return self._closed

    def append(self, revision: Revision) -> None:
        """Add the next revision and wake the readers."""
        if revision.number != self.newest + 1:
            raise ValueError(f"revision {revision.number} cannot follow {self.newest}")
        self._revisions.append(revision)
        self._size += revision.size
        self._wake()

    def replace(self, after: int, revisions: Iterable[Revision]) -> None:
        """Hold exactly *revisions*, which come after *after*; readers go on if their place is still held."""
        self._revisions = list(revisions)
        self._before = after
        self._size = sum(revision.size for revision in self._revisions)
        self._wake()

    def since(self, after: int) -> Iterable[Revision]:
        """Return the revisions after *after* (exclusive), the newest first."""
        self._check(after)
        return reversed(self._revisions[after - self._before :])

    def expired(self, *, keep_revisions: int, older_than: float, max_bytes: int, limit: int) -> int:
        """Return the last revision that may be forgotten: beyond *keep_revisions* and made before *older_than*.

        As long as more than *max_bytes* are held, the oldest go whatever the other two say. At most *limit* revisions are
        named at once; what has been forgotten already when there are none.
        """
        beyond = len(self._revisions) - keep_revisions
        excess = self._size - max_bytes
        for index, revision in enumerate(self._revisions[:limit]):
            if excess <= 0 and (index >= beyond or revision.time >= older_than):
                return self._before + index
            excess -= revision.size
        return self._before + min(limit, len(self._revisions))

    def forget(self, through: int) -> None:
        """Drop the revisions up to *through* (inclusive)."""
        gone = min(max(0, through - self._before), len(self._revisions))
        self._size -= sum(revision.size for revision in self._revisions[:gone])
        del self._revisions[:gone]
        self._before += gone

    def ready(self, after: int) -> tuple[Revision, ...]:
        """Return the revisions after *after* (exclusive) that are known, up to a bound; raises as `follow` does."""
        self._check(after)
        start = after - self._before
        ready: list[Revision] = []
        events = 0
        for revision in self._revisions[start : start + MAX_STEP_REVISIONS]:
            events += len(revision.events)
            if ready and events > MAX_STEP_EVENTS:
                break
            ready.append(revision)
        return tuple(ready)

    async def follow(self, after: int) -> AsyncIterator[tuple[Revision, ...]]:
        """Yield the revisions after *after* (exclusive), each time all that are ready, up to a bound; end at `close`.

        Raises CompactedError when *after*, or the place reached since, is no longer held, and RevisionInFutureError when
        it has not happened yet.
        """
        while not self._closed:
            grew = self._grew  # taken before looking, so that no append is missed
            if ready := self.ready(after):
                after = ready[-1].number
                yield ready
            else:
                await grew.wait()

    async def wait_for(self, revision: int, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the caller's deadline
        """Wait until *revision* is known; DeadlineExceededError after *timeout* seconds."""
        try:
            async with asyncio.timeout(timeout):
                while self.newest < revision:
                    if self._closed:
                        raise UnavailableError("the registry is shutting down")
                    await self._grew.wait()
        except TimeoutError:
            raise DeadlineExceededError(
                f"revision {revision} was not reached in time; the newest is {self.newest}",
                metadata={"current_revision": str(self.newest)},
            ) from None

    def close(self) -> None:
        """End all readers, without an error."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        grew, self._grew = self._grew, asyncio.Event()
        grew.set()

    def _check(self, after: int) -> None:
        """Refuse a place that is outside what is held."""
        if after < self._before:
            raise CompactedError(
                f"the history begins after revision {self._before}; {after} is gone",
                metadata={"compact_revision": str(self._before), "current_revision": str(self.newest)},
            )
        if after > self.newest:
            raise RevisionInFutureError(
                f"revision {after} has not happened; the newest is {self.newest}",
                metadata={"current_revision": str(self.newest)},
            )
