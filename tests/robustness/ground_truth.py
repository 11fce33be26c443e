"""What truly happened: the event table, and what was compacted out of it.

The tables are read past the registry, straight from the database. A trigger, made when a run begins, keeps a copy of every event
that compaction deletes, in the same transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from airegistry.client.messages import WatchEventType
from tests.robustness.versions import Version, Versions

_COLUMNS = "revision, seq, time, name, old_revision, old_body, new_body"

_KEEP_SQLITE = """
CREATE TABLE compacted_event (revision INTEGER, seq INTEGER, time REAL, name TEXT, old_revision INTEGER, old_body BLOB,
    new_body BLOB);
CREATE TRIGGER keep_compacted BEFORE DELETE ON event BEGIN
    INSERT INTO compacted_event VALUES (OLD.revision, OLD.seq, OLD.time, OLD.name, OLD.old_revision, OLD.old_body,
        OLD.new_body);
END;
"""
_KEEP_POSTGRES = """
CREATE TABLE compacted_event AS SELECT revision, seq, time, name, old_revision, old_body, new_body FROM event WHERE false;
CREATE FUNCTION keep_compacted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO compacted_event SELECT OLD.revision, OLD.seq, OLD.time, OLD.name, OLD.old_revision, OLD.old_body, OLD.new_body;
    RETURN OLD;
END $$;
CREATE TRIGGER keep_compacted BEFORE DELETE ON event FOR EACH ROW EXECUTE FUNCTION keep_compacted();
"""


@dataclass(frozen=True, slots=True)
class Fact:
    """What one revision did to one resource, and when by the store's clock. What the watchers of everything hear of it."""

    revision: int
    name: str
    time: float
    old: Version | None
    new: Version | None

    @property
    def type(self) -> WatchEventType:
        """What that is to a watcher of everything."""
        if self.old is None:
            return WatchEventType.ADDED
        return WatchEventType.REMOVED if self.new is None else WatchEventType.UPDATED

    @property
    def resource(self) -> Version:
        """The resource as it is now, or as it was last."""
        shown = self.new or self.old
        assert shown is not None
        return shown


Facts = Mapping[int, tuple[Fact, ...]]


class GroundTruth(Protocol):
    """Where the events are read."""

    async def keep_compacted(self) -> None:
        """From now on, copy what compaction deletes."""
        ...

    async def newest(self) -> int:
        """Return the revision counter."""
        ...

    async def since(self, revision: int, versions: Versions) -> dict[int, tuple[Fact, ...]]:
        """Return what happened after *revision* (exclusive)."""
        ...


class SqliteTruth:
    """The ground truth in a SQLite file, while a registry writes to it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "registry" / "registry.sqlite3"

    async def keep_compacted(self) -> None:
        """From now on, copy what compaction deletes."""
        with closing(self._open()) as connection:
            connection.executescript(_KEEP_SQLITE)

    async def newest(self) -> int:
        """Return the revision counter."""
        with closing(self._open()) as connection:
            (newest,) = connection.execute("SELECT revision FROM meta").fetchone()
        return int(newest)

    async def since(self, revision: int, versions: Versions) -> dict[int, tuple[Fact, ...]]:
        """Return what happened after *revision* (exclusive)."""
        wanted = f"""
            SELECT {_COLUMNS} FROM event WHERE revision > :after
            UNION ALL SELECT {_COLUMNS} FROM compacted_event WHERE revision > :after ORDER BY revision, seq
        """  # noqa: S608 - the columns are ours
        with closing(self._open()) as connection:
            return facts_of(connection.execute(wanted, {"after": revision}), versions)

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=10, isolation_level=None)


class PostgresTruth:
    """The ground truth in a PostgreSQL database, asked past every proxy."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def keep_compacted(self) -> None:
        """From now on, copy what compaction deletes."""
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(_KEEP_POSTGRES)
        finally:
            await connection.close()

    async def newest(self) -> int:
        """Return the revision counter."""
        connection = await asyncpg.connect(self._url)
        try:
            return int(await connection.fetchval("SELECT revision FROM counter"))
        finally:
            await connection.close()

    async def since(self, revision: int, versions: Versions) -> dict[int, tuple[Fact, ...]]:
        """Return what happened after *revision* (exclusive)."""
        wanted = f"""
            SELECT {_COLUMNS} FROM event WHERE revision > $1
            UNION ALL SELECT {_COLUMNS} FROM compacted_event WHERE revision > $1 ORDER BY revision, seq
        """  # noqa: S608 - the columns are ours
        connection = await asyncpg.connect(self._url)
        try:
            return facts_of(await connection.fetch(wanted, revision), versions)
        finally:
            await connection.close()


def facts_of(rows: Iterable[Any], versions: Versions) -> dict[int, tuple[Fact, ...]]:
    """Return the facts of rows in the order of revisions."""
    facts: dict[int, list[Fact]] = {}
    for revision, _seq, time, name, old_revision, old_body, new_body in rows:
        old = versions.stored(old_revision, old_body) if old_revision is not None else None
        new = versions.stored(revision, new_body) if new_body is not None else None
        facts.setdefault(revision, []).append(Fact(revision, name, time, old, new))
    return {revision: tuple(events) for revision, events in facts.items()}
