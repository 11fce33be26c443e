"""Being in the registry for as long as one lives."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from airegistry.client.registry import RegistryClient
from airegistry.errors import RegistryError, UnavailableError
from airegistry.keeping import LEASE_TTL, LeaseKeeper
from airegistry.lease import LeaseState
from airegistry.resources.resource import AgentState, Resource

_WAIT = 10.0
_LOOK = 0.02


class RegisteredAgent:
    """An agent that is registered, and says how it is."""

    def __init__(self, resource: Resource, keeper: LeaseKeeper) -> None:
        self.resource = resource
        self._keeper = keeper
        self._running = 0

    @property
    def name(self) -> str:
        """The full name."""
        return self.resource.name

    @property
    def state(self) -> LeaseState:
        """How the lease stands: after a loss the agent registers again by itself."""
        return self._keeper.state

    @property
    def error(self) -> RegistryError | None:
        """Why the registry is not heard of, or refuses; None while all is well."""
        return self._keeper.error

    def report(self, state: AgentState | None = None, *, load: float | None = None) -> None:
        """Say how busy the agent is: sent with the next heartbeat, a change of state at once."""
        self._keeper.report(self.name, agent_state=state, load=load)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count a task for the length of it; as many as the agent takes at the same time make it BUSY."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        self._running += change
        agent = self.resource.agent
        most = agent.max_concurrent_tasks if agent is not None else None
        if most:
            busy = self._running >= most
            self.report(AgentState.BUSY if busy else AgentState.AVAILABLE, load=min(1.0, self._running / most))


@asynccontextmanager
async def register_agent(
    client: RegistryClient,
    agent: Resource,
    *,
    owner_id: str = "",
    ttl: float = LEASE_TTL,
    wait: float = _WAIT,
) -> AsyncIterator[RegisteredAgent]:
    """Register an agent, keep it registered, and deregister it on the way out.

    With the same *owner_id* after a restart (see `owner_id_file`) the lease goes on; without one, each run is an owner of its
    own. Raises the RegistryError of a registry that refuses, and of one that is not there within *wait* seconds; after that
    the agent is registered again, however long the registry is away.
    """
    keeper = LeaseKeeper(client, [agent], owner_id=owner_id or str(uuid.uuid4()), ttl=ttl)
    async with keeper:
        await _until_held(keeper, wait)
        keeper.report(agent.name, agent_state=AgentState.AVAILABLE)
        yield RegisteredAgent(agent, keeper)


async def _until_held(keeper: LeaseKeeper, wait: float) -> None:
    try:
        async with asyncio.timeout(wait):
            while keeper.state is not LeaseState.HELD:
                if keeper.state is LeaseState.REFUSED and keeper.error is not None:
                    raise keeper.error
                await asyncio.sleep(_LOOK)
    except TimeoutError:
        raise keeper.error or UnavailableError(f"no registry within {wait:g} s") from None
