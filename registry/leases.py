"""Who holds which resource, and until when."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

MIN_REMOVAL = 60.0
"""The shortest time, in seconds, between the last renewal of a lease and the removal of its resource."""

MAX_SHARE_PER_PASS = 0.05
MIN_PER_PASS = 10
"""How many leases one pass may end: a share of all, or a few when there are few. When half of the world seems to vanish
at once, it is more likely that we cannot see it."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A time to live that its owner renews. Times are in seconds since 1970 by the store's clock.

    `suspect` is set once the time to live ran out unrenewed. `load` (0 to 1) is what the holder said last, None when it
    said nothing; it is kept in memory only.
    """

    name: str
    owner_id: str
    ttl: float
    renewed_at: float
    suspect: bool = False
    load: float | None = None

    @property
    def expires_at(self) -> float:
        """When the time to live runs out."""
        return self.renewed_at + self.ttl

    @property
    def removed_at(self) -> float:
        """When the resource is removed, unless the lease is renewed."""
        return self.renewed_at + max(3 * self.ttl, MIN_REMOVAL)

    @property
    def due_at(self) -> float:
        """When the next step is due: suspicion, then removal."""
        return self.removed_at if self.suspect else self.expires_at


class Leases:
    """All leases by resource name. No I/O and no tasks: the caller drives time."""

    def __init__(self, now: Callable[[], float], *, rng: random.Random | None = None) -> None:
        self._now = now
        self._rng = rng or random.Random()
        self._leases: dict[str, Lease] = {}
        # No lease is due before this; it spares most passes the look at every lease.
        self._next_due = float("inf")

    def __len__(self) -> int:
        return len(self._leases)

    def get(self, name: str) -> Lease | None:
        """Return the lease on *name*."""
        return self._leases.get(name)

    def held_by_another(self, name: str, owner_id: str) -> bool:
        """Say whether somebody other than *owner_id* holds a live lease on *name*."""
        lease = self._leases.get(name)
        return lease is not None and lease.owner_id != owner_id and self._now() < lease.expires_at

    def grant(self, name: str, owner_id: str, ttl: float) -> Lease:
        """Return a fresh lease; it counts when it is `put`."""
        return Lease(name, owner_id, ttl, renewed_at=self._now())

    def renew(self, lease: Lease, load: float | None = None) -> Lease:
        """Return the lease with its whole time to live ahead; it counts when it is `put`."""
        return replace(lease, renewed_at=self._now(), suspect=False, load=load)

    def put(self, lease: Lease) -> None:
        """Take in a lease that was granted, renewed or suspected."""
        self._leases[lease.name] = lease
        self._next_due = min(self._next_due, lease.due_at)

    def drop(self, name: str) -> None:
        """Forget the lease on *name*, if there is one."""
        self._leases.pop(name, None)

    def due(self) -> list[Lease]:
        """Return leases whose next step is due, in random order, at most the share that one pass may end."""
        now = self._now()
        if now < self._next_due:
            return []
        due = [lease for lease in self._leases.values() if lease.due_at <= now]
        self._next_due = min((lease.due_at for lease in self._leases.values()), default=float("inf"))
        return self._rng.sample(due, k=min(len(due), max(MIN_PER_PASS, int(len(self._leases) * MAX_SHARE_PER_PASS))))

    def forgive(self) -> None:
        """Count every lease as renewed now: while the plane was away, nobody could renew."""
        now = self._now()
        self.replace(replace(lease, renewed_at=max(lease.renewed_at, now)) for lease in self._leases.values())

    def replace(self, leases: Iterable[Lease]) -> None:
        """Hold exactly *leases*."""
        self._leases = {lease.name: lease for lease in leases}
        self._next_due = min((lease.due_at for lease in self._leases.values()), default=float("inf"))
