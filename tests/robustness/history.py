"""What clients asked and what they were told, with times, as a run records it and a file keeps it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Discriminator, TypeAdapter

from tests.robustness.versions import Version


class Fate(StrEnum):
    """What a caller knows of its call."""

    OK = "ok"
    REFUSED = "refused"
    """It was not done, and will not be."""
    LOST = "lost"
    """It may have been done, or be done yet."""


class Level(StrEnum):
    """How fresh a read had to be."""

    LINEARIZABLE = "linearizable"
    NOT_OLDER_THAN = "not_older_than"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Sent:
    """One call: who, to which replica, from when to when by the monotonic clock, and how it ended.

    `reason` is that of the error, `revision` that of the reply.
    """

    client: str
    replica: int
    start: float
    end: float
    fate: Fate
    reason: str = ""
    revision: int = 0

    @property
    def ok(self) -> bool:
        """Whether it was answered."""
        return self.fate is Fate.OK


@dataclass(frozen=True, slots=True)
class Write:
    """A Register, an Update or a Deregister, one attempt of it.

    Attempts with one `token` are one request; what is registered or updated carries it as a label. `etags` are those that
    were expected, by name. The reply: `shown` is what is stored, `removed` the names that went, `changed` whether anything
    did.
    """

    sent: Sent
    method: Literal["register", "update", "deregister"]
    token: str
    names: tuple[str, ...]
    request_id: str = ""
    etags: dict[str, str] = field(default_factory=dict)
    create_only: bool = False
    take_over: bool = False
    allow_missing: bool = False
    owner: str = ""
    ttl: float | None = None
    shown: tuple[Version, ...] = ()
    removed: tuple[str, ...] = ()
    changed: bool = True
    record: Literal["write"] = "write"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A Heartbeat. `results` has the reason for each lease that was not renewed, empty for those that were."""

    sent: Sent
    owner: str
    names: tuple[str, ...]
    results: dict[str, str] = field(default_factory=dict)
    record: Literal["heartbeat"] = "heartbeat"


@dataclass(frozen=True, slots=True)
class Read:
    """A Get, a whole List or a Discover. `wanted` is the name or the collection; `shown` is all that the reply had."""

    sent: Sent
    method: Literal["get", "list", "discover"]
    wanted: str
    level: Level
    min_revision: int = 0
    shown: tuple[Version, ...] = ()
    record: Literal["read"] = "read"


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a Watch: its type on the wire, the revision that did it, and the resource."""

    type: int
    revision: int
    resource: Version


@dataclass(frozen=True, slots=True)
class Opened:
    """The beginning of a stream. Streams of one `chain` go on behind each other; `position` is where, None for a snapshot."""

    stream: int
    chain: int
    client: str
    replica: int
    at: float
    filter: str
    position: int | None = None
    resumed: bool = False
    record: Literal["opened"] = "opened"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a stream, as it came; `kind` is the number on the wire."""

    stream: int
    at: float
    kind: int
    events: tuple[Told, ...]
    revision: int
    token: str
    fragment: bool
    record: Literal["message"] = "message"


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a stream; `reason` is that of the error, `known` the numbers that it names."""

    stream: int
    at: float
    fate: Fate
    reason: str = ""
    known: dict[str, str] = field(default_factory=dict)
    record: Literal["ended"] = "ended"


Record = Annotated[Write | Heartbeat | Read | Opened | Message | Ended, Discriminator("record")]
_RECORD: TypeAdapter[Write | Heartbeat | Read | Opened | Message | Ended] = TypeAdapter(Record)


class History:
    """All that was recorded. `epoch` is what the wall clock showed when the monotonic one stood at 0."""

    def __init__(self, epoch: float | None = None) -> None:
        self.epoch = time.time() - time.monotonic() if epoch is None else epoch
        self.writes: list[Write] = []
        self.heartbeats: list[Heartbeat] = []
        self.reads: list[Read] = []
        self.streams: list[Opened | Message | Ended] = []

    def add(self, record: Write | Heartbeat | Read | Opened | Message | Ended) -> None:
        """Take in one record."""
        match record:
            case Write():
                self.writes.append(record)
            case Heartbeat():
                self.heartbeats.append(record)
            case Read():
                self.reads.append(record)
            case _:
                self.streams.append(record)

    def calls(self) -> Iterator[Sent]:
        """Return every unary call."""
        for calls in (self.writes, self.heartbeats, self.reads):
            yield from (record.sent for record in calls)

    def wall(self, monotonic: float) -> float:
        """Return the wall clock's time of a recorded moment."""
        return self.epoch + monotonic

    def dump(self, path: Path) -> None:
        """Write everything to *path*, one JSON document a line."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(f"{self.epoch!r}\n".encode())
            for record in (*self.writes, *self.heartbeats, *self.reads, *self.streams):
                file.write(_RECORD.dump_json(record) + b"\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `dump` wrote."""
        with path.open("rb") as file:
            history = cls(float(file.readline()))
            for line in file:
                history.add(_RECORD.validate_json(line))
        return history
