"""Brings a database to the newest schema."""

from __future__ import annotations

import sqlite3
import uuid
from pathlib import Path

from airegistry.errors import FailedPreconditionError
from registry.store.sqlite import statements as sql

HEAD = "0003"
"""The newest migration; a test compares it with the folder of migrations."""

MIGRATIONS = Path(__file__).parent / "migrations"


def ensure_schema(connection: sqlite3.Connection, database: Path) -> None:
    """Make the tables when there are none; migrate when they are behind."""
    (made,) = connection.execute(sql.HAS_TABLES).fetchone()
    if not made:
        make_tables(connection)
        return
    row = connection.execute(sql.GET_VERSION).fetchone()
    version = row[0] if row else None
    if version == HEAD:
        return
    if version is not None and version > HEAD:
        raise FailedPreconditionError(
            f"{database} was written by a newer registry (schema {version}, this one knows {HEAD}): update this one"
        )
    migrate(database)


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the newest tables at once."""
    connection.execute(sql.BEGIN)
    for statement in sql.SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute(sql.MAKE_VERSION)
    connection.execute(sql.SET_VERSION, (HEAD,))
    connection.execute(sql.MAKE_META, (str(uuid.uuid4()),))
    connection.execute(sql.MAKE_OBSERVATION_CLOCK)
    connection.execute(sql.MAKE_FOLDS)
    connection.execute(sql.COMMIT)


def migrate(database: Path, revision: str = "head") -> None:
    """Run the migrations that are missing."""
    # Half a second and 49 MB: paid only by a start that has something to migrate.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["database"] = database
    command.upgrade(config, revision)
