"""What an operator wants to know of a store."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Replica:
    """A process on a store, and for how many seconds it has not been seen."""

    id: str
    unseen: float


@dataclass(frozen=True, slots=True)
class Overview:
    """What a store is and holds, as of one moment; `events` is the history after the revision `compacted`.

    `replicas` are those seen in the last seconds, `sweeper` is the one that looks after the leases, empty when none does.
    SQLite, which lets in only one process, says nothing of either.
    """

    store: str
    schema: str
    cluster_id: str
    revision: int
    compacted: int
    resources: int
    events: int
    leases: int
    replies: int
    replicas: tuple[Replica, ...] = ()
    sweeper: str = ""


@dataclass(frozen=True, slots=True)
class NewId:
    """The cluster id that a store had, and the one that it has now."""

    old: str
    new: str
