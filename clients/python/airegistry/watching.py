"""Keeping a cache fed by Watch, and its last good view on disk."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import aclosing
from types import TracebackType
from typing import Self

from airegistry import background
from airegistry.backoff import Backoff
from airegistry.cache import Cache
from airegistry.client.follower import Follower, WatchUpdate
from airegistry.client.following import follow
from airegistry.client.messages import WatchEvent, WatchEventType, WatchFilter, WatchRequest
from airegistry.client.performances import Lane, follow_performance
from airegistry.client.registry import RegistryClient
from airegistry.expressions.expression import compile_expression
from airegistry.resources.resource import Resource
from airegistry.snapshots import Snapshot, SnapshotFile

log = logging.getLogger(__name__)

SAVE_INTERVAL = 30.0
"""Seconds between two writes of the snapshot, at least."""

_AT_ONCE = 100


class CacheFeeder:
    """Feeds a cache from a registry for as long as it runs: over cuts, restarts and compactions.

    What was measured comes beside it, and stays as it was told last while the registry is away or tells nothing of it.

    As a context manager it loads the last good view, runs in the background, and saves once more at the end. Who has a
    task group of its own calls `load`, runs `run` there, and calls `save`.
    """

    def __init__(
        self,
        client: RegistryClient,
        cache: Cache,
        *,
        file: SnapshotFile | None = None,
        filter: WatchFilter | None = None,  # noqa: A002 - the field's name
        save_interval: float = SAVE_INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cache = cache
        # The cache itself knows no protobuf, and expressions are about messages.
        cache.index.compile_filter = cache.index.compile_filter or compile_expression
        self._client = client
        self._file = file
        self._filter = filter
        self._save_interval = save_interval
        self._clock = clock
        self._follower = Follower(WatchRequest(filter))
        self._ready = asyncio.Event()
        self._changed = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.load()
        self._running = background.start(self.run(), "cache feeder")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop feeding, and save what is known."""
        await background.end(self._running)
        await self.save()

    async def load(self) -> None:
        """Show the last good view until the registry is heard of. It is stale from the start."""
        snapshot = None if self._file is None else await asyncio.to_thread(self._file.load)
        if snapshot is not None:
            self._follower = Follower(WatchRequest(self._filter, snapshot.resume_token), snapshot.resources)
            self.cache.replace(snapshot.resources, snapshot.revision)
            self._ready.set()

    async def run(self) -> None:
        """Feed the cache, without an end."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            group.create_task(self._follow_performance())
            group.create_task(self._save_now_and_then())

    async def wait_until_ready(self) -> None:
        """Wait until the cache shows something: the last good view, or the registry's."""
        await self._ready.wait()

    async def save(self) -> None:
        """Save the view, when there is a file for it and something new."""
        if self._file is None or not self._changed.is_set():
            return
        self._changed.clear()
        # Taken before the first await: the view and its position belong together.
        token = self._follower.request.resume_token
        snapshot = Snapshot(self.cache.revision, token, tuple(self.cache.resources()))
        try:
            await asyncio.to_thread(self._file.save, snapshot)
        except OSError as error:
            self._changed.set()
            log.warning("cannot save the snapshot %s: %s", self._file.path, error)
        except asyncio.CancelledError:
            # The thread goes on, but nobody will know how it ended.
            self._changed.set()
            raise

    async def _follow(self) -> None:
        # Never given up: a registry that refuses today may be repaired tomorrow, and until then the view is stale.
        updates = follow(self._client.watch_once, self._follower, Backoff(), give_up=False)
        async with aclosing(updates):
            async for update in updates:
                self._take(update)

    async def _follow_performance(self) -> None:
        lane = Lane(self._filter.name_prefix if self._filter is not None else "")
        updates = follow_performance(
            self._client.watch_performance_once, lane, Backoff(), reconnected=self._client.wait_for_reconnect
        )
        async with aclosing(updates):
            async for update in updates:
                for start in range(0, len(update.performances), _AT_ONCE):
                    self.cache.observe(update.performances[start : start + _AT_ONCE])
                    # Calls are under way beside it, and a snapshot has everybody.
                    await asyncio.sleep(0)
                self.cache.observe((), update.observation_epoch)

    def _take(self, update: WatchUpdate) -> None:
        self.cache.heard(self._clock())
        if update.snapshot:
            self.cache.replace(self._follower.known.values(), update.revision)
        else:
            puts, removed = _outcome(update.events)
            self.cache.apply(puts, removed, update.revision)
        self._changed.set()
        self._ready.set()

    async def _save_now_and_then(self) -> None:
        while True:
            await self._changed.wait()
            await self.save()
            await asyncio.sleep(self._save_interval)


def _outcome(events: Iterable[WatchEvent]) -> tuple[list[Resource], list[str]]:
    """Return what several revisions come to: what is there at the end, and what is gone."""
    last: dict[str, WatchEvent] = {event.resource.name: event for event in events if event.resource is not None}
    puts = [e.resource for e in last.values() if e.resource is not None and e.type is not WatchEventType.REMOVED]
    return puts, [name for name, event in last.items() if event.type is WatchEventType.REMOVED]
