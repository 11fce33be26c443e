"""A few connections to the database: every use has a deadline, and one that may be broken is never used again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Self, TypeAlias, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from airegistry.errors import FailedPreconditionError, UnavailableError

T = TypeVar("T")
DEADLINE = 5.0
"""How long a use may take, in seconds, from waiting for a connection to its last answer."""
_CONNECT = 3.0
_MAX_CONNECTIONS = 6

# The server lets go of what a stopped process holds: the counter, at worst, is locked for so long. Others wait longer.
_SESSION = {
    "application_name": "airegistry",
    "idle_in_transaction_session_timeout": "1000",
    "lock_timeout": "3000",
    "statement_timeout": "10000",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "jit": "off",
}

TAKE_TIME = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
"""Lifts both in a transaction that reads everything: it locks nothing that others wait for, and is idle while rows are decoded."""

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

_IN_DOUBT = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
FAILURES = (*_IN_DOUBT, asyncpg.PostgresError)
"""All that can go wrong with a database."""
_LOST = (
    ConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
_DEFEATS = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class LostError(UnavailableError):
    """The connection was lost: another one may do."""


class DefeatedError(UnavailableError):
    """The server ended the transaction for the sake of another one, as if it had never been: the same again may do."""


class Connections:
    """Connections that are lent one by one."""

    def __init__(self, url: str, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._url = url
        self._pool = pool

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect; UnavailableError or FailedPreconditionError when that cannot be."""
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=0,
                max_size=_MAX_CONNECTIONS,
                max_inactive_connection_lifetime=0,
                timeout=_CONNECT,
                server_settings=_SESSION,
            )
            # The pool reads its address when it connects.
            async with pool.acquire(timeout=_CONNECT):
                pass
        except (ValueError, asyncpg.ClientConfigurationError):
            # The message would show the address, and the password in it.
            raise FailedPreconditionError("the address of the database is not a PostgreSQL URL") from None
        except FAILURES as error:
            raise unavailable(error) from error
        return cls(url, pool)

    @asynccontextmanager
    async def lend(self, deadline: float = DEADLINE) -> AsyncIterator[Connection]:
        """Lend a connection for at most *deadline* seconds. UnavailableError when the database is not there in time.

        What the server refuses for its content, as a duplicate, is raised as it is.
        """
        try:
            async with asyncio.timeout(deadline):
                connection = await self._pool.acquire()
                try:
                    yield connection
                except BaseException as error:
                    _give_up(connection, error)
                    raise
                finally:
                    await self._pool.release(connection)
        except asyncpg.IntegrityConstraintViolationError:
            raise
        except FAILURES as error:
            raise unavailable(error) from error

    async def read(self, reading: Callable[[Connection], Awaitable[T]], deadline: float = DEADLINE) -> T:
        """Return what *reading* reads; over another connection when one turns out to be dead, and all that wait may be."""
        for _ in range(_MAX_CONNECTIONS):
            with suppress(LostError):
                async with self.lend(deadline) as connection:
                    return await reading(connection)
        async with self.lend(deadline) as connection:
            return await reading(connection)

    async def dedicated(self) -> asyncpg.Connection[asyncpg.Record]:
        """Open a connection that is not lent to anybody else."""
        try:
            return await asyncpg.connect(self._url, timeout=_CONNECT, server_settings=_SESSION)
        except FAILURES as error:
            raise unavailable(error) from error

    async def close(self) -> None:
        """Let go of all connections, politely where the server still answers."""
        try:
            async with asyncio.timeout(_CONNECT):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()


def _give_up(connection: Connection, error: BaseException) -> None:
    """End a connection that may still be at work: an answer may be on its way, or a cancellation wait for a server that is gone."""
    # One that the pool knows to be dead answers nothing any more, not even this.
    with suppress(asyncpg.InterfaceError):
        if not isinstance(error, Exception) or isinstance(error, _IN_DOUBT) or connection.is_in_transaction():
            connection.terminate()


def unavailable(error: BaseException) -> UnavailableError:
    """Return the error for callers: what kind of failure it was, never its text, which may hold data or passwords."""
    kind = LostError if isinstance(error, _LOST) else DefeatedError if isinstance(error, _DEFEATS) else UnavailableError
    return kind(f"the database failed: {_reason(error)}", retry_after=1.0)


def _reason(error: BaseException) -> str:
    if isinstance(error, asyncpg.PostgresError):
        return f"{type(error).__name__.removesuffix('Error')} ({error.sqlstate})"
    return "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__


async def finish_quietly(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Close a connection that may be broken."""
    try:
        await connection.close(timeout=1.0)
    except (*FAILURES, asyncio.CancelledError):
        connection.terminate()
