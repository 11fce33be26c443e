"""What the catalog asks of a store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from registry.leases import Due
from registry.observations.base import ObservationStore
from registry.store.records import Basis, Committed, Contents, Expected, Logged, Write


class Store(Protocol):
    """Durable state with one ordered history. What has been acknowledged survives a crash; nothing is ever half there.

    Every method raises UnavailableError when the store cannot be reached; unless it says more, nothing was done then.
    """

    @property
    def cluster_id(self) -> str:
        """The id of this store, given when it was made; resume tokens carry it."""
        ...

    @property
    def shared(self) -> bool:
        """Whether other processes write to it, too."""
        ...

    @property
    def replica_id(self) -> str:
        """Which of the processes on this store this one is."""
        ...

    @property
    def replicas(self) -> Sequence[str]:
        """The processes on this store, as of the last pass of the sweep; this one is among them."""
        ...

    @property
    def observations(self) -> ObservationStore:
        """What was measured."""
        ...

    def now(self) -> float:
        """Return the time in seconds since 1970, by the clock that leases and timestamps go by."""
        ...

    async def load(self) -> Contents:
        """Read everything that is published."""
        ...

    async def newest(self) -> int:
        """Return the newest revision that is committed."""
        ...

    async def since(self, revision: int) -> Sequence[Logged]:
        """Return what the log has after *revision* (exclusive), the oldest first and up to a bound."""
        ...

    async def changed(self) -> None:
        """Wait until somebody else may have written something; a hint that may come late, often or in vain."""
        ...

    async def basis(self, leases: Collection[str], request_ids: Collection[str]) -> Basis:
        """Return the newest revision, with those of the *leases* and of the replies to *request_ids* that there are."""
        ...

    async def commit(self, writes: Sequence[Write], expected: Expected) -> Committed:
        """Make *writes* durable in one transaction.

        Revisions are gapless, in the order of the writes. A write without changes gets the revision that it follows. Raises
        StaleError when something is not as *expected*.
        """
        ...

    async def due(self, *, away: float) -> Due | None:
        """Find the leases whose next step is due; None when another process sweeps.

        When the last pass was more than *away* seconds ago, nobody could renew: every lease counts as renewed now.
        """
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
