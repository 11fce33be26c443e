"""What the catalog asks of a store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from registry.store.records import Contents, SavedReply, Write


class Store(Protocol):
    """Durable state with one ordered history. What has been acknowledged survives a crash; nothing is ever half there."""

    @property
    def cluster_id(self) -> str:
        """The id of this store, given when it was made; resume tokens carry it."""
        ...

    def now(self) -> float:
        """Return the time in seconds since 1970, by the clock that leases and timestamps go by."""
        ...

    async def load(self) -> Contents:
        """Read everything."""
        ...

    async def commit(self, writes: Sequence[Write]) -> list[int]:
        """Make *writes* durable in one transaction; return the revision of each.

        Revisions are gapless, in the order of the writes. A write without changes gets the revision that it follows. Raises
        UnavailableError when nothing was written.
        """
        ...

    async def replies(self, request_ids: Collection[str]) -> Mapping[str, SavedReply]:
        """Return the saved replies among *request_ids*."""
        ...

    async def forget_replies(self, *, older_than: float, limit: int) -> int:
        """Drop at most *limit* replies saved before *older_than*; return how many were dropped."""
        ...

    async def compact(self, through: int) -> None:
        """Drop the history up to *through* (inclusive)."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of the data."""
        ...
