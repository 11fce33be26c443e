"""The SDK in a program of one's own, without the gateway: what the engine adds to a bare HTTP client."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import aiohttp
import orjson
import uvloop

from airegistry import Cache, CacheFeeder, RegistryClient, ask
from airegistry.invoke import open_engine
from benchmarks.gateway.calling import SERVER_CORE
from benchmarks.gateway.subjects import FAST
from benchmarks.processes import pinned
from benchmarks.rows import Row, median

CALLS = 300
TURNS = 6
MOST_ADDED = 300.0

Call = Callable[[], Awaitable[object]]


def measure(registry_address: str, provider: str) -> Row:
    """Call the provider one call at a time, by the engine and by a bare client in turns."""
    with pinned(SERVER_CORE):
        ours, bare = uvloop.run(_measure(registry_address, provider))
    return Row(
        "embedded SDK, one caller: added latency, p50",
        f"{ours - bare:.0f} µs",
        f"bare aiohttp: {bare:.0f} µs",
        f"≤ {MOST_ADDED:.0f} µs",
        ours - bare <= MOST_ADDED,
    )


async def _measure(registry_address: str, provider: str) -> tuple[float, float]:
    cache = Cache(lambda: datetime.now(UTC))
    async with (
        RegistryClient(registry_address) as client,
        CacheFeeder(client, cache) as feeder,
        open_engine(cache) as engine,
        aiohttp.ClientSession() as session,
    ):
        await feeder.wait_until_ready()
        body = {"model": FAST, "messages": [{"role": "user", "content": "Say words."}]}

        async def bare() -> object:
            url = f"http://{provider}/v1/chat/completions"
            headers = {"content-type": "application/json"}
            async with session.post(url, data=orjson.dumps(body), headers=headers) as answer:
                return orjson.loads(await answer.read())

        async def embedded() -> object:
            return await engine.invoke(ask(FAST, "Say words."))

        ours, others = [], []
        for _ in range(TURNS):
            ours.append(await _middle(embedded))
            others.append(await _middle(bare))
        return median(ours), median(others)


async def _middle(call: Call) -> float:
    """Return the median of the times of some calls, in microseconds."""
    times = []
    for _ in range(CALLS):
        started = time.perf_counter()
        await call()
        times.append(time.perf_counter() - started)
    return median(times) * 1e6
