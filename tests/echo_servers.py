"""The echo service of `tests.grpc_echo`, inside a real Envoy of its own."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from grpc import aio
from pyvoy import PyvoyServer

ROOT = Path(__file__).parents[1]


@asynccontextmanager
async def echoing(**settings: str) -> AsyncIterator[str]:
    """Run the service with these settings in its environment, and yield its address; check that it logs no surprises."""
    environ = {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), **settings}
    # More workers than one would only take turns on this machine.
    one = ["--concurrency", "1"]
    with tempfile.TemporaryFile() as log:
        async with PyvoyServer(
            "tests.grpc_echo:app", env=environ, lifespan=False, additional_envoy_args=one, stderr=log
        ) as server:
            yield f"127.0.0.1:{server.listener_port}"
        log.seek(0)
        said = log.read().decode()
    # What the loop says of futures that were cancelled and completed, and of errors that nobody looked at.
    for surprise in ("Exception in", "never retrieved", "never awaited", "InvalidStateError", "was destroyed"):
        assert surprise not in said, said


@asynccontextmanager
async def connected(address: str, *options: tuple[str, Any]) -> AsyncIterator[Any]:
    """Open a channel with a connection of its own."""
    async with aio.insecure_channel(address, options=[*options, ("grpc.use_local_subchannel_pool", 1)]) as channel:
        yield channel


async def until(channel: Any, look: Callable[[dict[str, Any]], object]) -> None:
    """Wait until *look* is true of what the service saw."""
    async with asyncio.timeout(30):
        while not look(await seen(channel)):  # noqa: ASYNC110 - the service says so only when it is asked
            await asyncio.sleep(0.02)


async def seen(channel: Any) -> dict[str, Any]:
    """Return what the service saw of its calls so far."""
    saw: dict[str, Any] = json.loads(await channel.unary_unary("/test.Echo/Journal")(b""))
    return saw
