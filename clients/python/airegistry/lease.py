"""When a holder renews its leases, and how it stands with them."""

from __future__ import annotations

import random
from collections.abc import Callable
from enum import Enum

from airegistry.backoff import Backoff

RENEWALS_PER_TTL = 3
"""Two renewals may be lost before the lease is in danger."""

# Renewals of holders that started together drift apart.
_JITTER = 0.2


class LeaseState(Enum):
    """How a holder stands."""

    UNREGISTERED = "unregistered"
    HELD = "held"
    LOST = "lost"
    REFUSED = "refused"
    CLOSED = "closed"


class Lease:
    """The deadlines of one lease. No I/O and no tasks: the caller drives time, and says what became of each step.

    *now* gives seconds of a monotonic clock. `due` is when the next step is to be taken; `must_register` says which.
    """

    def __init__(self, ttl: float, *, now: Callable[[], float], rng: random.Random | None = None) -> None:
        self.must_register = True
        self._now = now
        self._rng = rng or random.Random()
        self._ttl = ttl
        self._ends: float | None = None
        self._refused = False
        self._closed = False
        self._backoff = Backoff(first=min(1.0, ttl / 10), most=ttl / RENEWALS_PER_TTL, rng=self._rng)
        self.due = now()

    @property
    def state(self) -> LeaseState:
        """How the holder stands at this moment."""
        if self._closed:
            return LeaseState.CLOSED
        if self._refused:
            return LeaseState.REFUSED
        if self._ends is None:
            return LeaseState.UNREGISTERED
        return LeaseState.HELD if not self.must_register and self._now() < self._ends else LeaseState.LOST

    def granted(self, ttl: float, *, asked: float) -> None:
        """Note that it was registered or renewed for *ttl* seconds by a call that was made at *asked*.

        Counted from the call, not from the answer: the registry's clock may have started at any time in between.
        """
        self._ttl = ttl
        self._ends = asked + ttl
        self._refused = False
        self.must_register = False
        self._backoff.reset()
        self.due = asked + ttl / RENEWALS_PER_TTL * self._rng.uniform(1 - _JITTER, 1)

    def expired(self) -> None:
        """Note that the registry no longer knows the lease: register again at once."""
        self.must_register = True
        self.due = self._now()

    def changed(self) -> None:
        """Note that there is something to say before the next renewal is due."""
        if self._backoff.failures == 0:
            self.due = self._now()

    def failed(self, *, retry_after: float | None = None) -> None:
        """Note that the registry did not answer."""
        self.due = self._now() + self._backoff.next(at_least=retry_after)

    def refused(self) -> None:
        """Note that the registry refused: another owner holds it, or the resource is wrong. It is asked again."""
        self._refused = True
        self.must_register = True
        self.failed()

    def close(self) -> None:
        """Note that the holder let go."""
        self._closed = True
