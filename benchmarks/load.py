"""Unary load on a server of bytes: calls per second, latencies, and the server's own processor time per call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import uvloop
from grpc import aio

from benchmarks.processes import Server
from benchmarks.rows import percentile

CALLERS = 16
CHANNELS = 4


@dataclass(frozen=True, slots=True)
class Load:
    """What a run gave."""

    per_second: float
    cpu_micros: float
    p50_millis: float
    p99_millis: float


def run(
    server: Server,
    path: str,
    requests: Callable[[], Iterator[bytes]],
    seconds: float = 3.0,
    *,
    callers: int = CALLERS,
) -> Load:
    """Call *path* from a few callers at once for *seconds*, after a warm-up of a third of that."""
    return uvloop.run(_run(server, path, requests(), seconds, callers))


def paced(
    server: Server, path: str, requests: Callable[[], Iterator[bytes]], rate: float, seconds: float = 3.0
) -> list[float]:
    """Call *path* at a fixed rate, whatever the answers take; return the milliseconds from when each call was due."""
    return uvloop.run(_paced(server, path, requests(), rate, seconds))


async def _paced(server: Server, path: str, requests: Iterator[bytes], rate: float, seconds: float) -> list[float]:
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [aio.insecure_channel(server.address, options=options) for _ in range(CHANNELS)]
    calls = [channel.unary_unary(path, None, None) for channel in channels]
    took: list[float] = []

    async def call(number: int, due: float) -> None:
        await calls[number % CHANNELS](next(requests))
        if number >= 0:
            took.append((time.perf_counter() - due) * 1e3)

    # The connections are made before the clock starts.
    await asyncio.gather(*(call(-number, 0.0) for number in range(1, CHANNELS + 1)))
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(call(number, due))
    for channel in channels:
        await channel.close(None)
    return took


async def _run(server: Server, path: str, requests: Iterator[bytes], seconds: float, callers: int) -> Load:
    # Without its own connection each, the channels of one process share one.
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [aio.insecure_channel(server.address, options=options) for _ in range(CHANNELS)]
    calls = [channel.unary_unary(path, None, None) for channel in channels]
    latencies: list[float] = []

    async def caller(number: int, until: float, kept: list[float]) -> None:
        call = calls[number % CHANNELS]
        while (started := time.perf_counter()) < until:
            await call(next(requests))
            kept.append(time.perf_counter() - started)

    await asyncio.gather(*(caller(n, time.perf_counter() + seconds / 3, []) for n in range(callers)))
    cpu, began = server.cpu_seconds(), time.perf_counter()
    await asyncio.gather(*(caller(n, began + seconds, latencies) for n in range(callers)))
    elapsed, used = time.perf_counter() - began, server.cpu_seconds() - cpu
    for channel in channels:
        await channel.close(None)
    return Load(
        len(latencies) / elapsed,
        used / len(latencies) * 1e6,
        percentile(latencies, 0.5) * 1e3,
        percentile(latencies, 0.99) * 1e3,
    )
