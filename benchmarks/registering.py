"""Register in batches over gRPC: of 100 on SQLite, of 50 on PostgreSQL."""

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
from benchmarks.postgres import database
from benchmarks.processes import Server, data_dir, registry
from benchmarks.rows import Row
from benchmarks.workload import resources

BATCH = 100
TARGET = 2_000
RESOURCES = 10_000
BATCH_POSTGRES = 50
TARGET_POSTGRES = 1_000


def measure() -> list[Row]:
    """Register a store full of endpoints, one batch after the other, and with four callers at once."""
    rows = []
    for callers in (1, 4):
        with data_dir() as folder, registry(folder) as server:
            rows.append(_row(server, "SQLite, synchronous=FULL", BATCH, callers, TARGET))
    for callers in (1, 4):
        with database() as url, data_dir() as folder, registry(folder, database=url) as server:
            rows.append(_row(server, "PostgreSQL", BATCH_POSTGRES, callers, TARGET_POSTGRES))
    return rows


def _row(server: Server, store: str, batch: int, callers: int, target: int) -> Row:
    all_ = resources(RESOURCES * 4 // 5)
    used = server.cpu_seconds()
    seconds = asyncio.run(register_all(server.address, all_, callers=callers, batch=batch))
    used = server.cpu_seconds() - used
    rate = len(all_) / seconds
    return Row(
        f"Register on {store}, batches of {batch}, {callers} at once",
        f"{rate:,.0f} resources/s; {used / len(all_) * 1e6:.0f} µs CPU each",
        "",
        f"≥ {target:,}/s",
        rate >= target,
    )


async def register_all(address: str, all_: Sequence[Resource], *, callers: int = 1, batch: int = BATCH) -> float:
    """Register everything, models first, and return the seconds it took; the messages are built before."""
    models = [resource for resource in all_ if resource.model is not None]
    rest = [resource for resource in all_ if resource.model is None]
    stages = [_requests(models, batch), _requests(rest, batch)]
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


def _requests(all_: Sequence[Resource], batch: int) -> list[pb.RegisterRequest]:
    return [
        pb.RegisterRequest(resources=[to_pb(resource, resource_pb2.Resource) for resource in part])
        for part in (all_[start : start + batch] for start in range(0, len(all_), batch))
    ]
