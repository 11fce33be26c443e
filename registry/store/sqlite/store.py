"""The store in one SQLite file, written by one thread."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import TypeVar

from airegistry.errors import FailedPreconditionError, UnavailableError
from registry.leases import Due
from registry.store.clock import SteadyClock
from registry.store.records import Basis, Committed, Contents, Expected, Logged, Write
from registry.store.sqlite import reading, writing
from registry.store.sqlite import statements as sql
from registry.store.sqlite.folder import Folder
from registry.store.sqlite.observing import SqliteObservations
from registry.store.sqlite.schema import ensure_schema

T = TypeVar("T")

_ALONE = "0"


class SqliteStore:
    """The store in one SQLite file, which belongs to this process alone.

    The connection belongs to one thread. Each method is one function that this thread runs from the beginning of a
    transaction to its end: nothing comes between, and no lock is needed.
    """

    shared = False
    replica_id = _ALONE
    replicas = (_ALONE,)

    def __init__(self, path: Path, *, now: Callable[[], float] | None = None) -> None:
        self.now: Callable[[], float] = now or SteadyClock()
        # Nobody could renew while no process had the folder.
        self._forgiven = self._swept = self.now()
        self._folder = Folder(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        try:
            self._connection = self._thread.submit(_connect, self._folder.database).result()
            self._thread.submit(self._look).result()
        except BaseException as error:
            self._thread.shutdown()
            self._folder.close()
            if isinstance(error, sqlite3.Error):
                raise FailedPreconditionError(f"{self._folder.database} cannot be opened: {error}") from error
            raise
        self.observations = SqliteObservations(self._connection, self._run, self.now)

    async def load(self) -> Contents:
        """Read everything that is published."""
        return await self._run(lambda: reading.read_contents(self._connection))

    async def newest(self) -> int:
        """Return the newest revision that is committed."""
        return self._revision

    async def since(self, revision: int) -> Sequence[Logged]:
        """Return nothing: whoever wrote something here knows it."""
        raise AssertionError(f"revision {revision} is not the newest one that this process wrote")

    async def changed(self) -> None:
        """Wait for ever: nobody else writes."""
        await asyncio.Event().wait()

    async def basis(self, leases: Collection[str], request_ids: Collection[str]) -> Basis:
        """Return the newest revision, with those of the *leases* and of the replies to *request_ids* that there are."""
        # Most requests are about resources without a lease: they need not wait for the thread.
        leased = self._leased.intersection(leases)
        if not leased and not request_ids:
            return Basis(self._revision)
        return await self._run(
            lambda: Basis(
                self._revision,
                reading.read_leases(self._connection, leased, self._forgiven),
                reading.read_replies(self._connection, request_ids),
            )
        )

    async def commit(self, writes: Sequence[Write], expected: Expected) -> Committed:  # noqa: ARG002 - nobody else writes
        """Make *writes* durable in one transaction."""
        now = self.now()
        try:
            revisions = await self._run(lambda: writing.write_all(self._connection, writes, now, self._seq))
        except UnavailableError:
            # Nobody could renew either.
            self._forgiven = self.now()
            raise
        self._revision = revisions[-1]
        for write in writes:
            self._leased.update(lease.name for lease in write.leases)
            self._leased.difference_update(write.ended_leases)
        return Committed(tuple(revisions), now)

    async def due(self, *, away: float) -> Due:
        """Find the leases whose next step is due."""
        now = self.now()
        if now - self._swept > away:
            self._forgiven = now
        self._swept = now
        return await self._run(lambda: reading.read_due(self._connection, now, self._forgiven))

    async def forget_replies(self, *, older_than: float, limit: int) -> int:
        """Drop at most *limit* replies saved before *older_than*; return how many were dropped."""
        return await self._run(lambda: writing.delete_replies(self._connection, older_than, limit))

    async def compact(self, through: int) -> None:
        """Drop the history up to *through* (inclusive)."""
        await self._run(lambda: writing.compact(self._connection, through))

    async def close(self) -> None:
        """Finish what was begun, and let another process have the folder."""
        self._thread.submit(self._connection.close)
        await asyncio.to_thread(self._thread.shutdown)
        self._folder.close()

    def _look(self) -> None:
        """Learn what need not be asked for again."""
        self.cluster_id, self._revision, _ = self._connection.execute(sql.GET_META).fetchone()
        self._leased = {name for (name,) in self._connection.execute(sql.LEASED_NAMES)}
        (newest,) = self._connection.execute(sql.MAX_LEASE_SEQ).fetchone()
        self._seq = count(newest + 1)

    async def _run(self, function: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, function)
        except sqlite3.Error as error:
            # A full or failing disk: it may heal, and reads go on meanwhile.
            raise UnavailableError(f"the store failed: {error.sqlite_errorname}") from error


def _connect(database: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        connection.executescript(sql.SETTINGS)
        ensure_schema(connection, database)
    except BaseException:
        connection.close()
        raise
    return connection
