"""Which replica probes which address: each one is probed by one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b


def owner(address: str, replicas: Sequence[str]) -> str:
    """Return which of the replicas is to probe an address (`host:port`), in whatever order they are given.

    Rendezvous hashing: when a replica goes, only its addresses move, and they spread over all others.
    https://en.wikipedia.org/wiki/Rendezvous_hashing
    """
    return max(replicas, key=lambda replica: (_weight(replica, address), replica))


def _weight(replica: str, address: str) -> bytes:
    return blake2b(f"{replica}\n{address}".encode(), digest_size=8).digest()


class Share:
    """The part of all addresses that is probed here. Without other replicas: all of them."""

    def __init__(self, own: str = "", replicas: Callable[[], Sequence[str]] = tuple) -> None:
        self._own = own
        self._replicas = replicas
        self._live = self._alive()

    def owns(self, address: str) -> bool:
        """Say whether an address is probed here, as of the last `refresh`."""
        return len(self._live) == 1 or owner(address, self._live) == self._own

    def refresh(self) -> bool:
        """Look which replicas live; say whether they are others than before."""
        before, self._live = self._live, self._alive()
        return self._live != before

    def _alive(self) -> tuple[str, ...]:
        # A list that is a moment old may not have this one yet.
        return tuple(sorted({self._own, *self._replicas()}))
