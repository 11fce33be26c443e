"""What keeping observations asks of a store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from registry.observations.records import BatchKey, Epoch, Folded, Group, Loaded, Marks
from registry.observations.retention import Oldest
from registry.observations.rollups import Cell, RollupKey


class ObservationStore(Protocol):
    """Durable observations with a counter of their own, the observation epoch; nothing here touches the revision.

    Every method raises UnavailableError when the store cannot be reached; unless it says more, nothing was done then.
    """

    def now(self) -> float:
        """Return the time in seconds since 1970, by the store's clock."""
        ...

    async def load(self) -> Loaded:
        """Read all that windows are made of, as of one moment."""
        ...

    async def newest(self) -> tuple[int, float]:
        """Return the newest epoch that is committed, and its time."""
        ...

    async def since(self, epoch: int) -> Sequence[Epoch]:
        """Return the epochs after *epoch* (exclusive) that are still held, the oldest first and up to a bound.

        The newest epoch is always held: when the next one is not, it was dropped.
        """
        ...

    async def marks(self, batches: Collection[BatchKey]) -> Marks:
        """Return which of *batches* were counted, and the newest number that was counted of each reporter."""
        ...

    async def commit(self, group: Group) -> Epoch:
        """Make *group* durable as the next epoch, with its marks; drop marks that are too far behind to be asked for.

        Raises ClashError when one of the batches was counted meanwhile. After an UnavailableError it may be there: its marks
        say so.
        """
        ...

    async def tick(self, width: float) -> None:
        """Make an epoch without observations, unless there was one since the clock last passed a multiple of *width*."""
        ...

    async def unfolded(self, older_than: float, limit: int) -> tuple[Folded, Sequence[Epoch]]:
        """Return how far each shard is folded, and the next epochs after the least of it, made before *older_than*.

        They are at most *limit*.
        """
        ...

    async def kept(self, keys: Collection[RollupKey]) -> Mapping[RollupKey, Cell]:
        """Return those of the rollups *keys* that are kept."""
        ...

    async def fold(self, shard: int, after: int, through: int, rollups: Mapping[RollupKey, Cell]) -> None:
        """Keep *rollups* of one shard in the place of those that were: the epochs after *after* up to *through* are in them.

        Raises ClashError when somebody else did that meanwhile: nobody but who folds changes what is kept.
        """
        ...

    async def rollups(self, uid: str, step: int, start: int, end: int) -> Sequence[tuple[int, Cell]]:
        """Return the rollups of one target that start from *start* (inclusive) to *end* (exclusive), in order."""
        ...

    async def reporters(self, limit: int) -> Collection[str]:
        """Return the reporters of which batches are remembered, at most *limit*."""
        ...

    async def forget(self, oldest: Oldest, limit: int) -> int:
        """Drop what is older than *oldest* says, at most *limit* rows of each kind; return how many that were."""
        ...
