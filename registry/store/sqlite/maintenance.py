"""What operators do to a store in SQLite, past the registry."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from airegistry.errors import FailedPreconditionError
from registry.store.overview import NewId, Overview
from registry.store.sqlite import statements as sql
from registry.store.sqlite.folder import DATABASE_FILE, Folder
from registry.store.sqlite.schema import HEAD
from registry.store.sqlite.writing import transaction


def look(path: Path) -> Overview:
    """Describe the store in the folder *path*, also while a registry runs on it. FailedPreconditionError: it has none."""
    database = _existing(path)
    with _opened(f"{database.absolute().as_uri()}?mode=ro") as connection:
        return Overview(f"SQLite, {database}", *connection.execute(sql.OVERVIEW).fetchone())


def give_new_id(path: Path) -> NewId:
    """Give the store in the folder *path* another cluster id. FailedPreconditionError: a registry runs on it."""
    _existing(path)
    folder = Folder(path)
    try:
        with _opened(folder.database.absolute().as_uri()) as connection:
            connection.executescript(sql.SETTINGS)
            return _give_new_id(connection)
    finally:
        folder.close()


def _give_new_id(connection: sqlite3.Connection) -> NewId:
    (version,) = connection.execute(sql.GET_VERSION).fetchone()
    if version > HEAD:
        raise FailedPreconditionError(f"the store is of a newer registry (schema {version}, this one knows {HEAD})")
    new = str(uuid.uuid4())
    with transaction(connection):
        (old, *_) = connection.execute(sql.GET_META).fetchone()
        connection.execute(sql.SET_CLUSTER_ID, (new,))
    return NewId(old, new)


def _existing(path: Path) -> Path:
    if not (database := path / DATABASE_FILE).exists():
        raise FailedPreconditionError(f"{path} holds no registry")
    return database


@contextmanager
def _opened(uri: str) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise FailedPreconditionError(f"the database cannot be used: {error}") from error
