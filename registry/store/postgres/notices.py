"""NOTIFY, empty and gathered: a hint to the other replicas that something was committed, never data."""

from __future__ import annotations

import asyncio
import logging

from airegistry.errors import UnavailableError
from registry.store.postgres import statements as sql
from registry.store.postgres.connections import FAILURES, Connections, finish_quietly, unavailable

log = logging.getLogger(__name__)

CHANNEL = "airegistry"
_GATHER = 0.005
"""For how long one notice stands for all commits, in seconds."""
_ANSWER = 3.0
_IDLE = 10.0
_RETRY = 1.0


class Notices:
    """Tells other replicas of commits, and is told of theirs, over a connection of its own."""

    def __init__(self, connections: Connections) -> None:
        self.heard = asyncio.Event()
        self._connections = connections
        self._pending = asyncio.Event()

    def announce(self) -> None:
        """Let the others know, soon, that something was committed."""
        self._pending.set()

    async def run(self) -> None:
        """Listen and tell until cancelled; without a connection nothing is told, and polling has to do."""
        while True:
            try:
                await self._converse()
            except UnavailableError as error:
                log.warning("no notices from other replicas for now: %s", error.message)
                await asyncio.sleep(_RETRY)

    async def _converse(self) -> None:
        connection = await self._connections.dedicated()
        try:
            # A lost connection shows at the next use of it.
            connection.add_termination_listener(lambda _connection: self._pending.set())
            await connection.add_listener(CHANNEL, self._hear)
            # What was committed before this could listen.
            self.heard.set()
            while True:
                statement = sql.NOTIFY if await self._asked() else sql.STILL_THERE
                await connection.execute(statement, timeout=_ANSWER)
                await asyncio.sleep(_GATHER)
        except FAILURES as error:
            raise unavailable(error) from error
        finally:
            await finish_quietly(connection)

    async def _asked(self) -> bool:
        """Wait until something was committed; say no when it is only time to look whether the connection is."""
        try:
            await asyncio.wait_for(self._pending.wait(), _IDLE)
        except TimeoutError:
            return False
        self._pending.clear()
        return True

    def _hear(self, *_notice: object) -> None:
        self.heard.set()
