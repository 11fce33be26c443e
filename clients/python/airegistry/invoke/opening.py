"""An engine of one's own, for programs that embed the SDK."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from airegistry.invoke.credentials import Credentials
from airegistry.invoke.engine import Engine
from airegistry.invoke.observer import Observer
from airegistry.invoke.settings import EngineSettings
from airegistry.invoke.transport import open_transport
from airegistry.routing.view import View


@asynccontextmanager
async def open_engine(
    cache: View,
    *,
    credentials: Credentials | None = None,
    settings: EngineSettings | None = None,
    observer: Observer | None = None,
) -> AsyncIterator[Engine]:
    """Lend an engine that calls whoever *cache* knows, over connections of its own.

    Without *credentials* it can call only endpoints that need none.
    """
    settings = settings or EngineSettings()
    known = credentials or Credentials(directory=None, environment={}, now=time.monotonic)
    async with open_transport(settings.transport) as transport:
        engine = Engine(cache, transport, known, settings=settings, observer=observer)
        with engine.lag.measured():
            yield engine
