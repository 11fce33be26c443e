"""What the database says: the inside of the read transactions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from registry.leases import MAX_SHARE_PER_PASS, MIN_PER_PASS, MIN_REMOVAL, Due
from registry.store import rows
from registry.store.postgres import statements as sql
from registry.store.postgres.connections import TAKE_TIME, Connection
from registry.store.records import Basis, Contents, Logged, SavedReply


async def read_contents(connection: Connection) -> Contents:
    """Read everything that is published, as of one moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(TAKE_TIME)
        revision, compacted = await _row(connection, sql.GET_META)
        entries = tuple(rows.entry(*row) for row in await connection.fetch(sql.ALL_RESOURCES))
        events = await connection.fetch(sql.ALL_EVENTS, compacted)
    current = {entry.name: entry for entry in entries}
    return Contents(revision, compacted, entries, tuple(rows.history(map(tuple, events), current)))


async def read_log(connection: Connection, after: int, limit: int) -> tuple[Logged, ...]:
    """Read at most *limit* revisions after *after*."""
    return tuple(_logged(await connection.fetch(sql.EVENTS_SINCE, after, limit)))


async def read_newest(connection: Connection, moment: float | None) -> tuple[int, float]:
    """Read the newest revision and the time."""
    revision, time = await _row(connection, sql.GET_NEWEST, moment)
    return revision, time


async def read_basis(
    connection: Connection, leases: Collection[str], request_ids: Collection[str], moment: float | None
) -> tuple[Basis, float]:
    """Read what a group is decided on, all as of one moment, and the time."""
    found = await connection.fetch(sql.GET_BASIS, moment, sorted(leases), sorted(request_ids))
    revision, time, *_ = found[0]
    held = tuple(rows.lease(*row[2:9]) for row in found if row[2] is not None)
    return Basis(revision, held, {row[9]: SavedReply(*row[9:]) for row in found if row[9] is not None}), time


async def read_due(connection: Connection, now: float, epoch: int) -> Due:
    """Find the leases whose next step is due, at most as many as one pass may end."""
    total, overdue = await _row(connection, sql.COUNT_LEASES, now)
    counted = Due((), overdue, total, epoch=epoch)
    if not overdue:
        return counted
    limit = max(MIN_PER_PASS, int(total * MAX_SHARE_PER_PASS))
    found = await connection.fetch(sql.DUE_LEASES, now, MIN_REMOVAL, counted.preserving, limit)
    late = max((row[-1] for row in found), default=0.0)
    return Due(tuple(rows.lease(*row[:-1]) for row in found), overdue, total, late, epoch)


async def _row(connection: Connection, statement: str, *parameters: object) -> Sequence[Any]:
    row = await connection.fetchrow(statement, *parameters)
    assert row is not None  # noqa: S101 - these tables have one row
    return tuple(row)


def _logged(events: Sequence[Any]) -> Iterator[Logged]:
    for number, group in groupby(events, key=itemgetter(0)):
        changes = list(group)
        yield Logged(
            number,
            changes[0][1],
            {
                name: rows.entry(name, kind, number, body) if body is not None else None
                for _, _, name, kind, body in changes
            },
        )
