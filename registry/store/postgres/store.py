"""The store in PostgreSQL, shared by any number of replicas."""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Self

import asyncpg

from airegistry.errors import UnavailableError
from registry.leases import Due
from registry.store.postgres import reading, writing
from registry.store.postgres import statements as sql
from registry.store.postgres.clock import DatabaseClock
from registry.store.postgres.connections import FAILURES, Connection, Connections, DefeatedError, LostError
from registry.store.postgres.notices import Notices
from registry.store.postgres.observing import PostgresObservations
from registry.store.postgres.schema import ensure_schema
from registry.store.records import Basis, Committed, Contents, Expected, Logged, StaleError, Write

log = logging.getLogger(__name__)

MAX_REVISIONS = 64
"""How many revisions are read from the log at once."""
SWEEP_TERM = 3.0
"""For how long a replica may sweep after each pass, in seconds: when it stops, another one takes over after that."""
SEEN = 5.0
"""For how long a replica counts as there after it was seen, in seconds."""
_POLITE = 1.0
"""For how long leaving may take, in seconds."""
_LONG = 120.0
"""The deadline of what reads or migrates everything, in seconds."""


class PostgresStore:
    """The store in PostgreSQL.

    A write locks what it was decided on, resources and leases in the order of names, and compares. Its last statement bumps
    the counter, whose lock orders all commits: the order of revisions is the order in which they become visible. Every wait
    for the database has a deadline.
    """

    shared = True

    def __init__(
        self, connections: Connections, cluster_id: str, *, poll_interval: float, clock: Callable[[], float] | None
    ) -> None:
        self.cluster_id = cluster_id
        self.replica_id = uuid.uuid4().hex
        self.replicas: Sequence[str] = (self.replica_id,)
        self.now: Callable[[], float] = clock or DatabaseClock()
        self._connections = connections
        self._poll_interval = poll_interval
        self._moment = clock
        self._notices = Notices(connections)
        self.observations = PostgresObservations(connections, self.now, clock)
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, url: str, *, now: Callable[[], float] | None = None, notify: bool = True, poll_interval: float = 0.2
    ) -> Self:
        """Connect, and bring the tables up to date.

        *now* is the clock that tests move; without it the database's own counts. Without *notify* other replicas see a
        commit when they poll, which is every *poll_interval* seconds at least.
        """
        connections = await Connections.open(url)
        try:
            async with connections.lend(_LONG) as connection:
                await ensure_schema(connection, url)
                cluster_id = await connection.fetchval(sql.GET_CLUSTER_ID)
                # Its timeouts are those of a migration.
                connection.terminate()
            store = cls(connections, cluster_id, poll_interval=poll_interval, clock=now)
            await store.newest()
        except BaseException:
            await connections.close()
            raise
        if notify:
            store._listening = asyncio.create_task(store._notices.run())
        return store

    async def load(self) -> Contents:
        """Read everything that is published."""
        async with self._connections.lend(_LONG) as connection:
            return await reading.read_contents(connection)

    async def newest(self) -> int:
        """Return the newest revision that is committed."""
        revision, time = await self._connections.read(lambda on: reading.read_newest(on, self._test_time()))
        self._read_clock(time)
        return revision

    async def since(self, revision: int) -> Sequence[Logged]:
        """Return what the log has after *revision* (exclusive), the oldest first and up to a bound."""
        return await self._connections.read(lambda on: reading.read_log(on, revision, MAX_REVISIONS))

    async def changed(self) -> None:
        """Wait until a notice comes, or until it is time to look anyway."""
        # Replicas that poll together would ask together.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_interval * random.uniform(0.6, 1)):
                await self._notices.heard.wait()
        self._notices.heard.clear()

    async def basis(self, leases: Collection[str], request_ids: Collection[str]) -> Basis:
        """Return the newest revision, with those of the *leases* and of the replies to *request_ids* that there are."""
        moment = self._test_time()
        basis, time = await self._connections.read(lambda on: reading.read_basis(on, leases, request_ids, moment))
        self._read_clock(time)
        return basis

    async def commit(self, writes: Sequence[Write], expected: Expected) -> Committed:
        """Make *writes* durable in one transaction."""
        batch = uuid.uuid4()
        committed: Committed | None = None
        try:
            async with self._connections.lend() as connection:
                transaction = connection.transaction()
                await transaction.start()
                try:
                    committed = await self._write(connection, writes, expected, batch)
                except BaseException:
                    with suppress(*FAILURES):
                        await transaction.rollback()
                    raise
                await transaction.commit()
        except asyncpg.IntegrityConstraintViolationError as error:
            raise StaleError(f"somebody else was faster: {type(error).__name__}") from error
        except UnavailableError as error:
            if committed is None:
                # COMMIT was never sent.
                if isinstance(error, LostError | DefeatedError):
                    raise StaleError(error.message) from error
                raise
            # Without an answer to COMMIT nobody knows. Leases alone need no certainty: they are renewed again.
            if not any(write.changes for write in writes):
                raise
            await self._find_out(committed, batch)
        if any(write.changes for write in writes):
            self._notices.announce()
        return committed

    async def due(self, *, away: float) -> Due | None:
        """Find the leases whose next step is due; None when another process sweeps."""
        async with self._connections.lend() as connection:
            others = await connection.fetch(sql.SHOW_UP, self._test_time(), self.replica_id, SEEN)
            self.replicas = sorted((self.replica_id, *(row[0] for row in others)))
            # Together: a pass that is noted without its forgiveness would let leases end that nobody could renew.
            async with connection.transaction():
                taken = await connection.fetchrow(sql.TAKE_SWEEP, self._test_time(), self.replica_id, SWEEP_TERM)
                if taken is None:
                    return None
                epoch, now, since = taken
                if since > away:
                    await connection.execute(sql.FORGIVE, now)
            due = await reading.read_due(connection, now, epoch)
        if since > away and due.total:
            log.warning("nobody looked after the leases for %.1f s: each gets its whole time to live again", since)
        return due

    async def forget_replies(self, *, older_than: float, limit: int) -> int:
        """Drop at most *limit* replies saved before *older_than*; return how many were dropped."""
        async with self._connections.lend() as connection:
            return int((await connection.execute(sql.DELETE_REPLIES, older_than, limit)).rpartition(" ")[2])

    async def compact(self, through: int) -> None:
        """Drop the history up to *through* (inclusive). Every replica may; all but the first find nothing to do."""
        async with self._connections.lend() as connection, connection.transaction():
            await connection.execute(sql.SET_COMPACTED, through)
            await connection.execute(sql.DELETE_EVENTS, through)

    async def close(self) -> None:
        """Let another replica sweep at once, and let go of the database."""
        if self._listening is not None:
            self._notices.close()
            await asyncio.wait([self._listening], timeout=_POLITE)
            self._listening.cancel()
            await asyncio.wait([self._listening])
        with suppress(UnavailableError):
            async with self._connections.lend(_POLITE) as connection:
                await connection.execute(sql.GIVE_SWEEP_UP, self.replica_id)
                await connection.execute(sql.LEAVE, self.replica_id)
        await self._connections.close()

    async def _write(
        self, connection: Connection, writes: Sequence[Write], expected: Expected, batch: uuid.UUID
    ) -> Committed:
        moment = self._test_time()
        await writing.lock(connection, expected)
        await writing.lock_sweeper(connection, writes, self.replica_id)
        early, late = writing.lease_rows(writes, expected)
        await writing.write_leases(connection, writes, early, moment)
        return await writing.write_changes(connection, writes, late, batch, moment)

    async def _find_out(self, committed: Committed, batch: uuid.UUID) -> None:
        """Return when the batch is there, although its COMMIT was not answered; StaleError when it is not."""
        newest = max(committed.revisions)

        async def look(connection: Connection) -> bool:
            async with connection.transaction():
                # Waits for a COMMIT that is still under way.
                await connection.execute(sql.LOCK_COUNTER)
                return bool(await connection.fetchval(sql.IS_LOGGED, newest, batch))

        try:
            there = await self._connections.read(look)
        except UnavailableError as error:
            message = f"{error.message}; whether revision {newest} was written is not known"
            raise UnavailableError(message, retry_after=error.retry_after) from error
        if not there:
            raise StaleError("the transaction was lost")

    def _test_time(self) -> float | None:
        return None if self._moment is None else self._moment()

    def _read_clock(self, time: float) -> None:
        if isinstance(self.now, DatabaseClock):
            self.now.read(time)
