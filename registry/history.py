"""What changed, revision by revision."""

from __future__ import annotations

from dataclasses import dataclass

from registry.entry import Entry


@dataclass(frozen=True, slots=True)
class Event:
    """What one revision did to one resource: `old` is None when it was created, `new` when it was removed."""

    revision: int
    name: str
    old: Entry | None
    new: Entry | None


@dataclass(frozen=True, slots=True)
class Revision:
    """All that one request changed. `time` is when, in seconds since 1970 by the store's clock."""

    number: int
    events: tuple[Event, ...]
    time: float

    @property
    def size(self) -> int:
        """The serialized bytes that only the history keeps once they are replaced."""
        return sum(len(entry.wire) for event in self.events if (entry := event.new or event.old) is not None)
