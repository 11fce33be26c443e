"""From rows to values."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from airegistry.resources.resource import ResourceKind
from registry.entry import Entry
from registry.history import Event, Revision
from registry.leases import Lease
from registry.store.records import Contents, SavedReply
from registry.store.sqlite import statements as sql


def read_contents(connection: sqlite3.Connection) -> Contents:
    """Read everything."""
    _, revision, compacted = connection.execute(sql.GET_META).fetchone()
    entries = tuple(
        Entry(name=name, kind=ResourceKind(kind), revision=at, body=body)
        for name, kind, at, body in connection.execute(sql.ALL_RESOURCES)
    )
    leases = tuple(
        Lease(name, owner_id, ttl, renewed_at=expires_at - ttl, suspect=bool(suspect))
        for name, owner_id, ttl, expires_at, suspect in connection.execute(sql.ALL_LEASES)
    )
    history = tuple(_history(connection, {entry.name: entry for entry in entries}))
    return Contents(revision, compacted, entries, leases, history)


def read_replies(connection: sqlite3.Connection, request_ids: Collection[str]) -> dict[str, SavedReply]:
    """Read the replies that are saved for *request_ids*."""
    rows = (connection.execute(sql.GET_REPLY, (request_id,)).fetchone() for request_id in request_ids)
    return {row[0]: SavedReply(*row) for row in rows if row is not None}


def _history(connection: sqlite3.Connection, current: dict[str, Entry]) -> Iterator[Revision]:
    """Yield the revisions; entries that appear several times, as new here and as old there, are one object."""
    latest: dict[str, Entry] = {}

    def entry(name: str, kind: int, revision: int | None, body: bytes | None) -> Entry | None:
        if revision is None or body is None:
            return None
        for known in (latest.get(name), current.get(name)):
            if known is not None and known.revision == revision:
                return known
        return Entry(name=name, kind=ResourceKind(kind), revision=revision, body=body)

    def event(row: tuple[Any, ...]) -> Event:
        revision, _, name, kind, old_revision, old_body, new_body = row
        old = entry(name, kind, old_revision, old_body)
        new = entry(name, kind, revision, new_body)
        if new is not None:
            latest[name] = new
        return Event(revision, name, old, new)

    for number, rows in groupby(connection.execute(sql.ALL_EVENTS), key=itemgetter(0)):
        events = list(rows)
        yield Revision(number, tuple(event(row) for row in events), events[0][1])
