"""What a fake registry holds: the whole state as of every revision."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from airegistry.cache import Cache
from airegistry.errors import CompactedError, RevisionInFutureError
from airegistry.expressions.expression import compile_expression
from airegistry.resources.resource import Resource

View = Mapping[str, Resource]


@dataclass(frozen=True, slots=True)
class FakeLease:
    """A lease that ends when a test says so."""

    owner_id: str
    ttl: float


class History:
    """One state per revision: wasteful, and so simple that it can be trusted to be right."""

    def __init__(self) -> None:
        self.store_id = uuid.uuid4().hex
        self.cache = Cache(lambda: datetime.now(UTC), compile_filter=compile_expression)
        self.leases: dict[str, FakeLease] = {}
        self.heard: Callable[[str, float | None], None] = lambda _name, _load: None
        self.closed = False
        self.oldest = 0
        self.resets = 0
        self._views: dict[int, View] = {0: {}}
        self._grew = asyncio.Event()

    @property
    def revision(self) -> int:
        """The newest revision."""
        return self.cache.revision

    def at(self, revision: int) -> View:
        """Return what was registered as of *revision*, or raise why that is not known."""
        if revision > self.revision:
            metadata = {"current_revision": str(self.revision)}
            raise RevisionInFutureError(f"revision {revision} has not happened", metadata=metadata)
        if revision < self.oldest:
            metadata = {"compact_revision": str(self.oldest), "current_revision": str(self.revision)}
            raise CompactedError(f"revision {revision} is gone", metadata=metadata)
        return self._views[revision]

    def commit(self, changes: Mapping[str, Resource | None]) -> None:
        """Make one revision of the changes, None for what is gone; no changes make none."""
        if not changes:
            return
        revision = self.revision + 1
        view = {name: resource for name, resource in self.at(self.revision).items() if name not in changes}
        puts = [self._stamped(resource, revision) for resource in changes.values() if resource is not None]
        removed = [name for name, resource in changes.items() if resource is None]
        view.update((resource.name, resource) for resource in puts)
        self._views[revision] = dict(sorted(view.items()))
        for name in removed:
            self.leases.pop(name, None)
        self.cache.apply(puts, removed, revision)
        self.wake()

    def expire(self, names: Iterable[str]) -> None:
        """End leases: their resources are gone."""
        self.commit({name: None for name in names if name in self.leases})

    def compact(self) -> None:
        """Forget every revision but the newest."""
        self.oldest = self.revision
        self._views = {self.revision: self._views[self.revision]}

    def reset(self) -> None:
        """Have every reader begin anew, as if it had fallen too far behind."""
        self.resets += 1
        self.wake()

    def open(self) -> None:
        """Let readers follow."""
        self.closed = False

    def close(self) -> None:
        """End all readers."""
        self.closed = True
        self.wake()

    async def grown(self, after: int, *, within: float | None) -> bool:
        """Wait until there is more than *after*, a reset or the end; say false when nothing came in time."""
        resets = self.resets
        try:
            async with asyncio.timeout(within):
                while self.revision <= after and resets == self.resets and not self.closed:
                    await self.woken()
        except TimeoutError:
            return False
        return True

    async def woken(self) -> None:
        """Wait until there is something for a reader to look at."""
        await self._grew.wait()

    def wake(self) -> None:
        """Have every reader look for what is new to it."""
        grew, self._grew = self._grew, asyncio.Event()
        grew.set()

    def _stamped(self, resource: Resource, revision: int) -> Resource:
        old = self.cache.get(resource.name)
        now = datetime.now(UTC)
        return replace(
            resource,
            uid=old.uid if old is not None else uuid.uuid4().hex,
            revision=revision,
            etag=f"{revision}-{resource.name}",
            create_time=old.create_time if old is not None else now,
            update_time=now,
        )
