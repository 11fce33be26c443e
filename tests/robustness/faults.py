"""What goes wrong during a run, in an order that a seed decides. Each fault ends healed."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.postgres import connected, terminate_sessions
from tests.robustness.cluster import Cluster, Replica
from tests.robustness.proxy import BLACKHOLE, DOWN, FINE, HALF_OPEN, Network, Proxy
from tests.robustness.watchers import Watcher

SLOW = Network(delay=0.05, jitter=0.1)


@dataclass(frozen=True, slots=True)
class Injector:
    """Lets things go wrong. *seconds* is how long a process is stopped, or a network bad, at most."""

    cluster: Cluster
    watchers: Sequence[Watcher]
    rng: random.Random
    seconds: float

    async def run(self, stop: asyncio.Event, note: Callable[[str], None]) -> None:
        """Let one thing after another go wrong until *stop*, each kind before any comes again."""
        while not stop.is_set():
            kinds = self._kinds()
            for fault in self.rng.sample(kinds, len(kinds)):
                if stop.is_set():
                    return
                note(f"{fault.__name__} begins")
                await fault()
                await asyncio.sleep(self.rng.random())

    def _kinds(self) -> list[Callable[[], Awaitable[None]]]:
        always: list[Callable[[], Awaitable[None]]] = [
            self.kill,
            self.stop,
            self.slow_clients,
            self.half_open_clients,
            self.stopped_readers,
            self.reconnect_storm,
        ]
        if self.cluster.database is None:
            return always
        return [
            *always,
            self.restart_database,
            self.kill_database,
            self.terminate_sessions,
            self.slow_database,
            self.half_open_database,
            self.unreachable_database,
            self.idle_in_transaction,
            self.stop_before_commit,
        ]

    async def kill(self) -> None:
        """Kill a replica with SIGKILL, and start it again."""
        async with self._one() as replica:
            await replica.server.kill()
            await asyncio.sleep(self.rng.random())
            await replica.restart()

    async def stop(self) -> None:
        """Stop a replica with SIGSTOP, the sweeper perhaps, for longer than leases live."""
        async with self._one() as replica:
            await replica.stop_for(self._some_time())

    async def slow_clients(self) -> None:
        """Make the network between clients and a replica slow."""
        async with self._one() as replica:
            await self._network(replica.front, SLOW)

    async def half_open_clients(self) -> None:
        """Let what a replica answers vanish, or what it is asked as well."""
        async with self._one() as replica:
            await self._network(replica.front, self.rng.choice((HALF_OPEN, BLACKHOLE)))

    async def stopped_readers(self) -> None:
        """Let half of the watchers stop reading."""
        for watcher in self.rng.sample(self.watchers, len(self.watchers) // 2):
            watcher.pause(self._some_time())

    async def reconnect_storm(self) -> None:
        """Cut everybody from every replica at once, in the middle of a message."""
        for replica in self.cluster.replicas:
            replica.front.cut_after(self.rng.randrange(1, 5000))
        await asyncio.sleep(0.3)
        for replica in self.cluster.replicas:
            replica.front.cut()

    async def restart_database(self) -> None:
        """Stop the database as an operator does, and start it again."""
        assert self.cluster.database is not None
        await asyncio.to_thread(self.cluster.database.stop)
        await asyncio.sleep(self.rng.random() * 2)
        await asyncio.to_thread(self.cluster.database.start)

    async def kill_database(self) -> None:
        """Kill the database, and start it again."""
        assert self.cluster.database is not None
        await asyncio.to_thread(self.cluster.database.kill)
        await asyncio.to_thread(self.cluster.database.start)

    async def terminate_sessions(self) -> None:
        """Have the database end every session, several times."""
        for _ in range(3):
            await terminate_sessions(self.cluster.url)
            await asyncio.sleep(self.rng.random() * 0.5)

    async def slow_database(self) -> None:
        """Make the network between a replica and its database slow."""
        await self._back(SLOW)

    async def half_open_database(self) -> None:
        """Let what the database answers vanish: a COMMIT is done, and nobody hears of it."""
        await self._back(HALF_OPEN)

    async def unreachable_database(self) -> None:
        """Cut a replica off from the database."""
        await self._back(DOWN)

    async def idle_in_transaction(self) -> None:
        """Hold locks on rows that traffic writes, in a session that does nothing."""
        async with self._locked("SELECT FROM resource WHERE name LIKE 'models/m1%' ORDER BY name FOR UPDATE"):
            await asyncio.sleep(self._some_time())

    async def stop_before_commit(self) -> None:
        """Stop a replica between its last statement and COMMIT.

        Somebody else holds the counter while replicas write: their last statement waits for it. One of them is stopped there,
        and the counter let go, so that the database finishes the statement for a process that cannot commit.
        """
        async with self._one() as replica:
            async with self._locked("SELECT FROM counter FOR UPDATE"):
                await asyncio.sleep(0.3)
                replica.server.send(signal.SIGSTOP)
            try:
                await asyncio.sleep(self._some_time())
            finally:
                replica.server.send(signal.SIGCONT)

    async def _back(self, network: Network) -> None:
        async with self._one() as replica:
            assert replica.back is not None
            await self._network(replica.back, network)

    async def _network(self, proxy: Proxy, network: Network) -> None:
        proxy.set(network)
        if network.refuse:
            proxy.cut()
        try:
            await asyncio.sleep(self._some_time())
        finally:
            proxy.set(FINE)
            # What vanished on the way would be missing in the middle: such a connection is of no use to anybody.
            if network.swallow_up or network.swallow_down:
                proxy.cut()

    @asynccontextmanager
    async def _one(self) -> AsyncIterator[Replica]:
        """Take a replica that nothing else happens to."""
        replica = self.rng.choice(self.cluster.replicas)
        async with replica.busy:
            yield replica

    @asynccontextmanager
    async def _locked(self, statement: str) -> AsyncIterator[None]:
        """Hold the locks that *statement* takes, for as long as the block runs."""
        async with connected(self.cluster.url) as connection, connection.transaction():
            await connection.execute(statement)
            yield

    def _some_time(self) -> float:
        return self.seconds * self.rng.uniform(0.3, 1)
