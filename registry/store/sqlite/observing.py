"""Observations in SQLite: read and written by the thread of the store."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from registry.observations.delta import Delta, Target, decode, encode, merged
from registry.observations.records import (
    NUMBERS_APART,
    BatchKey,
    ClashError,
    Epoch,
    Group,
    Loaded,
    Mark,
    Marks,
)
from registry.observations.retention import Oldest
from registry.observations.rollups import HOURS, MINUTES, Cell, RollupKey, combined, delta_of_rollups
from registry.observations.windows import HOURS_BACK, MINUTES_BACK
from registry.store.sqlite import statements as sql
from registry.store.sqlite.writing import transaction

T = TypeVar("T")

MAX_EPOCHS = 64
"""How many epochs are read at once."""


class Run(Protocol):
    """Runs a function in the thread that has the connection."""

    def __call__(self, function: Callable[[], T], /) -> Awaitable[T]:
        """Return what *function* returns."""
        ...


class SqliteObservations:
    """The observations of one store. Each method is one function that *run* runs, as one transaction."""

    def __init__(self, connection: sqlite3.Connection, run: Run, now: Callable[[], float]) -> None:
        self.now = now
        self._connection = connection
        self._run = run

    async def load(self) -> Loaded:
        """Read all that windows are made of."""
        return await self._run(lambda: _load(self._connection))

    async def newest(self) -> tuple[int, float]:
        """Return the newest epoch, and its time."""
        number, time, _ = await self._run(lambda: self._connection.execute(sql.GET_OBSERVATION_CLOCK).fetchone())
        return number, time

    async def since(self, epoch: int) -> Sequence[Epoch]:
        """Return the epochs after *epoch* (exclusive)."""
        return await self._run(lambda: list(_epochs(self._connection, sql.EPOCHS_SINCE, epoch, MAX_EPOCHS)))

    async def marks(self, batches: Collection[BatchKey]) -> Marks:
        """Return which of *batches* were counted."""
        return await self._run(lambda: _marks(self._connection, batches))

    async def commit(self, group: Group) -> Epoch:
        """Make *group* durable as the next epoch."""
        now, body = self.now(), await asyncio.to_thread(encode, group.delta)
        number, time = await self._run(lambda: _commit(self._connection, group, body, now))
        return Epoch(number, time, group.delta)

    async def tick(self, width: float) -> None:
        """Make an epoch without observations, where one is due."""
        now = self.now()
        await self._run(lambda: _tick(self._connection, now, width))

    async def unfolded(self, older_than: float, limit: int) -> tuple[int, Sequence[Epoch]]:
        """Return the last epoch that is in the rollups, and the next ones."""
        return await self._run(lambda: _unfolded(self._connection, older_than, limit))

    async def fold(self, after: int, through: int, rollups: Mapping[RollupKey, Cell]) -> None:
        """Add *rollups* to those that are kept."""
        await self._run(lambda: _fold(self._connection, after, through, rollups))

    async def rollups(self, uid: str, step: int, start: int, end: int) -> Sequence[tuple[int, Cell]]:
        """Return the rollups of one target."""
        place = (uid, step, start, end)
        found = await self._run(lambda: self._connection.execute(sql.ROLLUPS_OF, place).fetchall())
        return [(at, Cell.decode(body)) for at, body in found]

    async def reporters(self, limit: int) -> Collection[str]:
        """Return the reporters of which batches are remembered."""
        found = await self._run(lambda: self._connection.execute(sql.REPORTERS, (limit,)).fetchall())
        return [reporter for (reporter,) in found]

    async def forget(self, oldest: Oldest, limit: int) -> int:
        """Drop what is older than *oldest* says."""
        return await self._run(lambda: _forget(self._connection, oldest, limit))


def _load(connection: sqlite3.Connection) -> Loaded:
    epoch, time, folded = connection.execute(sql.GET_OBSERVATION_CLOCK).fetchone()
    epochs = [(number, decode(body)) for number, _, body in connection.execute(sql.ALL_EPOCHS)]
    return Loaded(
        epoch=epoch,
        time=time,
        fresh=merged(delta for number, delta in epochs if number > folded),
        folded=merged(delta for number, delta in epochs if number <= folded),
        minutes=_rolled_up(connection, MINUTES, time - MINUTES_BACK),
        hours=_rolled_up(connection, HOURS, time - HOURS_BACK),
    )


def _rolled_up(connection: sqlite3.Connection, step: int, start: float) -> Delta:
    rows = connection.execute(sql.ROLLUPS_SINCE, (step, start))
    return delta_of_rollups((at, Target(name, uid), Cell.decode(body)) for at, name, uid, body in rows)


def _epochs(connection: sqlite3.Connection, statement: str, *values: float) -> Iterator[Epoch]:
    for number, time, body in connection.execute(statement, values):
        yield Epoch(number, time, decode(body))


def _marks(connection: sqlite3.Connection, batches: Collection[BatchKey]) -> Marks:
    found = {key: connection.execute(sql.GET_MARK, key).fetchone() for key in batches}
    newest = {
        reporter: connection.execute(sql.NEWEST_MARK, (reporter,)).fetchone()[0] or 0
        for reporter in {key.reporter_id for key in batches}
    }
    return Marks({key: Mark(*row) for key, row in found.items() if row is not None}, newest)


def _commit(connection: sqlite3.Connection, group: Group, body: bytes, now: float) -> tuple[int, float]:
    with transaction(connection):
        connection.execute(sql.BUMP_EPOCH, (now,))
        number, time, _ = connection.execute(sql.GET_OBSERVATION_CLOCK).fetchone()
        rows = [(*key, fingerprint, number, group.id, time) for key, fingerprint in group.batches.items()]
        try:
            connection.executemany(sql.PUT_MARK, rows)
        except sqlite3.IntegrityError as error:
            raise ClashError("a batch was counted before") from error
        passed = [(key.reporter_id, key.number - NUMBERS_APART) for key in group.batches]
        connection.executemany(sql.DELETE_PASSED_MARKS, passed)
        connection.execute(sql.PUT_EPOCH, (number, time, body))
    return number, time


def _tick(connection: sqlite3.Connection, now: float, width: float) -> None:
    with transaction(connection):
        if connection.execute(sql.BUMP_EPOCH_IF_DUE, {"now": now, "width": width}).rowcount:
            number, time, _ = connection.execute(sql.GET_OBSERVATION_CLOCK).fetchone()
            connection.execute(sql.PUT_EPOCH, (number, time, encode(Delta())))


def _unfolded(connection: sqlite3.Connection, older_than: float, limit: int) -> tuple[int, Sequence[Epoch]]:
    *_, folded = connection.execute(sql.GET_OBSERVATION_CLOCK).fetchone()
    return folded, list(_epochs(connection, sql.OLD_EPOCHS_SINCE, folded, older_than, limit))


def _fold(connection: sqlite3.Connection, after: int, through: int, rollups: Mapping[RollupKey, Cell]) -> None:
    with transaction(connection):
        if not connection.execute(sql.SET_FOLDED, (through, after)).rowcount:
            raise ClashError("somebody else folds")
        for (step, start, target), cell in rollups.items():
            place = (target.uid, step, start)
            row = connection.execute(sql.GET_ROLLUP, place).fetchone()
            whole = cell if row is None else combined((Cell.decode(row[0]), cell))
            connection.execute(sql.PUT_ROLLUP, (*place, target.name, whole.encode()))


def _forget(connection: sqlite3.Connection, oldest: Oldest, limit: int) -> int:
    with transaction(connection):
        gone = connection.execute(sql.DELETE_EPOCHS, (oldest.epochs, limit)).rowcount
        gone += connection.execute(sql.DELETE_MARKS, (oldest.marks, limit)).rowcount
        for step, start in oldest.rollups.items():
            gone += connection.execute(sql.DELETE_ROLLUPS, (step, start, limit)).rowcount
    return gone
