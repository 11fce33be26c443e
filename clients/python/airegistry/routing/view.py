"""What routing sees of the registry: a cache, or anything with the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from airegistry.discovery.answers import Discovery
from airegistry.resources.requirements import DiscoverQuery
from airegistry.resources.resource import Resource, ResourceKind


class Index(Protocol):
    """Orders resources."""

    @property
    def observation_epoch(self) -> int:
        """Up to which observations it ranks by what was measured."""
        ...

    def edition(self) -> int:
        """Return what is another number whenever an answer may be another one than before."""
        ...

    def discover(
        self,
        query: DiscoverQuery,
        *,
        limit: int = 10,
        name_excluded: bool = False,
        path: str = "query",
        stored: bool = False,
        spoken: tuple[str, ...] = (),
    ) -> Discovery:
        """Return the best *limit* resources for a query, and count the others by what excluded them.

        *path* is where the query stands, for errors; *stored* says that nobody waits there to mend a name.
        """
        ...

    def prepare(self, query: DiscoverQuery, *, path: str = "query") -> Iterator[None]:
        """Do what takes long of a query step by step; others may run in between."""
        ...


class Names(Protocol):
    """Knows what callers call things."""

    def resolve(self, text: str) -> tuple[str, ...]:
        """Return the full names that a caller may mean; several are ambiguous, none is unknown."""
        ...


class View(Protocol):
    """The registry at one revision."""

    @property
    def revision(self) -> int:
        """Which revision."""
        ...

    @property
    def index(self) -> Index:
        """The order of its endpoints."""
        ...

    @property
    def names(self) -> Names:
        """What its resources are called."""
        ...

    def get(self, name: str) -> Resource | None:
        """Return the resource with a full name."""
        ...

    def endpoints_of(self, model: str) -> tuple[Resource, ...]:
        """Return the endpoints of a model, by its full name."""
        ...

    def resources(self, kind: ResourceKind | None = None) -> Iterator[Resource]:
        """Iterate over the resources of a kind, in the order of their names."""
        ...

    def stale(self, at: float) -> bool:
        """Say whether the registry was silent for too long at a time of the monotonic clock."""
        ...
