"""What is published: the entries, the order of their changes, and discovery, all at one revision."""

from __future__ import annotations

from collections.abc import Mapping

from airegistry.discovery.index import Index
from airegistry.discovery.naming import NameTable
from registry.entries import Entries
from registry.entry import Entry
from registry.feed import Feed
from registry.history import Event, Revision
from registry.store.records import Contents, Logged


class View:
    """The state that every read sees. It moves by whole revisions, and never while somebody who does not await looks."""

    def __init__(self, contents: Contents, *, index: Index, names: NameTable) -> None:
        self.entries = Entries()
        self.feed = Feed()
        self.index = index
        self.names = names
        self.replace(contents)

    @property
    def revision(self) -> int:
        """The newest revision."""
        return self.feed.newest

    def at(self, revision: int) -> Entries:
        """Return the entries as they were at *revision*.

        Those of the newest revision are the live ones: use them before the next await. Raises CompactedError or
        RevisionInFutureError when the history does not reach there.
        """
        overrides: dict[str, Entry | None] = {}
        for past in self.feed.since(revision):
            overrides.update((event.name, event.old) for event in past.events)
        return self.entries.copy_with(overrides) if overrides else self.entries

    def publish(self, logged: Logged) -> None:
        """Let readers see the next revision."""
        known = self.entries
        events = tuple(Event(logged.number, name, known.get(name), new) for name, new in logged.entries.items())
        self._apply(logged.number, logged.entries)
        self.feed.append(Revision(logged.number, events, logged.time))

    def replace(self, contents: Contents) -> None:
        """Let readers see *contents* instead of everything before, which may be far behind it."""
        newest = contents.history[-1].number if contents.history else contents.compacted
        if newest != contents.revision:
            raise RuntimeError(f"the history ends at {newest}, the store is at {contents.revision}")
        self.entries.replace(contents.entries)
        resources = [entry.resource for entry in contents.entries]
        self.index.replace(resources, contents.revision)
        self.names.replace(resources)
        self.feed.replace(contents.compacted, contents.history)

    def _apply(self, revision: int, entries: Mapping[str, Entry | None]) -> None:
        puts = [entry for entry in entries.values() if entry is not None]
        removed = [name for name, entry in entries.items() if entry is None]
        resources = [entry.resource for entry in puts]
        self.entries.apply(puts, removed)
        self.index.apply(resources, removed, revision)
        self.names.apply(resources, removed)
