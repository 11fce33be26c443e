"""What goes into a store, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass

from registry.entry import Draft, Entry
from registry.history import Revision
from registry.leases import Lease


@dataclass(frozen=True, slots=True)
class Change:
    """What a write does to one resource: `old` is None when it creates it, `new` when it removes it."""

    old: Entry | None
    new: Draft | None

    @property
    def name(self) -> str:
        """The resource."""
        either = self.new or self.old
        return either.name if either else ""


@dataclass(frozen=True, slots=True)
class SavedReply:
    """The reply to a request that carried a request_id; `fingerprint` tells its payload from others."""

    request_id: str
    fingerprint: str
    revision: int
    reply: bytes


@dataclass(frozen=True, slots=True)
class Write:
    """What one request does, all or nothing. With `changes` it takes a revision, without it takes none."""

    changes: tuple[Change, ...] = ()
    leases: tuple[Lease, ...] = ()
    ended_leases: tuple[str, ...] = ()
    reply: SavedReply | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.changes or self.leases or self.ended_leases or self.reply)


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything that a store holds: the state at `revision`, and the history after `compacted` (exclusive)."""

    revision: int
    compacted: int
    entries: tuple[Entry, ...]
    leases: tuple[Lease, ...]
    history: tuple[Revision, ...]
