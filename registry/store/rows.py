"""From rows to values, as every store reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

from airegistry.resources.resource import Liveness, ResourceKind
from registry.entry import Entry
from registry.history import Event, Revision
from registry.leases import Lease


def entry(name: str, kind: int, revision: int, body: bytes) -> Entry:
    """Return a resource as of *revision*."""
    return Entry(name=name, kind=ResourceKind(kind), revision=revision, body=body)


def lease(  # noqa: PLR0913, PLR0917 - a row
    name: str, owner_id: str, ttl: float, renewed_at: float, liveness: int, seq: int, load: float | None
) -> Lease:
    """Return a lease."""
    return Lease(name, owner_id, ttl, renewed_at, Liveness(liveness), seq, load)


def history(rows: Iterable[tuple[Any, ...]], current: Mapping[str, Entry]) -> Iterator[Revision]:
    """Yield the revisions of rows of (revision, time, name, kind, old_revision, old_body, new_body), in order.

    Entries that appear several times, as new here and as old there, are one object: `old_body` may be missing for those.
    """
    latest: dict[str, Entry] = {}

    def known(name: str, kind: int, revision: int | None, body: bytes | None) -> Entry | None:
        if revision is None:
            return None
        for one in (latest.get(name), current.get(name)):
            if one is not None and one.revision == revision:
                return one
        return entry(name, kind, revision, body) if body is not None else None

    def event(row: tuple[Any, ...]) -> Event:
        revision, _, name, kind, old_revision, old_body, new_body = row
        old = known(name, kind, old_revision, old_body)
        new = known(name, kind, revision, new_body)
        if new is not None:
            latest[name] = new
        return Event(revision, name, old, new)

    for number, group in groupby(rows, key=itemgetter(0)):
        events = list(group)
        yield Revision(number, tuple(event(row) for row in events), events[0][1])
