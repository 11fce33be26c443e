"""The registry as this process last saw it: resources by name, with the index and the names kept in step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from airegistry.discovery.expressions import Compile
from airegistry.discovery.index import Index
from airegistry.discovery.naming import NameTable, parent_of
from airegistry.observations.performance import Performance
from airegistry.resources.resource import Resource, ResourceKind

log = logging.getLogger(__name__)

STALE_AFTER = 30.0
"""Seconds of silence after which a view is stale: three bookmarks were due by then."""


@dataclass(frozen=True, slots=True)
class CacheChange:
    """What one step changed: what is new or different now, and the names that are gone."""

    revision: int
    puts: tuple[Resource, ...]
    removed: tuple[str, ...]


class Cache:
    """Resources as of one revision. No I/O and no clock of its own: a feeder drives it.

    It is synchronous: what runs between two awaits sees one revision. It is replaced, never emptied. *now* is the wall
    clock by which prices are in force; `heard` and `stale` take seconds of a monotonic clock. *compile_filter* is the
    language of filter expressions; a feeder brings it along.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        stale_after: float = STALE_AFTER,
        compile_filter: Compile | None = None,
    ) -> None:
        self.index = Index(now, compile_filter)
        self.names = NameTable()
        self.revision = 0
        self._stale_after = stale_after
        self._heard: float | None = None
        self._resources: dict[str, Resource] = {}
        self._endpoints: dict[str, dict[str, Resource]] = {}
        self._callbacks: list[Callable[[CacheChange], None]] = []

    def __len__(self) -> int:
        return len(self._resources)

    def get(self, name: str) -> Resource | None:
        """Return the resource with that full name."""
        return self._resources.get(name)

    def resources(self, kind: ResourceKind | None = None) -> Iterator[Resource]:
        """Iterate over the resources, of one kind or all, in the order of their names."""
        for name in sorted(self._resources):
            # Looked up again, because the caller may await in between.
            resource = self._resources.get(name)
            if resource is not None and kind in (None, resource.kind):
                yield resource

    def endpoints_of(self, model: str) -> tuple[Resource, ...]:
        """Return the endpoints of a model, by its full name, in the order of their names."""
        group = self._endpoints.get(model, {})
        return tuple(group[name] for name in sorted(group))

    def replace(self, resources: Iterable[Resource], revision: int) -> None:
        """Show *resources* as of *revision* instead; whoever follows changes sees only what differs."""
        fresh = {resource.name: resource for resource in resources if resource.kind is not None}
        removed = tuple(name for name in self._resources if name not in fresh)
        puts = tuple(resource for name, resource in fresh.items() if self._resources.get(name) != resource)
        self._move(puts, removed, revision, anew=not self._resources)

    def apply(self, puts: Iterable[Resource], removed: Iterable[str], revision: int) -> None:
        """Move on to *revision*. What was seen already is skipped, so repeats are harmless."""
        if revision > self.revision:
            # A kind that this version does not know is skipped; the revision still advances.
            known = tuple(resource for resource in puts if resource.kind is not None)
            self._move(known, tuple(name for name in removed if name in self._resources), revision)

    def observe(self, performances: Iterable[Performance], epoch: int | None = None, *, snapshot: bool = False) -> None:
        """Let the index rank by what was measured, see `Index.observe`; a *snapshot* stands instead of all told before."""
        if snapshot:
            self.index.replace_observations(performances, epoch)
        else:
            self.index.observe(performances, epoch)

    def heard(self, at: float) -> None:
        """Note that the registry was heard of, with or without news."""
        self._heard = at

    def stale(self, at: float) -> bool:
        """Say whether the registry has been silent for too long, or was never heard of."""
        return self._heard is None or at - self._heard > self._stale_after

    def silence(self, at: float) -> float | None:
        """Return for how long nothing was heard; None when nothing ever was."""
        return None if self._heard is None else max(0.0, at - self._heard)

    def on_change(self, callback: Callable[[CacheChange], None]) -> Callable[[], None]:
        """Call *callback* after every change, and return what ends that. It must be quick."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def _move(self, puts: tuple[Resource, ...], removed: tuple[str, ...], revision: int, *, anew: bool = False) -> None:
        self._drop(removed)
        self._take(puts)
        if anew:
            self.index.replace(puts, revision)
            self.names.replace(puts)
        else:
            self.index.apply(puts, removed, revision)
            self.names.apply(puts, removed)
        self.revision = revision
        if puts or removed:
            self._tell(CacheChange(revision, puts, removed))

    def _drop(self, names: Iterable[str]) -> None:
        for name in names:
            del self._resources[name]
            group = self._endpoints.get(parent_of(name), {})
            if group.pop(name, None) is not None and not group:
                del self._endpoints[parent_of(name)]

    def _take(self, resources: Iterable[Resource]) -> None:
        for resource in resources:
            self._resources[resource.name] = resource
            if resource.endpoint is not None:
                self._endpoints.setdefault(parent_of(resource.name), {})[resource.name] = resource

    def _tell(self, change: CacheChange) -> None:
        for callback in tuple(self._callbacks):
            try:
                callback(change)
            except Exception:
                # One listener's bug must not stop the view from moving on.
                log.exception("a cache listener failed")
