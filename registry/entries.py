"""The current resources, in the order of their names."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping

from registry.entry import Entry

# Beyond this many new names at once, sorting anew (nearly linear on what is nearly sorted) beats inserting one by one.
_INSERT_ONE_BY_ONE = 32


class Entries(Mapping[str, Entry]):
    """Entries by name. Iterates in the order of names."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: dict[str, Entry] = {}
        self._names: list[str] = []
        self.replace(entries)

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._entries)

    def under(self, prefix: str, *, after: str = "") -> Iterator[Entry]:
        """Yield the entries whose name begins with *prefix* and comes after *after* (exclusive).

        Nothing may be applied while this is being iterated.
        """
        start = max(bisect_left(self._names, prefix), bisect_right(self._names, after))
        for i in range(start, len(self._names)):
            name = self._names[i]
            if not name.startswith(prefix):
                return
            yield self._entries[name]

    def replace(self, entries: Iterable[Entry]) -> None:
        """Hold exactly *entries*."""
        self._entries = {entry.name: entry for entry in entries}
        self._names = sorted(self._entries)

    def apply(self, puts: Iterable[Entry], removed: Iterable[str]) -> None:
        """Take in what changed."""
        fresh = []
        for entry in puts:
            if entry.name not in self._entries:
                fresh.append(entry.name)
            self._entries[entry.name] = entry
        self._add_names(fresh)
        for name in removed:
            if self._entries.pop(name, None) is not None:
                del self._names[bisect_left(self._names, name)]

    def copy_with(self, overrides: Mapping[str, Entry | None]) -> Entries:
        """Return a copy in which each name in *overrides* has that entry, or none."""
        copy = Entries()
        copy._entries = dict(self._entries)
        copy._names = list(self._names)
        puts = [entry for entry in overrides.values() if entry is not None]
        copy.apply(puts, [name for name, entry in overrides.items() if entry is None])
        return copy

    def _add_names(self, fresh: list[str]) -> None:
        if len(fresh) > _INSERT_ONE_BY_ONE:
            self._names.extend(fresh)
            self._names.sort()
            return
        for name in fresh:
            insort(self._names, name)
