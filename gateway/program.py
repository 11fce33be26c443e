"""The gateway as a program."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from airegistry._rpc.carrier import Carrier
from airegistry._rpc.program import Program
from gateway.config import Config


@asynccontextmanager
async def _serve(config: Config, carrier: Carrier | None) -> AsyncIterator[None]:
    # A supervisor stays small without all that this brings in.
    from gateway.app import serve  # noqa: PLC0415

    async with serve(config, carrier=carrier, environment=os.environ):
        yield


GATEWAY = Program(
    name="gateway",
    settings=Config,
    serve=_serve,
    hosted="gateway.hosted:app",
    services=("airegistry.v1.GatewayService",),
)
