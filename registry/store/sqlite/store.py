"""The store in one SQLite file, written by one thread."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from airegistry.errors import FailedPreconditionError, UnavailableError
from registry.store.clock import SteadyClock
from registry.store.records import Contents, SavedReply, Write
from registry.store.sqlite import reading, writing
from registry.store.sqlite import statements as sql
from registry.store.sqlite.folder import Folder
from registry.store.sqlite.schema import ensure_schema

T = TypeVar("T")


class SqliteStore:
    """The store in one SQLite file.

    The connection belongs to one thread. Each method is one function that this thread runs from the beginning of a
    transaction to its end: nothing comes between, and no lock is needed.
    """

    def __init__(self, path: Path, *, now: Callable[[], float] | None = None) -> None:
        self.now: Callable[[], float] = now or SteadyClock()
        self._folder = Folder(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        try:
            self._connection = self._thread.submit(_connect, self._folder.database).result()
            self.cluster_id: str = self._thread.submit(_cluster_id, self._connection).result()
        except BaseException as error:
            self._thread.shutdown()
            self._folder.close()
            if isinstance(error, sqlite3.Error):
                raise FailedPreconditionError(f"{self._folder.database} cannot be opened: {error}") from error
            raise

    async def load(self) -> Contents:
        """Read everything."""
        return await self._run(lambda: reading.read_contents(self._connection))

    async def commit(self, writes: Sequence[Write]) -> list[int]:
        """Make *writes* durable in one transaction; return the revision of each."""
        now = self.now()
        return await self._run(lambda: writing.write_all(self._connection, writes, now))

    async def replies(self, request_ids: Collection[str]) -> Mapping[str, SavedReply]:
        """Return the saved replies among *request_ids*."""
        return await self._run(lambda: reading.read_replies(self._connection, request_ids))

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


def _cluster_id(connection: sqlite3.Connection) -> str:
    return str(connection.execute(sql.GET_META).fetchone()[0])
