"""A registry and a gateway on free ports, as a test needs them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import gateway.app
import registry.app
from airegistry._rpc.carrier import Carrier
from airegistry.cache import Cache
from airegistry.client import RegistryClient
from airegistry.resources.resource import Resource
from gateway.app import Gateway
from gateway.config import Config as GatewayConfig
from registry.app import Registry
from registry.config import Config as RegistryConfig
from tests.ports import free_address

ANYWHERE = "127.0.0.1:0"
CARRIER = os.environ.get("CARRIER", "aio")
"""What carries the calls of every registry and gateway in the tests (`make test CARRIER=envoy`)."""
NOWHERE = "127.0.0.1:1"


def carrier() -> Carrier | None:
    """The carrier under test; None is the one that needs nothing extra."""
    if CARRIER == "aio":
        return None
    # The extra need not be installed.
    from tests.bridge.carrier import BridgedCarrier  # noqa: PLC0415

    return BridgedCarrier()


@asynccontextmanager
async def registry_at(
    folder: Path, address: str = "", *, clock: Callable[[], float] | None = None, **settings: Any
) -> AsyncIterator[Registry]:
    """Run a registry, by default at a port that stays its own: who follows it may go on to after it is gone."""
    config = RegistryConfig(
        registry_address=address or free_address(),
        registry_http_address=ANYWHERE,
        data_dir=folder,
        **{"registry_drain": 0.0} | settings,
    )
    async with registry.app.serve(config, carrier=carrier(), clock=clock) as running:
        yield running


@asynccontextmanager
async def gateway_at(
    folder: Path,
    address: str = NOWHERE,
    *,
    environment: Mapping[str, str] | None = None,
    now: Callable[[], float] = time.monotonic,
    clock: Callable[[], float] = time.time,
    **settings: Any,
) -> AsyncIterator[Gateway]:
    """Run a gateway for the registry at *address*; it does not wait for one that is not there."""
    defaults = {"gateway_drain": 0.0, "gateway_start_wait": 0.0 if address == NOWHERE else 30.0}
    config = GatewayConfig(
        address=address,
        gateway_address=ANYWHERE,
        gateway_http_address=ANYWHERE,
        data_dir=folder,
        **defaults | settings,
    )
    async with gateway.app.serve(config, carrier=carrier(), environment=environment, now=now, clock=clock) as running:
        yield running


@asynccontextmanager
async def gateway_knowing(
    folder: Path, resources: Iterable[Resource], *, now: Callable[[], float] = time.monotonic, **settings: Any
) -> AsyncIterator[Gateway]:
    """Run a gateway that knows *resources* and hears of no registry."""
    async with gateway_at(folder, now=now, **settings) as running:
        running.cache.replace(resources, 1)
        yield running


async def register(address: str, *resources: Resource) -> int:
    """Register resources and return the revision that has them."""
    async with RegistryClient(address) as client:
        return (await client.register(resources)).revision


async def until_revision(cache: Cache, revision: int) -> None:
    """Wait until a view has moved on to *revision*."""
    moved = asyncio.Event()
    stop = cache.on_change(lambda _: moved.set())
    try:
        async with asyncio.timeout(30):
            while cache.revision < revision:
                moved.clear()
                await moved.wait()
    finally:
        stop()
