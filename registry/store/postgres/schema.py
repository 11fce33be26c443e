"""Brings a database to the newest schema."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from airegistry.errors import FailedPreconditionError
from registry.store.postgres import statements as sql
from registry.store.postgres.connections import Connection

log = logging.getLogger(__name__)

HEAD = "0002"
"""The newest migration; a test compares it with the folder of migrations."""

MIGRATIONS = Path(__file__).parent / "migrations"


async def ensure_schema(connection: Connection, url: str) -> None:
    """Make the tables when there are none; migrate when they are behind. Replicas that start together wait for the first."""
    # Who starts may be held up for a while: nobody but others that start waits for what is locked here.
    await connection.execute(
        "SET lock_timeout = 0; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0"
    )
    await connection.execute(sql.LOCK_SCHEMA)
    try:
        await _ensure(connection, url)
    finally:
        await connection.execute(sql.UNLOCK_SCHEMA)
    await _warn_of_losses(connection)


async def make_tables(connection: Connection) -> None:
    """Make the newest tables at once."""
    async with connection.transaction():
        await connection.execute(sql.SCHEMA)
        await connection.execute(sql.MAKE_VERSION)
        await connection.execute(sql.SET_VERSION, HEAD)
        await connection.execute(sql.FIRST_ROWS)


def migrate(url: str, revision: str = "head") -> None:
    """Run the migrations that are missing. Not in a running loop."""
    # Half a second and 49 MB: paid only by a start that has something to migrate.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    command.upgrade(config, revision)


async def _ensure(connection: Connection, url: str) -> None:
    if not await connection.fetchval(sql.HAS_TABLES):
        await make_tables(connection)
        return
    version = await connection.fetchval(sql.GET_VERSION)
    if version is not None and version > HEAD:
        raise FailedPreconditionError(
            f"the database was written by a newer registry (schema {version}, this one knows {HEAD}): update this one"
        )
    if version != HEAD:
        await asyncio.to_thread(migrate, url)


async def _warn_of_losses(connection: Connection) -> None:
    row = await connection.fetchrow(sql.GET_DURABILITY)
    assert row is not None  # noqa: S101 - settings are always there
    fsync, synchronous_commit = row
    if "off" in (fsync, synchronous_commit):
        log.warning(
            "fsync is %s and synchronous_commit is %s: a crash of the database may lose what was acknowledged",
            fsync,
            synchronous_commit,
        )
