"""From values to rows: the inside of the write transactions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from airegistry.resources.names import parse_name
from registry.leases import Lease
from registry.store.postgres import statements as sql
from registry.store.postgres.connections import Connection
from registry.store.records import Committed, Expected, StaleError, Write

Row: TypeAlias = tuple[Any, ...]


async def lock(connection: Connection, expected: Expected) -> None:
    """Lock what a group was decided on; StaleError when it is not what it was."""
    if not expected.revisions and not expected.leases:
        return
    found = await connection.fetch(sql.LOCK, sorted(expected.revisions), sorted(expected.leases))
    revisions = {name: number for resource, name, number in found if resource}
    leases = {name: number for resource, name, number in found if not resource}
    _compare("resource", expected.revisions.items(), revisions)
    _compare("lease", expected.leases.items(), leases)


async def lock_sweeper(connection: Connection, writes: Iterable[Write], replica: str) -> None:
    """Refuse what only the sweeper may do when this replica is it no more."""
    for epoch in {write.epoch for write in writes if write.epoch is not None}:
        if not await connection.fetchval(sql.LOCK_SWEEPER, replica, epoch):
            raise StaleError("another replica sweeps now", fenced=True)


def lease_rows(writes: Sequence[Write], expected: Expected) -> tuple[list[Row], list[Row]]:
    """Return the leases that are written before the counter is locked, and those after it, in the order of names.

    It is locked for no longer than it must be, so what takes no revision goes before. But a lease that is not there yet could not
    be locked: whoever wrote it and then waited for the counter could be waited for by who has that, and makes the same lease.
    """
    changing = any(write.changes for write in writes)
    early: list[Lease] = []
    late: list[Lease] = []
    for write in writes:
        for lease in write.leases:
            goes_late = write.changes or (changing and not expected.leases.get(lease.name))
            (late if goes_late else early).append(lease)
    return _rows_of(early), _rows_of(late)


async def write_leases(
    connection: Connection, writes: Sequence[Write], leases: Sequence[Row], moment: float | None
) -> None:
    """End leases, and write those that go before the counter is locked."""
    ended = sorted(name for write in writes for name in write.ended_leases)
    if leases:
        await connection.execute(sql.PUT_LEASES, moment, *_columns(leases, 6))
    if ended:
        await connection.execute(sql.DELETE_LEASES, ended)


async def write_changes(
    connection: Connection, writes: Sequence[Write], leases: Sequence[Row], batch: UUID, moment: float | None
) -> Committed:
    """Take the next revisions and write what they changed, with the other *leases*: the last statement before COMMIT."""
    steps = list(_steps(writes))
    total = steps[-1] if steps else 0
    if not total:
        return await _save_replies(connection, writes, moment)
    rows = _Rows()
    for write, step in zip(writes, steps, strict=True):
        rows.add(write, step)
    row = await connection.fetchrow(sql.WRITE, moment, total, batch, *rows.columns(), *_columns(leases, 6))
    assert row is not None  # noqa: S101 - the counter has one row
    base, now = row
    return Committed(tuple(base + step for step in steps), now)


class _Rows:
    """The rows of a group, table by table."""

    def __init__(self) -> None:
        self._created: list[tuple[Any, ...]] = []
        self._updated: list[tuple[Any, ...]] = []
        self._removed: list[str] = []
        self._events: list[tuple[Any, ...]] = []
        self._replies: list[tuple[Any, ...]] = []

    def add(self, write: Write, step: int) -> None:
        """Add what *write* does, at the *step*-th new revision."""
        for seq, change in enumerate(write.changes):
            old, new, name = change.old, change.new, change.name
            if new is None:
                self._removed.append(name)
            elif old is None:
                parent = parse_name(name).parent or None
                self._created.append((name, parent, new.kind, new.resource.uid, step, new.body))
            else:
                self._updated.append((name, step, new.body))
            self._events.append(
                (
                    *(step, seq, name, change.kind),
                    old.revision if old is not None else None,
                    old.body if old is not None else None,
                    new.body if new is not None else None,
                )
            )
        if (saved := write.reply) is not None:
            self._replies.append((saved.request_id, saved.fingerprint, step, saved.reply))

    def columns(self) -> list[list[Any]]:
        """Return the parameters that `statements.WRITE` unnests."""
        return [
            *_columns(self._created, 6),
            *_columns(self._updated, 3),
            self._removed,
            *_columns(self._events, 7),
            *_columns(self._replies, 4),
        ]


async def _save_replies(connection: Connection, writes: Sequence[Write], moment: float | None) -> Committed:
    saved = [write.reply for write in writes if write.reply is not None]
    rows = ((reply.request_id, reply.fingerprint, reply.reply) for reply in saved)
    row = await connection.fetchrow(
        sql.SAVE_REPLIES if saved else sql.GET_NEWEST, moment, *(_columns(rows, 3) if saved else ())
    )
    assert row is not None  # noqa: S101 - the counter has one row
    revision, now = row
    return Committed((revision,) * len(writes), now)


def _steps(writes: Sequence[Write]) -> Iterable[int]:
    """Yield for each write how many revisions the group has taken with it."""
    step = 0
    for write in writes:
        step += bool(write.changes)
        yield step


def _compare(what: str, expected: Iterable[tuple[str, int]], found: dict[str, int]) -> None:
    for name, number in expected:
        if found.get(name, 0) != number:
            raise StaleError(f"the {what} {name} changed meanwhile")


def _rows_of(leases: Iterable[Lease]) -> list[Row]:
    return [
        (one.name, one.owner_id, one.ttl, one.renewed_at, one.liveness, one.load)
        for one in sorted(leases, key=lambda lease: lease.name)
    ]


def _columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Return rows turned on their side."""
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]
