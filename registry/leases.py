"""Who holds which resource, until when, and when that is no longer believed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from airegistry.resources.resource import Liveness

MIN_REMOVAL = 60.0
"""The shortest time, in seconds, between the last renewal of a lease and the removal of its resource."""

MAX_SHARE_PER_PASS = 0.05
MIN_PER_PASS = 10
"""How many leases one pass may end: a share of all, or a few when there are few."""

PRESERVE_SHARE = 0.15
PRESERVE_MIN = 10
"""When more than this share, and at least so many, are overdue at once, it is more likely that we cannot see them than that
they are gone: nothing ends then."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A time to live that its owner renews. Times are in seconds since 1970 by the store's clock.

    `renewed_at` is None for one that is renewed when it is written. `liveness` is LIVE until the time to live runs out
    unrenewed. `seq` is another one after every write, as long as the store lives: whoever writes a lease says which one
    it read. `load` (0 to 1) is what the holder said last, None when it said nothing.
    """

    name: str
    owner_id: str
    ttl: float
    renewed_at: float | None = None
    liveness: Liveness = Liveness.LIVE
    seq: int = 0
    load: float | None = None

    def renewed(self, load: float | None = None) -> Lease:
        """Return the lease with its whole time to live ahead of it."""
        return replace(self, renewed_at=None, liveness=Liveness.LIVE, load=load)


@dataclass(frozen=True, slots=True)
class Due:
    """What a pass over all leases found: those whose next step is due, in random order and capped.

    `overdue` counts the leases not renewed within their time to live, `total` all of them; `late` is for how many seconds
    the next step of the most overdue one has been due. `epoch` proves that this replica was the sweeper.
    """

    leases: tuple[Lease, ...] = ()
    overdue: int = 0
    total: int = 0
    late: float = 0.0
    epoch: int = 0

    @property
    def preserving(self) -> bool:
        """Whether so many are overdue that none of them may end."""
        return self.overdue >= PRESERVE_MIN and self.overdue > self.total * PRESERVE_SHARE


class Leases:
    """The leases that a decision is about, as the store has them."""

    def __init__(self, leases: Iterable[Lease], now: Callable[[], float]) -> None:
        self._leases = {lease.name: lease for lease in leases}
        self._now = now

    def get(self, name: str) -> Lease | None:
        """Return the lease on *name*."""
        return self._leases.get(name)

    def held_by_another(self, name: str, owner_id: str) -> bool:
        """Say whether somebody other than *owner_id* holds a live lease on *name*."""
        lease = self._leases.get(name)
        if lease is None or lease.owner_id == owner_id:
            return False
        return lease.renewed_at is None or self._now() < lease.renewed_at + lease.ttl
