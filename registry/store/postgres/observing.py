"""Observations in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import asyncpg

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
from registry.store.postgres import observing_statements as sql
from registry.store.postgres.connections import TAKE_TIME, Connection, Connections

_LONG = 120.0


class PostgresObservations:
    """The observations of one store. A commit is one statement: no lock outlives it, and none is held while this waits."""

    def __init__(self, connections: Connections, now: Callable[[], float], moment: Callable[[], float] | None) -> None:
        self.now = now
        self._connections = connections
        self._moment = moment

    async def load(self) -> Loaded:
        """Read all that windows are made of."""
        async with self._connections.lend(_LONG) as connection:
            rows = await _read_all(connection)
        return await asyncio.to_thread(_loaded, *rows)

    async def newest(self) -> tuple[int, float]:
        """Return the newest epoch, and its time."""
        row = await self._connections.read(lambda on: on.fetchrow(sql.GET_OBSERVATION_CLOCK))
        assert row is not None  # noqa: S101 - the counter has one row
        number, time = row
        return number, time

    async def since(self, epoch: int) -> Sequence[Epoch]:
        """Return the epochs after *epoch* (exclusive)."""
        return _epochs(await self._connections.read(lambda on: on.fetch(sql.EPOCHS_SINCE, epoch, MAX_EPOCHS)))

    async def marks(self, batches: Collection[BatchKey]) -> Marks:
        """Return which of *batches* were counted."""
        return await self._connections.read(lambda on: _read_marks(on, batches))

    async def commit(self, group: Group) -> Epoch:
        """Make *group* durable as the next epoch."""
        # By reporter and number, as everybody locks them.
        marks = sorted(group.batches.items())
        columns = [
            [key.reporter_id for key, _ in marks],
            [key.number for key, _ in marks],
            [fingerprint for _, fingerprint in marks],
        ]
        body = await asyncio.to_thread(encode, group.delta)
        try:
            async with self._connections.lend() as connection:
                row = await connection.fetchrow(
                    sql.COMMIT_OBSERVATIONS, self._test_time(), group.id, *columns, body, NUMBERS_APART
                )
        except asyncpg.UniqueViolationError as error:
            raise ClashError("a batch was counted by another replica") from error
        assert row is not None  # noqa: S101 - the counter has one row
        number, time = row
        return Epoch(number, time, group.delta)

    async def tick(self, width: float) -> None:
        """Make an epoch without observations, where one is due."""
        async with self._connections.lend() as connection:
            await connection.execute(sql.TICK, self._test_time(), width, encode(Delta()))

    async def unfolded(self, older_than: float, limit: int) -> tuple[Folded, Sequence[Epoch]]:
        """Return how far each shard is folded, and the next epochs."""
        async with self._connections.lend() as connection:
            folded = _folded(await connection.fetch(sql.GET_FOLDED))
            found = await connection.fetch(sql.OLD_EPOCHS_SINCE, min(folded.values()), older_than, limit)
        return folded, _epochs(found)

    async def kept(self, keys: Collection[RollupKey]) -> Mapping[RollupKey, Cell]:
        """Return those of the rollups *keys* that are kept."""
        places = _places(keys)
        found = await self._connections.read(lambda on: on.fetch(sql.GET_ROLLUPS, *places))
        bodies = {(uid, step, start): body for uid, step, start, body in found}
        there = ((key, bodies.get((key.target.uid, key.step, key.start))) for key in keys)
        return {key: Cell.decode(body) for key, body in there if body is not None}

    async def fold(self, shard: int, after: int, through: int, rollups: Mapping[RollupKey, Cell]) -> None:
        """Keep *rollups*."""
        keys = list(rollups)
        columns = [*_places(keys), [key.target.name for key in keys], [rollups[key].encode() for key in keys]]
        async with self._connections.lend() as connection, connection.transaction():
            # Its lock lets one replica fold this shard at a time.
            if await connection.fetchval(sql.SET_FOLDED, shard, after, through) is None:
                raise ClashError("another replica folded")
            await connection.execute(sql.PUT_ROLLUPS, *columns)

    async def rollups(self, uid: str, step: int, start: int, end: int) -> Sequence[tuple[int, Cell]]:
        """Return the rollups of one target."""
        found = await self._connections.read(lambda on: on.fetch(sql.ROLLUPS_OF, uid, step, start, end))
        return [(at, Cell.decode(body)) for at, body in found]

    async def reporters(self, limit: int) -> Collection[str]:
        """Return the reporters of which batches are remembered."""
        found = await self._connections.read(lambda on: on.fetch(sql.REPORTERS, limit))
        return [reporter for (reporter,) in found]

    async def forget(self, oldest: Oldest, limit: int) -> int:
        """Drop what is older than *oldest* says."""
        async with self._connections.lend() as connection:
            gone = _count(await connection.execute(sql.DELETE_EPOCHS, oldest.epochs, limit))
            gone += _count(await connection.execute(sql.DELETE_MARKS, oldest.marks, limit))
            for step, start in oldest.rollups.items():
                gone += _count(await connection.execute(sql.DELETE_ROLLUPS, step, start, limit))
        return gone

    def _test_time(self) -> float | None:
        return None if self._moment is None else self._moment()


async def _read_all(connection: Connection) -> tuple[Any, ...]:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(TAKE_TIME)
        clock = await connection.fetchrow(sql.GET_OBSERVATION_CLOCK)
        assert clock is not None  # noqa: S101 - the counter has one row
        epoch, time = clock
        folded = await connection.fetch(sql.GET_FOLDED)
        epochs = await connection.fetch(sql.ALL_EPOCHS, epoch)
        minutes = await connection.fetch(sql.ROLLUPS_SINCE, MINUTES, int(time - MINUTES_BACK))
        hours = await connection.fetch(sql.ROLLUPS_SINCE, HOURS, int(time - HOURS_BACK))
    return (epoch, time), folded, epochs, minutes, hours


def _loaded(clock: tuple[int, float], folded: Any, epochs: Any, minutes: Any, hours: Any) -> Loaded:
    decoded = ((number, decode(body)) for number, body in epochs)
    return loaded(clock, _folded(folded), decoded, _rolled_up(minutes), _rolled_up(hours))


def _folded(rows: Any) -> Folded:
    return {shard: epoch for shard, epoch in rows}  # noqa: C416 - a row is no pair


def _rolled_up(rows: Any) -> Delta:
    return delta_of_rollups((start, Target(name, uid), Cell.decode(body)) for start, name, uid, body in rows)


def _epochs(rows: Any) -> list[Epoch]:
    return [Epoch(number, time, decode(body)) for number, time, body in rows]


async def _read_marks(connection: Connection, batches: Collection[BatchKey]) -> Marks:
    ids, numbers = [key.reporter_id for key in batches], [key.number for key in batches]
    found = await connection.fetch(sql.GET_MARKS, ids, numbers)
    newest = await connection.fetch(sql.NEWEST_MARKS, list(set(ids)))
    marks = {BatchKey(reporter, number): Mark(*rest) for reporter, number, *rest in found}
    return Marks(marks, {reporter: number for reporter, number in newest})  # noqa: C416 - a row is no pair


def _places(keys: Collection[RollupKey]) -> list[list[Any]]:
    return [[key.target.uid for key in keys], [key.step for key in keys], [key.start for key in keys]]


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
