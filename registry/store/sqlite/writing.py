"""From values to rows: the inside of the write transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from registry.leases import Lease
from registry.store.records import Change, Write
from registry.store.sqlite import statements as sql


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what happens inside, or leave no trace of it."""
    connection.execute(sql.BEGIN)
    try:
        yield
        connection.execute(sql.COMMIT)
    finally:
        # A failed COMMIT may or may not have ended the transaction.
        if connection.in_transaction:
            connection.execute(sql.ROLLBACK)


def write_all(connection: sqlite3.Connection, writes: Sequence[Write], now: float, seq: Iterator[int]) -> list[int]:
    """Write *writes* in one transaction; return the revision of each. *seq* gives every lease its own number."""
    with transaction(connection):
        revision = _take_revisions(connection, sum(bool(write.changes) for write in writes))
        revisions = []
        for write in writes:
            revision += bool(write.changes)
            revisions.append(revision)
            _write(connection, write, revision, now)
            _write_leases(connection, write, now, seq)
    return revisions


def compact(connection: sqlite3.Connection, through: int) -> None:
    """Drop the history up to *through*, and remember that it is gone."""
    with transaction(connection):
        connection.execute(sql.SET_COMPACTED, (through, through))
        connection.execute(sql.DELETE_EVENTS, (through,))


def delete_replies(connection: sqlite3.Connection, older_than: float, limit: int) -> int:
    """Drop at most *limit* saved replies."""
    with transaction(connection):
        return connection.execute(sql.DELETE_REPLIES, (older_than, limit)).rowcount


def _take_revisions(connection: sqlite3.Connection, count: int) -> int:
    """Take the next *count* revisions; return the one before them."""
    if count:
        connection.execute(sql.BUMP_REVISION, (count,))
    (newest,) = connection.execute(sql.GET_REVISION).fetchone()
    return int(newest) - count


def _write(connection: sqlite3.Connection, write: Write, revision: int, now: float) -> None:
    puts = [change.new for change in write.changes if change.new is not None]
    gone = [(change.name,) for change in write.changes if change.new is None]
    connection.executemany(sql.PUT_RESOURCE, [(d.name, d.kind, d.resource.uid, revision, d.body) for d in puts])
    connection.executemany(sql.DELETE_RESOURCE, gone)
    connection.executemany(
        sql.PUT_EVENT, [_event_row(change, revision, seq, now) for seq, change in enumerate(write.changes)]
    )
    if (saved := write.reply) is not None:
        connection.execute(sql.PUT_REPLY, (saved.request_id, saved.fingerprint, now, revision, saved.reply))


def _write_leases(connection: sqlite3.Connection, write: Write, now: float, seq: Iterator[int]) -> None:
    connection.executemany(sql.PUT_LEASE, [_lease_row(lease, now, next(seq)) for lease in write.leases])
    connection.executemany(sql.DELETE_LEASE, [(name,) for name in write.ended_leases])


def _event_row(change: Change, revision: int, seq: int, now: float) -> tuple[object, ...]:
    old, new = change.old, change.new
    return (
        revision,
        seq,
        now,
        change.name,
        change.kind,
        old.revision if old is not None else None,
        old.body if old is not None else None,
        new.body if new is not None else None,
    )


def _lease_row(lease: Lease, now: float, seq: int) -> tuple[object, ...]:
    renewed_at = now if lease.renewed_at is None else lease.renewed_at
    return (lease.name, lease.owner_id, lease.ttl, renewed_at, lease.liveness, seq, lease.load)
