"""One gateway for many faults: a call that fails must leave it as it was for the next one."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from grpc import aio

from airegistry.resources.endpoint import Communication
from airegistry.resources.route import RoutePolicy, RouteTarget, RouteTier
from gateway.app import Gateway
from tests import catalogs
from tests.faults.calling import Callers
from tests.faults.misbehaving import Misbehaviour, healthy
from tests.faults.wires import Wire
from tests.planes import gateway_knowing
from tests.providers import Provider, provider

LIMITS = {"gateway_max_answer_bytes": 2_000_000}


class Scene:
    """A gateway with callers, where each test puts up providers of its own."""

    def __init__(self, gateway: Gateway, callers: Callers) -> None:
        self.gateway = gateway
        self.callers = callers
        self._numbers = itertools.count(1)

    @asynccontextmanager
    async def route(
        self, wire: Wire, *rows: Sequence[Misbehaviour], policy: RoutePolicy | None = None
    ) -> AsyncIterator[tuple[str, list[Provider]]]:
        """Put up a provider for each row of behaviours, each a tier of its own, and lend the name of their route."""
        async with AsyncExitStack() as stack:
            bound = [[partial(behaviour, wire) for behaviour in row] for row in rows]
            ups = [await stack.enter_async_context(provider(*row)) for row in bound]
            name = self.serve([up.url for up in ups], [wire.communication for _ in ups], policy)
            yield name, ups
            await self.quiet(ups)

    def serve(self, urls: Iterable[str], said: Iterable[Communication], policy: RoutePolicy | None) -> str:
        """Make the gateway know providers, each in a tier of its own, and return the name of their route."""
        number = next(self._numbers)
        models, endpoints = [], []
        for place, (url, how) in enumerate(zip(urls, said, strict=True)):
            # A provider of one's own: what fails here is no outage of anybody else.
            id_ = f"m{number}-{place}"
            models.append(catalogs.model(id_))
            endpoints.append(catalogs.endpoint(id_, url, model=id_, communication=how))
        tiers = tuple(RouteTier((RouteTarget(model=model.name),)) for model in models)
        route = catalogs.route(f"r{number}", tiers=tiers, policy=policy)
        self.gateway.cache.apply([*models, *endpoints, route], (), self.gateway.cache.revision + 1)
        return f"r{number}"

    async def quiet(self, ups: Iterable[Provider] = ()) -> None:
        """Wait until no call runs and no provider is connected: at once, but for what the kernel takes."""
        async with asyncio.timeout(30):
            while self.gateway.engine.admission.running or any(up.connected for up in ups):  # noqa: ASYNC110 - none tells
                await asyncio.sleep(0.005)


@asynccontextmanager
async def open_scene(
    folder: Path, *, now: Callable[[], float] = time.monotonic, **settings: Any
) -> AsyncIterator[Scene]:
    """Run a gateway for as long as the block runs. *now* is its clock."""
    async with (
        gateway_knowing(folder, [catalogs.model()], now=now, **LIMITS | settings) as gateway,
        aio.insecure_channel(gateway.address) as channel,
        aiohttp.ClientSession(f"http://{gateway.http_address}") as http,
    ):
        yield Scene(gateway, Callers(channel, http))


HEALTHY: tuple[Misbehaviour, ...] = (healthy,)
