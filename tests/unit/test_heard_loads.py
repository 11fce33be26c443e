import asyncio
from types import SimpleNamespace
from typing import Any

from airegistry import background
from registry.observations.delta import Target
from registry.observations.heard import Heard

AGENT = Target("agents/x", "uid")


class Store:
    """Writes when it is let, and shows what it wrote."""

    def __init__(self):
        self.begun, self.let = asyncio.Event(), asyncio.Event()
        self.shown = {}

    def now(self):
        return 1.0

    async def commit(self, group):
        self.begun.set()
        await self.let.wait()
        return group.delta.loads

    def load_target(self, _name):
        return AGENT, AGENT in self.shown

    async def take(self, epoch):
        self.shown.update(epoch)


def heartbeat(load) -> Any:
    renewal = SimpleNamespace(name=AGENT.name, load=load)
    return SimpleNamespace(renewals=[renewal]), SimpleNamespace(results=[SimpleNamespace(lease_ttl=30.0)])


async def test_a_load_that_is_taken_back_while_it_is_written_is_taken_back():
    store: Any = Store()
    heard = Heard(store, store, pause=0.0)
    running = background.start(heard.run(), "loads")
    heard.hear(*heartbeat(0.9))
    await store.begun.wait()
    heard.hear(*heartbeat(None))
    store.let.set()
    async with asyncio.timeout(10):
        while not store.shown or store.shown[AGENT].value is not None:  # noqa: ASYNC110 - a task writes it
            await asyncio.sleep(0)
    await background.end(running)
