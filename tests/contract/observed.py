"""One catalog with what was measured of it, moved by hand, and several of them on one database."""

import asyncio
from contextlib import asynccontextmanager

from registry.observations.delta import Delta
from registry.observations.heard import Heard
from registry.observations.intake import Batch, Intake
from registry.observations.observations import Observations
from registry.observations.records import BatchKey
from registry.observations.targets import target_of
from tests.contract.stores import running_catalog
from tests.measuring import Told, content, measured
from tests.orders import heartbeat

LONG = 30.0
NAME = "models/a/endpoints/x"
REPORTER = "reporter-one"


class Replica:
    """One catalog with what was measured of it, moved by hand: nothing but the intake runs by itself."""

    def __init__(self, store, catalog, **limits):
        self.store = store.observations
        self.catalog = catalog
        self.told = Told()
        self.observations = Observations(self.store, self.told, catalog.entries, catalog.feed)
        limits = {"gather": 0.01, "max_waiting": 100_000, "max_reporters": 100} | limits
        self.intake = Intake(self.store, self.observations.take, **limits)
        self.heard = Heard(self.store, self.observations, pause=0.05)

    def target(self, name=NAME):
        return target_of(self.catalog.entries[name])

    def batch(self, *found, number=1, reporter=REPORTER, content=b"content"):
        """A batch of observations of one target; each ended now unless it says more."""
        delta = measured(*({"at": self.store.now()} | one for one in found), targets=(self.target(),))
        return Batch(BatchKey(reporter, number), content, delta if found else Delta(), len(found))

    async def heartbeat(self, name=NAME, **report):
        beat = heartbeat(name, **report)
        self.heard.hear(beat, await self.catalog.heartbeat(beat))

    def load(self, name=NAME):
        return self.observations.performance(name).load

    async def until_load(self, load, name=NAME):
        async with asyncio.timeout(LONG):
            while self.load(name) != load or self.told.epoch < self.observations.epoch:
                await asyncio.sleep(0.01)
                await self.observations.follow()

    async def report(self, *found, **options):
        return await asyncio.wait_for(self.intake.submit(self.batch(*found, **options)), LONG)

    def attempts(self, name=NAME):
        return {window.window: window.attempts for window in self.observations.performance(name).windows}

    def shown(self):
        names = self.observations.measured_names("")
        return self.observations.epoch, {name: self.observations.performance(name) for name in names}


@asynccontextmanager
async def running(store, **limits):
    async with running_catalog(store) as catalog:
        replica = Replica(store, catalog, **limits)
        await replica.observations.load()
        tasks = [asyncio.create_task(each.run()) for each in (replica.intake, replica.heard)]
        try:
            yield replica
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def agree(replicas):
    for one in replicas:
        await one.observations.follow()
    shown = [one.shown() for one in replicas]
    assert all(each == shown[0] for each in shown)
    for one in replicas:
        assert content(one.told.latest.values()) == content(replicas[0].told.latest.values())
        assert one.told.epoch == one.observations.epoch
