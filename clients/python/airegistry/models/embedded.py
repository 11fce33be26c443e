"""Asking without a gateway: the engine in the caller's own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import UTC, datetime

from airegistry.cache import Cache
from airegistry.client.analytics import REGISTRY_ADDRESS
from airegistry.client.registry import RegistryClient
from airegistry.errors import UnavailableError
from airegistry.invocations.invocation import Invocation, InvokeEvent, InvokeResponse
from airegistry.invoke.credentials import Credentials
from airegistry.invoke.engine import Engine
from airegistry.invoke.opening import open_engine
from airegistry.invoke.response import response_of
from airegistry.reporting import Reporter
from airegistry.routing.explanation import ExplainResponse
from airegistry.snapshots import SnapshotFile
from airegistry.watching import CacheFeeder

WAIT = 10.0
"""Seconds that the registry has to tell what it holds."""


class EmbeddedGateway:
    """Invokes as a `GatewayClient` does, by an engine in this process: the same names, order, attempts, errors and settlement."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def invoke(self, invocation: Invocation, *, deadline: float | None = None) -> InvokeResponse:
        """Send one request to the best candidate, and to others when it fails, and return the whole answer."""
        return response_of(await self.engine.invoke(invocation, deadline=deadline))

    async def invoke_stream(
        self, invocation: Invocation, *, accept_restart: bool = False, deadline: float | None = None
    ) -> AsyncGenerator[InvokeEvent, None]:
        """Iterate over an answer as it is made; the last event of a good answer has `end`."""
        batches = self.engine.stream(invocation, deadline=deadline, accept_restart=accept_restart)
        async with aclosing(batches):
            async for batch in batches:
                for event in batch:
                    yield event

    async def explain(self, invocation: Invocation) -> ExplainResponse:
        """Say what `invoke` would do, without doing it."""
        return self.engine.explain(invocation)


@asynccontextmanager
async def open_embedded(
    registry: RegistryClient | str = REGISTRY_ADDRESS,
    *,
    credentials: Credentials | None = None,
    file: SnapshotFile | None = None,
    wait: float = WAIT,
) -> AsyncIterator[EmbeddedGateway]:
    """Lend what `create_model_client(…, gateway=…)` asks through, without a gateway: one for all models of a program.

    It follows the registry, and tells it what it measured. Without *credentials* it calls only endpoints that need none; with a
    *file* it starts while the registry is away. Raises UnavailableError when there is nothing to start with after *wait* seconds.
    """
    async with AsyncExitStack() as stack:
        client = registry
        if isinstance(client, str):
            client = await stack.enter_async_context(RegistryClient(client))
        cache = Cache(lambda: datetime.now(UTC))
        feeder = await stack.enter_async_context(CacheFeeder(client, cache, file=file))
        reporter = await stack.enter_async_context(Reporter(client))
        try:
            async with asyncio.timeout(wait):
                await feeder.wait_until_ready()
        except TimeoutError:
            where = f" at {registry}" if isinstance(registry, str) else ""
            raise UnavailableError(f"the registry{where} has told nothing for {wait:g} s") from None
        engine = await stack.enter_async_context(open_engine(cache, credentials=credentials, observer=reporter))
        yield EmbeddedGateway(engine)
