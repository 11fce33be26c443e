"""An engine of one's own, for programs that embed the SDK."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from airegistry.invoke.credentials import Credentials
from airegistry.invoke.engine import Engine
from airegistry.invoke.observer import Observer
from airegistry.invoke.selection.learned import LearnedSelection
from airegistry.invoke.settings import EngineSettings
from airegistry.invoke.transport import open_transport
from airegistry.routing.view import View


@asynccontextmanager
async def open_engine(  # noqa: PLR0913 - everything that a test or an embedding program may replace
    cache: View,
    *,
    credentials: Credentials | None = None,
    settings: EngineSettings | None = None,
    observer: Observer | None = None,
    now: Callable[[], float] = time.monotonic,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    learned: LearnedSelection | None = None,
) -> AsyncIterator[Engine]:
    """Lend an engine that calls whoever *cache* knows, over connections of its own.

    Without *credentials* it can call only endpoints that need none. *now* is a monotonic clock in seconds, by which *cache* is
    fed, too; *clock* the wall clock. With *learned*, routes and calls may have the order of their candidates learned.
    """
    settings = settings or EngineSettings()
    known = credentials or Credentials(directory=None, environment={}, now=now)
    async with open_transport(settings.transport) as transport:
        engine = Engine(
            cache, transport, known, settings=settings, observer=observer, now=now, clock=clock, learned=learned
        )
        with engine.lag.measured():
            yield engine
