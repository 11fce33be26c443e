"""50,000 leases on PostgreSQL, kept by heartbeats in batches: how steady, at what cost, and whether any is lost.

BENCH_LEASE_MINUTES says for how long; a minute unless it is set.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvloop
from google.protobuf.duration_pb2 import Duration
from grpc import aio

from airegistry.v1 import agent_pb2, resource_pb2
from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1 import registry_service_pb2_grpc as stubs
from benchmarks.postgres import database
from benchmarks.processes import Server, data_dir, registry
from benchmarks.rows import Row, percentile

LEASES = 50_000
BATCH = 500
HEARTBEAT = 10.0
TTL = 30
# How many holders register at once.
_REGISTERING = 4
# The share of the renewals that must have been answered when the time is over: the last ones may still be on their way.
_MIN_SHARE = 0.99


@dataclass(slots=True)
class Kept:
    """What became of the heartbeats, and what a watcher saw of the leases."""

    renewed: int = 0
    refused: int = 0
    lost: int = 0
    seconds: list[float] = field(default_factory=list)
    measuring: bool = False


def measure() -> list[Row]:
    """Hold all leases for the time that is asked for."""
    minutes = float(os.environ.get("BENCH_LEASE_MINUTES", "1"))
    with database() as url, data_dir() as folder, registry(folder, database=url) as server:
        kept, cpu = uvloop.run(_hold(server, minutes * 60))
    wanted = LEASES / HEARTBEAT
    achieved = kept.renewed / (minutes * 60)
    return [
        Row(
            f"{LEASES:,} leases for {minutes:g} min, heartbeats every {HEARTBEAT:.0f} s in batches of {BATCH}",
            f"{achieved:,.0f} renewals/s; a batch p50 {percentile(kept.seconds, 0.5) * 1e3:.0f} ms, "
            f"p99 {percentile(kept.seconds, 0.99) * 1e3:.0f} ms; {cpu:.0%} of a core; "
            f"{kept.lost} events, {kept.refused} refused",
            "PostgreSQL, one replica",
            f"{wanted:,.0f} renewals/s; no false expiry",
            achieved >= wanted * _MIN_SHARE and kept.lost == kept.refused == 0,
        )
    ]


async def _hold(server: Server, seconds: float) -> tuple[Kept, float]:
    """Return what became of the leases, and the share of a core that the registry took."""
    kept = Kept()
    async with aio.insecure_channel(server.address) as channel, asyncio.TaskGroup() as tasks:
        stub = stubs.RegistryServiceStub(channel)
        room = asyncio.Semaphore(_REGISTERING)
        count = LEASES // BATCH
        registered = asyncio.Semaphore(0)
        began = time.monotonic()
        holders = [
            tasks.create_task(_holder(stub, number, room, registered, began + HEARTBEAT * number / count, kept))
            for number in range(count)
        ]
        for _ in holders:
            await registered.acquire()
        async with _watched(stub, kept):
            used, kept.measuring = server.cpu_seconds(), True
            await asyncio.sleep(seconds)
            used, kept.measuring = server.cpu_seconds() - used, False
        for holder in holders:
            holder.cancel()
    return kept, used / seconds


async def _holder(
    stub: stubs.RegistryServiceAsyncStub,
    number: int,
    room: asyncio.Semaphore,
    registered: asyncio.Semaphore,
    due: float,
    kept: Kept,
) -> None:
    """Register a batch, then renew it at times that are spread evenly over all holders."""
    owner = f"holder-{number:06}"
    names = [f"agents/held-{number * BATCH + place}" for place in range(BATCH)]
    agents = [resource_pb2.Resource(name=name, agent=agent_pb2.Agent()) for name in names]
    async with room:
        await stub.Register(pb.RegisterRequest(resources=agents, lease_ttl=Duration(seconds=TTL), owner_id=owner))
    registered.release()
    request = pb.HeartbeatRequest(renewals=[pb.LeaseRenewal(name=name) for name in names], owner_id=owner)
    while True:
        # Rounds that were missed while others registered are not made up for.
        while due <= time.monotonic():
            due += HEARTBEAT
        await asyncio.sleep(due - time.monotonic())
        started = time.monotonic()
        response = await stub.Heartbeat(request)
        if kept.measuring:
            kept.seconds.append(time.monotonic() - started)
            refused = sum(result.HasField("error") for result in response.results)
            kept.refused += refused
            kept.renewed += len(response.results) - refused


@asynccontextmanager
async def _watched(stub: stubs.RegistryServiceAsyncStub, kept: Kept) -> AsyncIterator[None]:
    """Count every event: nothing is changed, so each is a lease that was taken for overdue."""

    async def watch() -> None:
        async for response in stub.Watch(pb.WatchRequest(skip_snapshot=True)):
            kept.lost += len(response.events)
        raise EOFError("the watch ended")

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        if task.done():
            await task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
