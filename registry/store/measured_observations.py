"""A store of observations that tells how long it took."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping, Sequence
from typing import Protocol, TypeVar

from registry.observations.base import ObservationStore
from registry.observations.records import BatchKey, Epoch, Folded, Group, Loaded, Marks
from registry.observations.retention import Oldest
from registry.observations.rollups import Cell, RollupKey

T = TypeVar("T")


class Timed(Protocol):
    """Awaits something, and notes how long it took."""

    def __call__(self, operation: str, doing: Awaitable[T], /) -> Awaitable[T]:
        """Return what *doing* returns."""
        ...


class MeasuredObservations:
    """The store that it is given, with a clock beside it."""

    def __init__(self, store: ObservationStore, timed: Timed) -> None:
        self.now = store.now
        self._store = store
        self._timed = timed

    async def load(self) -> Loaded:
        """Read all that windows are made of."""
        return await self._timed("observations_load", self._store.load())

    async def newest(self) -> tuple[int, float]:
        """Return the newest epoch, and its time."""
        return await self._timed("observations_newest", self._store.newest())

    async def since(self, epoch: int) -> Sequence[Epoch]:
        """Return the epochs after *epoch* (exclusive)."""
        return await self._timed("observations_since", self._store.since(epoch))

    async def marks(self, batches: Collection[BatchKey]) -> Marks:
        """Return which of *batches* were counted."""
        return await self._timed("observations_marks", self._store.marks(batches))

    async def commit(self, group: Group) -> Epoch:
        """Make *group* durable."""
        return await self._timed("observations_commit", self._store.commit(group))

    async def tick(self, width: float) -> None:
        """Make an epoch without observations, where one is due."""
        await self._timed("observations_tick", self._store.tick(width))

    async def unfolded(self, older_than: float, limit: int) -> tuple[Folded, Sequence[Epoch]]:
        """Return what is in no rollup yet."""
        return await self._timed("observations_unfolded", self._store.unfolded(older_than, limit))

    async def kept(self, keys: Collection[RollupKey]) -> Mapping[RollupKey, Cell]:
        """Return those of the rollups *keys* that are kept."""
        return await self._timed("observations_kept", self._store.kept(keys))

    async def fold(self, shard: int, after: int, through: int, rollups: Mapping[RollupKey, Cell]) -> None:
        """Keep rollups."""
        await self._timed("observations_fold", self._store.fold(shard, after, through, rollups))

    async def rollups(self, uid: str, step: int, start: int, end: int) -> Sequence[tuple[int, Cell]]:
        """Return the rollups of one target."""
        return await self._timed("observations_rollups", self._store.rollups(uid, step, start, end))

    async def reporters(self, limit: int) -> Collection[str]:
        """Return the reporters of which batches are remembered."""
        return await self._timed("observations_reporters", self._store.reporters(limit))

    async def forget(self, oldest: Oldest, limit: int) -> int:
        """Drop what is old."""
        return await self._timed("observations_forget", self._store.forget(oldest, limit))
