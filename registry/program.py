"""The registry as a program."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from airegistry._rpc.carrier import Carrier
from airegistry._rpc.program import Program
from registry.config import Config


@asynccontextmanager
async def _serve(config: Config, carrier: Carrier | None) -> AsyncIterator[None]:
    # A supervisor stays small without all that this brings in.
    from registry.app import serve  # noqa: PLC0415

    async with serve(config, carrier=carrier):
        yield


REGISTRY = Program(
    name="registry",
    settings=Config,
    serve=_serve,
    hosted="registry.hosted:app",
    services=("airegistry.v1.RegistryService", "airegistry.v1.AnalyticsService"),
)
