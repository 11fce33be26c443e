"""A PostgreSQL database of one's own: on a server started for it, or on the one that TEST_POSTGRES_URL names."""

from __future__ import annotations

import asyncio
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from launcher.postgres import PostgresServer

# Transactions of every session in the database, statements outside of one among them. A session reports what it did at
# its next statement after a second.
_TRANSACTIONS = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1"


@contextmanager
def database() -> Iterator[str]:
    """Lend the address of an empty database; the server has its defaults: what was committed is on disk."""
    if url := os.environ.get("TEST_POSTGRES_URL"):
        name = f"bench_{uuid.uuid4().hex}"
        asyncio.run(_execute(url, f"CREATE DATABASE {name}"))
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        finally:
            asyncio.run(_execute(url, f"DROP DATABASE {name} WITH (FORCE)"))
        return
    with tempfile.TemporaryDirectory(prefix="airegistry-bench-", ignore_cleanup_errors=True) as folder:
        # PostgreSQL does not run as root; its user must get to its folder.
        Path(folder).chmod(0o755)
        with PostgresServer(Path(folder) / "server") as server:
            yield server.url()


async def transactions(url: str) -> int:
    """Return how many transactions were run in a database so far, by all sessions together."""
    parts = urlsplit(url)
    # Another database, so that asking is not counted.
    connection = await asyncpg.connect(urlunsplit(parts._replace(path="/template1")))
    try:
        return int(await connection.fetchval(_TRANSACTIONS, parts.path.removeprefix("/")))
    finally:
        await connection.close()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
