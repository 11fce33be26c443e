"""What operators do to a store in PostgreSQL, past the registry."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from airegistry.errors import FailedPreconditionError
from registry.store.overview import NewId, Overview, Replica
from registry.store.postgres import statements as sql
from registry.store.postgres.connections import Connection, Connections
from registry.store.postgres.schema import HEAD

LATELY = 10.0
"""For how many seconds a replica that was seen may still be there."""


async def look(url: str) -> Overview:
    """Describe the store in the database at *url*. FailedPreconditionError: it has none."""
    async with _opened(url) as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        row = await connection.fetchrow(sql.OVERVIEW)
        assert row is not None  # noqa: S101 - these tables have one row
        name, *facts, sweeper = row
        held = Overview(f"PostgreSQL, {name}", *facts)
        return replace(held, replicas=await _replicas(connection), sweeper=sweeper)


async def give_new_id(url: str) -> NewId:
    """Give the store in the database at *url* another cluster id. FailedPreconditionError: registries run on it."""
    new = str(uuid.uuid4())
    async with _opened(url) as connection, connection.transaction():
        # A registry that starts waits for it, and reads the new id.
        if not await connection.fetchval(sql.TRY_LOCK_SCHEMA):
            raise FailedPreconditionError("a registry is starting on this database: stop it first")
        version = await connection.fetchval(sql.GET_VERSION)
        if version > HEAD:
            raise FailedPreconditionError(f"the store is of a newer registry (schema {version}, this one knows {HEAD})")
        if using := [*await _sessions(connection), *await _seen(connection)]:
            raise FailedPreconditionError(f"registries use this database: {', '.join(using)}; stop them all first")
        old = await connection.fetchval(sql.GET_CLUSTER_ID)
        await connection.execute(sql.SET_CLUSTER_ID, new)
    return NewId(old, new)


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Connection]:
    connections = await Connections.open(url)
    try:
        async with connections.lend() as connection:
            if not await connection.fetchval(sql.HAS_TABLES):
                raise FailedPreconditionError("the database holds no registry")
            yield connection
    finally:
        await connections.close()


async def _replicas(connection: Connection) -> tuple[Replica, ...]:
    return tuple(Replica(*row) for row in await connection.fetch(sql.REPLICAS_SEEN, LATELY))


async def _seen(connection: Connection) -> Sequence[str]:
    return [f"replica {one.id}, seen {one.unseen:.0f} s ago" for one in await _replicas(connection)]


async def _sessions(connection: Connection) -> Sequence[str]:
    """Name the machines of registries that are connected; one that is stopped is, though it is not seen."""
    found = await connection.fetch(sql.SESSIONS)
    return [f"{count} sessions from {address}" for address, count in found]
