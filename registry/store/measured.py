"""A store that tells how long it took."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Awaitable, Collection, Sequence
from typing import TypeVar

from airegistry.errors import UnavailableError
from registry.leases import Due
from registry.store.base import Store
from registry.store.measured_observations import MeasuredObservations
from registry.store.records import Basis, Committed, Contents, Expected, Logged, Write

T = TypeVar("T")

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Latencies:
    """How often each operation took how long: counts by bucket of BOUNDS, sums in seconds, and failures."""

    def __init__(self) -> None:
        self.buckets: dict[str, list[int]] = {}
        self.seconds: dict[str, float] = {}
        self.failures: dict[str, int] = {}

    def note(self, operation: str, seconds: float, *, failed: bool) -> None:
        """Count one."""
        buckets = self.buckets.setdefault(operation, [0] * (len(BOUNDS) + 1))
        buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds[operation] = self.seconds.get(operation, 0.0) + seconds
        self.failures[operation] = self.failures.get(operation, 0) + failed


class MeasuredStore:
    """The store that it is given, with a clock beside it."""

    def __init__(self, store: Store) -> None:
        self.latencies = Latencies()
        self.cluster_id = store.cluster_id
        self.shared = store.shared
        self.replica_id = store.replica_id
        self.now = store.now
        self.changed = store.changed
        self.close = store.close
        self.observations = MeasuredObservations(store.observations, self._timed)
        self._store = store

    @property
    def replicas(self) -> Sequence[str]:
        """The processes on this store."""
        return self._store.replicas

    async def load(self) -> Contents:
        """Read everything that is published."""
        return await self._timed("load", self._store.load())

    async def newest(self) -> int:
        """Return the newest revision that is committed."""
        return await self._timed("newest", self._store.newest())

    async def since(self, revision: int) -> Sequence[Logged]:
        """Return what the log has after *revision* (exclusive)."""
        return await self._timed("since", self._store.since(revision))

    async def basis(self, leases: Collection[str], request_ids: Collection[str]) -> Basis:
        """Return what a group of requests is decided on."""
        return await self._timed("basis", self._store.basis(leases, request_ids))

    async def commit(self, writes: Sequence[Write], expected: Expected) -> Committed:
        """Make *writes* durable in one transaction."""
        return await self._timed("commit", self._store.commit(writes, expected))

    async def due(self, *, away: float) -> Due | None:
        """Find the leases whose next step is due."""
        return await self._timed("due", self._store.due(away=away))

    async def forget_replies(self, *, older_than: float, limit: int) -> int:
        """Drop saved replies."""
        return await self._timed("forget_replies", self._store.forget_replies(older_than=older_than, limit=limit))

    async def compact(self, through: int) -> None:
        """Drop history."""
        await self._timed("compact", self._store.compact(through))

    async def _timed(self, operation: str, doing: Awaitable[T]) -> T:
        started = time.perf_counter()
        failed = False
        try:
            return await doing
        except UnavailableError:
            failed = True
            raise
        finally:
            self.latencies.note(operation, time.perf_counter() - started, failed=failed)
