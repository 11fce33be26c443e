"""A prober on a catalog, and climbs without a network for it."""

import asyncio
from contextlib import asynccontextmanager

from airegistry.resources.endpoint import Endpoint, ProbeStep, Probing
from airegistry.resources.resource import Resource
from registry.planning.probing import order_verdicts
from registry.probes.climb import Climb, Finding, Level, Rung
from registry.probes.prober import Prober
from tests.waiting import until

QUICK = 0.02
NAME = "models/a/endpoints/x"
CONNECTED = Finding(Level.GOOD, "accepts connections", reached=True)
REFUSED = Finding(Level.BAD, "refused")


class Walls:
    """Climbs without a network: everything can be reached but what is `down`, and nothing ends while `held`."""

    def __init__(self):
        self.down = set()
        self.probed = []
        self.running = self.most = 0
        self.open = asyncio.Event()
        self.open.set()
        self.broken = None

    async def climb(self, place, _endpoint, _highest):
        self.probed.append(place.host)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.open.wait()
        finally:
            self.running -= 1
        if self.broken:
            raise self.broken
        finding = REFUSED if place.host in self.down else CONNECTED
        return Climb((Rung(ProbeStep.CONNECT, finding, 0.0),))


@asynccontextmanager
async def probing(catalog, climber, report=None, share=None):
    """Probe a catalog for the length of the block, and lend the prober."""

    async def write(verdicts):
        await catalog.writer.submit(order_verdicts(verdicts))

    prober = Prober(catalog, report or write, climber, share)
    running = asyncio.create_task(prober.run())
    try:
        yield prober
    finally:
        running.cancel()
        await asyncio.wait([running])
        if not running.cancelled():
            running.result()


def endpoint(id_="x", host="h", *, address="", **probing):
    spec = Endpoint(
        provider="acme",
        upstream_model="a",
        address=address or f"http://{host}",
        probing=Probing(**{"interval": QUICK, **probing}),
    )
    return Resource(name=f"models/a/endpoints/{id_}", endpoint=spec)


def status(catalog, name=NAME):
    return catalog.entries[name].resource.status


def health(catalog, name=NAME):
    return status(catalog, name) and status(catalog, name).health


async def rounds(walls, count=8):
    """Let so many more probes end."""
    before = len(walls.probed)
    await until(lambda: len(walls.probed) >= before + count)
