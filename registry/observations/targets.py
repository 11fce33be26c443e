"""Who can be measured: the endpoints and agents that are registered, and which of that name each one is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from airegistry.resources.resource import ResourceKind
from registry.entry import Entry
from registry.observations.delta import Target

MEASURED = (ResourceKind.ENDPOINT, ResourceKind.AGENT)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Targets:
    """Looks up targets by name in *entries*, which are the live ones, and remembers what it read of each."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self._entries = entries
        self._known: dict[str, tuple[Entry, Target, int]] = {}

    def get(self, name: str) -> tuple[Target, int] | None:
        """Return the target that is registered as *name* now, and when it was created, in microseconds since 1970."""
        entry = self._entries.get(name)
        if entry is None or entry.kind not in MEASURED:
            return None
        known = self._known.get(name)
        if known is None or known[0] is not entry:
            known = self._remember(name, entry)
        return known[1], known[2]

    def current(self, target: Target) -> bool:
        """Say whether *target* is the one that is registered by its name."""
        found = self.get(target.name)
        return found is not None and found[0] == target

    def _remember(self, name: str, entry: Entry) -> tuple[Entry, Target, int]:
        if len(self._known) > len(self._entries):
            # Some are of names that are gone.
            self._known.clear()
        created = entry.resource.create_time
        known = (entry, target_of(entry), (created - _EPOCH) // _MICROSECOND if created is not None else 0)
        self._known[name] = known
        return known


def target_of(entry: Entry) -> Target:
    """Return the target that *entry* is."""
    return Target(entry.name, entry.resource.uid)
