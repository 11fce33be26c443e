"""NOTIFY, empty and gathered: a hint to the other replicas that something was committed, never data."""

from __future__ import annotations

import asyncio
import logging

from airegistry.errors import UnavailableError
from airegistry.outage import Outage
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
        self._closing = False
        self._outage = Outage(log, "hearing of commits by NOTIFY")

    def close(self) -> None:
        """Let `run` end, after what is being told."""
        self._closing = True
        self._pending.set()

    def announce(self) -> None:
        """Let the others know, soon, that something was committed."""
        self._pending.set()

    async def run(self) -> None:
        """Listen and tell until closed; without a connection nothing is told, and polling has to do."""
        while not self._closing:
            try:
                await self._converse()
            except UnavailableError as error:
                if not self._closing:
                    self._outage.failed(error)
                    await asyncio.sleep(_RETRY)

    async def _converse(self) -> None:
        connection = await self._connections.dedicated()
        try:
            # A lost connection shows at the next use of it.
            connection.add_termination_listener(lambda _connection: self._pending.set())
            await connection.add_listener(CHANNEL, self._hear)
            self._outage.worked()
            # What was committed before this could listen.
            self.heard.set()
            while not self._closing:
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
            # Not `wait_for`, which loses a cancellation that comes together with the event (Python 3.11).
            async with asyncio.timeout(_IDLE):
                await self._pending.wait()
        except TimeoutError:
            return False
        self._pending.clear()
        return True

    def _hear(self, *_notice: object) -> None:
        self.heard.set()
