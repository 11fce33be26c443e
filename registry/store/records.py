"""What goes into a store, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airegistry.resources.resource import ResourceKind
from registry.entry import Draft, Entry
from registry.history import Revision
from registry.leases import Lease


class StaleError(Exception):
    """Something that a write was decided on has changed meanwhile; nothing was written.

    `fenced` says that it was the right to sweep: somebody else has it now.
    """

    def __init__(self, message: str, *, fenced: bool = False) -> None:
        super().__init__(message)
        self.fenced = fenced


@dataclass(frozen=True, slots=True)
class Change:
    """What a write does to one resource: `old` is None when it creates it, `new` when it removes it."""

    old: Entry | None
    new: Draft | None

    @property
    def name(self) -> str:
        """The resource."""
        return self._either.name

    @property
    def kind(self) -> ResourceKind:
        """Which kind the resource is."""
        return self._either.kind

    @property
    def _either(self) -> Draft | Entry:
        either = self.new or self.old
        assert either is not None  # noqa: S101 - a change of nothing to nothing is none
        return either


@dataclass(frozen=True, slots=True)
class SavedReply:
    """The reply to a request that carried a request_id; `fingerprint` tells its payload from others."""

    request_id: str
    fingerprint: str
    revision: int
    reply: bytes


@dataclass(frozen=True, slots=True)
class Write:
    """What one request does, all or nothing. With `changes` it takes a revision, without it takes none.

    `epoch` is set for what only the sweeper may do.
    """

    changes: tuple[Change, ...] = ()
    leases: tuple[Lease, ...] = ()
    ended_leases: tuple[str, ...] = ()
    reply: SavedReply | None = None
    epoch: int | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.changes or self.leases or self.ended_leases or self.reply)


@dataclass(frozen=True, slots=True)
class Basis:
    """What a group of requests is decided on, as of one moment: the newest revision, and leases and replies asked for."""

    revision: int
    leases: tuple[Lease, ...] = ()
    replies: Mapping[str, SavedReply] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a group of writes was decided on: revisions of resources and `seq` of leases, by name; 0 for none."""

    revisions: Mapping[str, int] = field(default_factory=dict)
    leases: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Committed:
    """A group that was written: the revision of each write, and the time, in seconds since 1970 by the store's clock."""

    revisions: tuple[int, ...]
    time: float


@dataclass(frozen=True, slots=True)
class Logged:
    """One revision as the log has it: each resource that it changed, None for one that it removed."""

    number: int
    time: float
    entries: Mapping[str, Entry | None]


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything that is published: the state at `revision`, and the history after `compacted` (exclusive)."""

    revision: int
    compacted: int
    entries: tuple[Entry, ...]
    history: tuple[Revision, ...]
