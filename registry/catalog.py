"""Everything that is registered, and the way to change it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from math import inf
from typing import Self

from airegistry.discovery.index import Index
from airegistry.discovery.naming import NameTable
from registry import upkeep
from registry.entries import Entries
from registry.feed import Feed
from registry.leases import Due
from registry.planning.deregister import order_deregister
from registry.planning.expiry import Expired, order_expiry
from registry.planning.heartbeat import order_heartbeat
from registry.planning.probing import order_verdicts
from registry.planning.register import order_register
from registry.planning.update import order_update
from registry.probes.verdict import Verdict
from registry.requests import (
    DeregisterResult,
    Deregistration,
    HeartbeatBatch,
    HeartbeatResult,
    RegisterBatch,
    RegisterResult,
    Update,
    UpdateResult,
)
from registry.shared_read import SharedRead
from registry.store.base import Store
from registry.store.records import Contents
from registry.tail import Tail
from registry.upkeep import Upkeep
from registry.view import View
from registry.writer import Writer

log = logging.getLogger(__name__)


class Catalog:
    """The published state of one store, and its changes.

    Reads are synchronous and see one revision as long as the reader does not await. Writes go through one queue; when a
    write returns, it is durable, and every read here sees it. Other replicas may be a moment behind: who must see what was
    acknowledged elsewhere waits for `catch_up`.
    """

    def __init__(self, store: Store, contents: Contents, *, index: Index, names: NameTable) -> None:
        self.cluster_id = store.cluster_id
        self.index = index
        self.names = names
        self.due = Due()
        self.sweeping = False
        self._store = store
        self._view = View(contents, index=index, names=names)
        self.tail = Tail(store, self._view)
        self.writer = Writer(store, self._view, self.tail)
        self._newest = SharedRead(store.newest)

    @classmethod
    async def open(cls, store: Store, *, index: Index, names: NameTable) -> Self:
        """Read *store* into memory. The caller runs `run`, and closes the store after it."""
        return cls(store, await store.load(), index=index, names=names)

    @property
    def entries(self) -> Entries:
        """The current entries. They are the live ones: use them before the next await."""
        return self._view.entries

    @property
    def feed(self) -> Feed:
        """The history."""
        return self._view.feed

    @property
    def revision(self) -> int:
        """The newest revision that is shown."""
        return self._view.revision

    def now(self) -> float:
        """Return the store's time, in seconds since 1970."""
        return self._store.now()

    def at(self, revision: int) -> Entries:
        """Return the entries as they were at *revision*.

        Those of the newest revision are the live ones: use them before the next await. Raises CompactedError or
        RevisionInFutureError when the history does not reach there.
        """
        return self._view.at(revision)

    async def catch_up(self) -> int:
        """Show everything that was acknowledged before this was called, by any replica; return the revision of that.

        Raises UnavailableError when the store cannot be asked.
        """
        if not self._store.shared:
            return self.revision
        newest = await self._newest()
        await self.tail.reach(newest)
        return newest

    async def register(self, batch: RegisterBatch) -> RegisterResult:
        """Create or replace resources, all or none of them."""
        return await self.writer.submit(order_register(batch))

    async def update(self, update: Update) -> UpdateResult:
        """Change the named fields of one resource."""
        return await self.writer.submit(order_update(update))

    async def deregister(self, request: Deregistration) -> DeregisterResult:
        """Remove one resource, and its children."""
        return await self.writer.submit(order_deregister(request))

    async def heartbeat(self, batch: HeartbeatBatch) -> HeartbeatResult:
        """Renew leases and take in what their holder reports."""
        return await self.writer.submit(order_heartbeat(batch))

    async def show_verdicts(self, verdicts: Sequence[Verdict]) -> None:
        """Show what probes found out about endpoints."""
        await self.writer.submit(order_verdicts(verdicts))

    async def expire(self, *, away: float = inf) -> Expired:
        """Take the next step with leases that nobody renewed; `run` does it all the time.

        When the last pass was more than *away* seconds ago, nobody could renew: every lease counts as renewed now.
        """
        preserving = self.due.preserving
        due = await self._store.due(away=away)
        # Another replica sweeps, and knows.
        self.sweeping = due is not None
        self.due = due or Due()
        if self.due.preserving != preserving:
            _tell_preserving(self.due)
        return await self.writer.submit(order_expiry(due)) if due is not None and due.leases else Expired()

    async def run(self, settings: Upkeep | None = None) -> None:
        """Write what is asked for, follow what others write, and keep house, until cancelled. Writes wait until this runs.

        When it ends by itself, something broke that must end the process.
        """
        settings = settings or Upkeep()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.writer.run())
            tasks.create_task(self.tail.run())
            tasks.create_task(upkeep.sweep(partial(self.expire, away=settings.away), settings.sweep_interval))
            tasks.create_task(upkeep.compact(self.feed, self._store, settings))


def _tell_preserving(due: Due) -> None:
    if due.preserving:
        log.error(
            "%d of %d leases are overdue: too many at once to be believed, so none of them ends", due.overdue, due.total
        )
    else:
        log.warning("%d of %d leases are overdue: they may end again", due.overdue, due.total)
