"""Everything that is registered, and the way to change it."""

from __future__ import annotations

import asyncio
from typing import Self

from airegistry.discovery.index import Index
from airegistry.discovery.naming import NameTable
from registry import upkeep
from registry.entries import Entries
from registry.entry import Entry
from registry.feed import Feed
from registry.history import Event, Revision
from registry.leases import Leases
from registry.planning.deregister import order_deregister
from registry.planning.expiry import Expired, order_expiry
from registry.planning.heartbeat import order_heartbeat
from registry.planning.plan import State
from registry.planning.register import order_register
from registry.planning.update import order_update
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
from registry.store.base import Store
from registry.store.records import Contents, Write
from registry.upkeep import Upkeep
from registry.writer import Writer


class Catalog:
    """The published state of one store: the entries, their order of change, leases and discovery, all at one revision.

    Reads are synchronous and see one revision as long as the reader does not await. Writes go through one queue; when a
    write returns, it is durable and every read sees it.
    """

    def __init__(self, store: Store, contents: Contents, *, index: Index, names: NameTable) -> None:
        self.cluster_id = store.cluster_id
        self.entries = Entries(contents.entries)
        self.feed = Feed(after=contents.compacted)
        self.leases = Leases(store.now)
        self.index = index
        self.names = names
        self._store = store
        self._writer = Writer(store, State(self.entries, self.leases, self.feed, store.now), self._publish)
        self._fill(contents)

    @classmethod
    async def open(cls, store: Store, *, index: Index, names: NameTable) -> Self:
        """Read *store* into memory. The caller runs `run`, and closes the store after it."""
        return cls(store, await store.load(), index=index, names=names)

    @property
    def revision(self) -> int:
        """The newest revision."""
        return self.feed.newest

    @property
    def queued_writes(self) -> int:
        """How many writes wait."""
        return len(self._writer)

    def snapshot(self) -> tuple[int, Entries]:
        """Return the revision and the entries at it. They are the live ones: use them before the next await."""
        return self.revision, self.entries

    def at(self, revision: int) -> Entries:
        """Return the entries as they were at *revision*.

        Those of the newest revision are the live ones: use them before the next await. Raises CompactedError or
        RevisionInFutureError when the history does not reach there.
        """
        overrides: dict[str, Entry | None] = {}
        for past in self.feed.since(revision):
            overrides.update((event.name, event.old) for event in past.events)
        return self.entries.copy_with(overrides) if overrides else self.entries

    async def register(self, batch: RegisterBatch) -> RegisterResult:
        """Create or replace resources, all or none of them."""
        return await self._writer.submit(order_register(batch))

    async def update(self, update: Update) -> UpdateResult:
        """Change the named fields of one resource."""
        return await self._writer.submit(order_update(update))

    async def deregister(self, request: Deregistration) -> DeregisterResult:
        """Remove one resource, and its children."""
        return await self._writer.submit(order_deregister(request))

    async def heartbeat(self, batch: HeartbeatBatch) -> HeartbeatResult:
        """Renew leases and take in what their holder reports."""
        return await self._writer.submit(order_heartbeat(batch))

    async def expire(self) -> Expired:
        """Take the next step with leases that nobody renewed; `run` does it all the time."""
        return await self._writer.submit(order_expiry())

    async def run(self, settings: Upkeep | None = None) -> None:
        """Write what is asked for, and keep house, until cancelled. Writes wait until this runs.

        When it ends by itself, something broke that must end the process.
        """
        settings = settings or Upkeep()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._writer.run())
            tasks.create_task(
                upkeep.sweep(self.expire, self.leases, interval=settings.sweep_interval, now=self._store.now)
            )
            tasks.create_task(upkeep.compact(self.feed, self._store, settings))

    def _fill(self, contents: Contents) -> None:
        for revision in contents.history:
            self.feed.append(revision)
        if self.revision != contents.revision:
            raise RuntimeError(f"the history ends at {self.revision}, the store is at {contents.revision}")
        self.leases.replace(contents.leases)
        # Nobody could renew while the registry was away.
        self.leases.forgive()
        resources = [entry.resource for entry in contents.entries]
        self.index.replace(resources, self.revision)
        self.names.replace(resources)

    def _publish(self, write: Write, revision: int) -> None:
        """Let readers see what was committed. Called once per write, in the order of revisions."""
        for lease in write.leases:
            self.leases.put(lease)
        for name in write.ended_leases:
            self.leases.drop(name)
        if not write.changes:
            return
        events = tuple(
            Event(revision, change.name, change.old, change.new.at(revision) if change.new is not None else None)
            for change in write.changes
        )
        puts = [event.new for event in events if event.new is not None]
        removed = [event.name for event in events if event.new is None]
        resources = [entry.resource for entry in puts]
        self.entries.apply(puts, removed)
        self.index.apply(resources, removed, revision)
        self.names.apply(resources, removed)
        self.feed.append(Revision(revision, events, self._store.now()))
