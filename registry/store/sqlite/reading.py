"""What the store says: the inside of the read transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from registry.leases import MAX_SHARE_PER_PASS, MIN_PER_PASS, MIN_REMOVAL, Due, Lease
from registry.store import rows
from registry.store.records import Contents, SavedReply
from registry.store.sqlite import statements as sql


def read_contents(connection: sqlite3.Connection) -> Contents:
    """Read everything that is published."""
    _, revision, compacted = connection.execute(sql.GET_META).fetchone()
    entries = tuple(rows.entry(*row) for row in connection.execute(sql.ALL_RESOURCES))
    history = tuple(rows.history(connection.execute(sql.ALL_EVENTS), {entry.name: entry for entry in entries}))
    return Contents(revision, compacted, entries, history)


def read_replies(connection: sqlite3.Connection, request_ids: Collection[str]) -> dict[str, SavedReply]:
    """Read the replies that are saved for *request_ids*."""
    found = (connection.execute(sql.GET_REPLY, (request_id,)).fetchone() for request_id in request_ids)
    return {row[0]: SavedReply(*row) for row in found if row is not None}


def read_leases(connection: sqlite3.Connection, names: Collection[str], forgiven: float) -> tuple[Lease, ...]:
    """Read the leases on *names*."""
    found = (connection.execute(sql.GET_LEASE, {"name": name, "forgiven": forgiven}).fetchone() for name in names)
    return tuple(rows.lease(*row) for row in found if row is not None)


def read_due(connection: sqlite3.Connection, now: float, forgiven: float) -> Due:
    """Find the leases whose next step is due, at most as many as one pass may end."""
    moment = {"now": now, "forgiven": forgiven}
    total, overdue = connection.execute(sql.COUNT_LEASES, moment).fetchone()
    counted = Due((), overdue, total)
    if not overdue:
        return counted
    limit = max(MIN_PER_PASS, int(total * MAX_SHARE_PER_PASS))
    wanted = moment | {"min_removal": MIN_REMOVAL, "preserving": counted.preserving, "limit": limit}
    found = connection.execute(sql.DUE_LEASES, wanted).fetchall()
    late = max((now - due_at for *_, due_at in found), default=0.0)
    return Due(tuple(rows.lease(*row) for *row, _ in found), overdue, total, late)
