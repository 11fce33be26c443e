"""A registry and a gateway for agents on loopback, and agents as somebody has them, which know nothing of registries."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from airegistry import Client, integrate_registry
from airegistry.agents.integrating import IntegratedAgent
from tests.agents import LONG, Doing
from tests.planes import gateway_at, registry_at, until_revision


@dataclass
class Planes:
    """A registry, a gateway that follows it, and a client of both."""

    registry: Any
    gateway: Any
    client: Client
    stack: AsyncExitStack

    async def add(self, *agents: Any) -> None:
        """Register agents, and wait until the gateway knows them."""
        await self.client.register(agents)
        await self.known()

    async def integrate(self, agent: Any, **options: Any) -> IntegratedAgent:
        integration = integrate_registry(agent, self.registry.address, gateway=self.gateway.address, **options)
        integrated = await self.stack.enter_async_context(integration)
        await integrated.until_invocable()
        return integrated

    async def known(self) -> None:
        page = await self.client.list_page("agents")
        await until_revision(self.gateway.cache, page.revision)


@asynccontextmanager
async def planes(folder: Any, **settings: Any) -> AsyncIterator[Planes]:
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(registry_at(folder / "r"))
        gateway = await stack.enter_async_context(gateway_at(folder / "g", registry.address, **settings))
        client = await stack.enter_async_context(Client(registry.address, gateway=gateway.address))
        yield Planes(registry, gateway, client, stack)


class Translator:
    """An agent as somebody has it, which knows nothing of registries."""

    name = "Translator"
    description = "Turns texts into capitals"
    skills = ("translate",)

    async def run(self, text):
        for word in text.split():
            yield f"{word.upper()} "


@dataclass
class Slow:
    name: str = "Slow"
    skills: Any = ("wait",)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, _text):
        self.begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            self.ended.set()


async def reject(doing: Doing) -> None:
    await doing.begin()
    await doing.updater.reject(doing.message("not mine"))


async def state_of(all_, name, wanted):
    """Return the state that the registry knows, as soon as it is the one that is *wanted*."""
    found, until = None, time.monotonic() + LONG
    while time.monotonic() < until:
        status = (await all_.client.get(name)).status
        found = status.agent_state if status is not None else None
        if found is wanted:
            break
        await asyncio.sleep(0.02)
    return found
