"""Register in batches of 100 on SQLite, over gRPC."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from grpc import aio

from airegistry._convert import to_pb
from airegistry.resources.resource import Resource
from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1 import registry_service_pb2_grpc as stubs
from airegistry.v1 import resource_pb2
from benchmarks.processes import data_dir, registry
from benchmarks.rows import Row
from benchmarks.workload import resources

BATCH = 100
RESOURCES = 10_000
TARGET = 2_000


def measure() -> list[Row]:
    """Register a store full of endpoints, one batch after the other, and with four callers at once."""
    rows = []
    for callers in (1, 4):
        with data_dir() as folder, registry(folder) as server:
            batches = resources(RESOURCES * 4 // 5)
            seconds = asyncio.run(register_all(server.address, batches, callers=callers))
            rate = len(batches) / seconds
            rows.append(
                Row(
                    f"Register, batches of {BATCH}, {callers} at once",
                    f"{rate:,.0f} resources/s",
                    "SQLite, synchronous=FULL",
                    f"≥ {TARGET:,}/s",
                    rate >= TARGET,
                )
            )
    return rows


async def register_all(address: str, all_: Sequence[Resource], *, callers: int = 1) -> float:
    """Register everything, models first, and return the seconds it took; the messages are built before."""
    models = [resource for resource in all_ if resource.model is not None]
    rest = [resource for resource in all_ if resource.model is None]
    stages = [_requests(models), _requests(rest)]
    async with aio.insecure_channel(address) as channel:
        register = stubs.RegistryServiceStub(channel).Register
        started = time.perf_counter()
        for stage in stages:
            waiting = iter(stage)
            await asyncio.gather(*(_send(waiting, register) for _ in range(callers)))
        return time.perf_counter() - started


async def _send(waiting: Iterator[pb.RegisterRequest], register: Callable[..., Awaitable[Any]]) -> None:
    """Send what is waiting, one after the other; callers share the iterator."""
    for request in waiting:
        await register(request)


def _requests(all_: Sequence[Resource]) -> list[pb.RegisterRequest]:
    return [
        pb.RegisterRequest(resources=[to_pb(resource, resource_pb2.Resource) for resource in batch])
        for batch in (all_[start : start + BATCH] for start in range(0, len(all_), BATCH))
    ]
