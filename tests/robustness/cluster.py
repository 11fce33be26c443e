"""What a run is about: the registry's replicas on one store, where clients reach them, and the truth behind them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from launcher.postgres import PostgresServer
from tests.ports import free_address
from tests.postgres import own_server
from tests.robustness.ground_truth import GroundTruth, PostgresTruth, SqliteTruth
from tests.robustness.processes import Server
from tests.robustness.proxy import DOWN, Proxy, proxy


@dataclass(slots=True)
class Replica:
    """One registry process. Clients reach it through `front`, and it reaches its database through `back`."""

    name: str
    server: Server
    front: Proxy
    back: Proxy | None
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the fault that it suffers: a stopped process is not killed as well."""

    async def restart(self) -> None:
        """Kill it, and start it until it serves: what it needs may be away, too."""
        await self.server.kill()
        async with asyncio.timeout(90):
            while not await self._started():  # noqa: ASYNC110 - it happens elsewhere
                await asyncio.sleep(0.5)

    async def _started(self) -> bool:
        try:
            await self.server.start()
        except (AssertionError, TimeoutError):
            await self.server.kill()
            return False
        return True

    async def stop_for(self, seconds: float) -> None:
        """Stop it with SIGSTOP for a while."""
        self.server.send(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.server.send(signal.SIGCONT)


@dataclass(slots=True)
class Cluster:
    """The replicas, where their events are read, and the database server when there is one; `url` is its address past proxies."""

    replicas: list[Replica]
    truth: GroundTruth
    database: PostgresServer | None = None
    url: str = ""

    @property
    def addresses(self) -> list[str]:
        """Where clients reach the replicas."""
        return [replica.front.address for replica in self.replicas]


# History is dropped all the time, but for the last few revisions: watchers that were away come too late now and then.
COMPACTING = {
    "REGISTRY_HISTORY_AGE": "0",
    "REGISTRY_HISTORY_REVISIONS": "200",
    "REGISTRY_COMPACT_INTERVAL": "0.2",
}
# Short enough to end streams in a short run: those have to resume like the others.
_MAX_WATCH_AGE = "10"


@asynccontextmanager
async def sqlite_cluster(folder: Path) -> AsyncIterator[Cluster]:
    """Run one registry on SQLite."""
    async with AsyncExitStack() as stack:
        replica = await _start(stack, folder, "0", {}, None)
        truth = SqliteTruth(folder)
        await truth.keep_compacted()
        yield Cluster([replica], truth)


@asynccontextmanager
async def postgres_cluster(folder: Path, replicas: int) -> AsyncIterator[Cluster]:
    """Run *replicas* registries on a PostgreSQL server of their own."""
    async with AsyncExitStack() as stack:
        database = stack.enter_context(own_server())
        url = database.url()
        started = []
        for n in range(replicas):
            back = _network(stack, f"127.0.0.1:{database.port}", seed=n)
            through = {"REGISTRY_DATABASE_URL": url.replace(f"127.0.0.1:{database.port}", back.address)}
            started.append(await _start(stack, folder, str(n), through, back))
        truth = PostgresTruth(url)
        await truth.keep_compacted()
        yield Cluster(started, truth, database, url)


async def _start(
    stack: AsyncExitStack, folder: Path, name: str, settings: Mapping[str, str], back: Proxy | None
) -> Replica:
    address = free_address()
    fixed = {
        "DATA_DIR": str(folder),
        "REGISTRY_ADDRESS": address,
        "REGISTRY_HTTP_ADDRESS": "127.0.0.1:0",
        "REGISTRY_MAX_WATCH_AGE": _MAX_WATCH_AGE,
        "LOG_FORMAT": "json",
    }
    server = Server("registry", fixed | COMPACTING | dict(settings), folder / f"registry-{name}.log")
    stack.push_async_callback(server.kill)
    await server.start()
    return Replica(name, server, _network(stack, address, seed=int(name)), back)


def _network(stack: AsyncExitStack, target: str, *, seed: int) -> Proxy:
    """Return a network to *target*; at the end nobody comes in any more while it closes."""
    between = stack.enter_context(proxy(target, seed=seed))
    stack.callback(between.cut)
    stack.callback(between.set, DOWN)
    return between
