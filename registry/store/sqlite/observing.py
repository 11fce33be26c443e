"""Observations in SQLite: read and written by the thread of the store."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar

from registry.observations.delta import Delta, Target, decode, encode
from registry.observations.records import (
    MAX_EPOCHS,
    NUMBERS_APART,
    BatchKey,
    ClashError,
    Epoch,
    Folded,
    Group,
    Loaded,
    Mark,
    Marks,
    loaded,
)
from registry.observations.retention import Oldest
from registry.observations.rollups import HOURS, MINUTES, Cell, RollupKey, delta_of_rollups
from registry.observations.windows import HOURS_BACK, MINUTES_BACK
from registry.store.sqlite import statements as sql
from registry.store.sqlite.writing import transaction

T = TypeVar("T")

AT_ONCE = 200
"""How many rollups are looked up at once."""


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
        number, time = await self._run(lambda: self._connection.execute(sql.GET_OBSERVATION_CLOCK).fetchone())
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

    async def unfolded(self, older_than: float, limit: int) -> tuple[Folded, Sequence[Epoch]]:
        """Return how far each shard is folded, and the next epochs."""
        return await self._run(lambda: _unfolded(self._connection, older_than, limit))

    async def kept(self, keys: Collection[RollupKey]) -> Mapping[RollupKey, Cell]:
        """Return those of the rollups *keys* that are kept."""
        listed = list(keys)
        found = {}
        # A write that comes meanwhile waits for one part of it.
        for start in range(0, len(listed), AT_ONCE):
            part = listed[start : start + AT_ONCE]
            found.update(await self._run(partial(_kept, self._connection, part)))
        return {key: Cell.decode(body) for key, body in found.items()}

    async def fold(self, shard: int, after: int, through: int, rollups: Mapping[RollupKey, Cell]) -> None:
        """Keep *rollups*."""
        rows = [(key.target.uid, key.step, key.start, key.target.name, cell.encode()) for key, cell in rollups.items()]
        await self._run(lambda: _fold(self._connection, (through, shard, after), rows))

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
    epoch, time = connection.execute(sql.GET_OBSERVATION_CLOCK).fetchone()
    return loaded(
        (epoch, time),
        dict(connection.execute(sql.GET_FOLDED).fetchall()),
        ((number, decode(body)) for number, _, body in connection.execute(sql.ALL_EPOCHS)),
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
        number, time = connection.execute(sql.GET_OBSERVATION_CLOCK).fetchone()
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
            number, time = connection.execute(sql.GET_OBSERVATION_CLOCK).fetchone()
            connection.execute(sql.PUT_EPOCH, (number, time, encode(Delta())))


def _unfolded(connection: sqlite3.Connection, older_than: float, limit: int) -> tuple[Folded, Sequence[Epoch]]:
    folded = dict(connection.execute(sql.GET_FOLDED).fetchall())
    return folded, list(_epochs(connection, sql.OLD_EPOCHS_SINCE, min(folded.values()), older_than, limit))


def _kept(connection: sqlite3.Connection, keys: Sequence[RollupKey]) -> dict[RollupKey, bytes]:
    found = {key: connection.execute(sql.GET_ROLLUP, (key.target.uid, key.step, key.start)).fetchone() for key in keys}
    return {key: row[0] for key, row in found.items() if row is not None}


def _fold(connection: sqlite3.Connection, step: tuple[int, int, int], rows: Sequence[tuple[object, ...]]) -> None:
    with transaction(connection):
        if not connection.execute(sql.SET_FOLDED, step).rowcount:
            raise ClashError("somebody else folds")
        connection.executemany(sql.PUT_ROLLUP, rows)


def _forget(connection: sqlite3.Connection, oldest: Oldest, limit: int) -> int:
    with transaction(connection):
        gone = connection.execute(sql.DELETE_EPOCHS, (oldest.epochs, limit)).rowcount
        gone += connection.execute(sql.DELETE_MARKS, (oldest.marks, limit)).rowcount
        for step, start in oldest.rollups.items():
            gone += connection.execute(sql.DELETE_ROLLUPS, (step, start, limit)).rowcount
    return gone
