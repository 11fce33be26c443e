"""The SDK in a program of one's own, without the gateway: what the engine adds to a bare HTTP client."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
import orjson
import uvloop

from airegistry import Cache, CacheFeeder, RegistryClient, ask
from airegistry.invoke import open_engine
from benchmarks.gateway.calling import SERVER_CORE, provider
from benchmarks.gateway.plane import plane
from benchmarks.gateway.subjects import FAST
from benchmarks.processes import data_dir, pinned
from benchmarks.rows import Row, median

CALLS = 50
TURNS = 60
MOST_ADDED = 300.0

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call took in the middle, in microseconds: by the clock, and of the processor."""

    clock: float
    processor: float


def measure() -> list[Row]:
    """Call the provider one call at a time, by the engine and by a bare client in turns."""
    with (
        data_dir() as folder,
        provider() as upstream,
        plane(folder, upstream.address) as registry,
        pinned(SERVER_CORE),
    ):
        ours, bare = uvloop.run(_measure(registry.address, upstream.address))
    added = ours.clock - bare.clock
    return [
        Row(
            "embedded SDK, one caller: added latency, p50; processor time",
            f"{added:.0f} µs; {ours.processor - bare.processor:.0f} µs",
            f"bare aiohttp: {bare.clock:.0f} µs; {bare.processor:.0f} µs",
            f"≤ {MOST_ADDED:.0f} µs",
            added <= MOST_ADDED,
        )
    ]


async def _measure(registry_address: str, provider: str) -> tuple[Cost, Cost]:
    cache = Cache(lambda: datetime.now(UTC))
    async with (
        RegistryClient(registry_address) as client,
        CacheFeeder(client, cache) as feeder,
        open_engine(cache) as engine,
        aiohttp.ClientSession() as session,
    ):
        await feeder.wait_until_ready()

        async def bare() -> object:
            url = f"http://{provider}/v1/chat/completions"
            body = orjson.dumps({"model": FAST, "messages": [{"role": "user", "content": "Say words."}]})
            headers = {"content-type": "application/json"}
            async with session.post(url, data=body, headers=headers) as answer:
                return orjson.loads(await answer.read())

        async def embedded() -> object:
            return await engine.invoke(ask(FAST, "Say words."))

        return await _in_turns(embedded, bare)


async def _in_turns(one: Call, other: Call) -> tuple[Cost, Cost]:
    """Make the calls of two in short turns: both meet the same machine, and each its caches as it left them."""
    costs: tuple[list[Cost], list[Cost]] = ([], [])
    for _ in range(TURNS):
        for call, seen in zip((one, other), costs, strict=True):
            seen += [await _timed(call) for _ in range(CALLS)]
    return _middle(costs[0]), _middle(costs[1])


async def _timed(call: Call) -> Cost:
    used, started = time.thread_time(), time.perf_counter()
    await call()
    took = time.perf_counter() - started
    return Cost(took * 1e6, (time.thread_time() - used) * 1e6)


def _middle(costs: list[Cost]) -> Cost:
    return Cost(median([cost.clock for cost in costs]), median([cost.processor for cost in costs]))
