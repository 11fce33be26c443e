"""Discover over gRPC: 10,000 endpoints, three filters, top 10, beside an echo of as many bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice, repeat

from grpc import aio

from airegistry._convert import to_pb
from airegistry.resources.requirements import DiscoverQuery
from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1 import requirements_pb2
from benchmarks.load import Load, run
from benchmarks.processes import Server, data_dir, registry, script
from benchmarks.registering import register_all
from benchmarks.rows import Row
from benchmarks.workload import distinct_queries, repeated_query, resources

PATH = "/airegistry.v1.RegistryService/Discover"
ENDPOINTS = 10_000
PREPARED = 60_000
TURNS = 3


def measure() -> list[Row]:
    """Measure repeated and distinct queries, each beside the echo."""
    with data_dir() as folder, registry(folder) as server:
        asyncio.run(register_all(server.address, resources(ENDPOINTS)))
        size = asyncio.run(_reply_size(server.address))
        with script("benchmarks.echo", "--size", str(size)) as echo:
            rows = []
            for work, requests, target in (
                ("Discover, repeated query", _repeated, 0.8),
                ("Discover, every query differs", _distinct, 0.5),
            ):
                reference, ours = _side_by_side(echo, server, requests)
                rows.append(_row(work, ours, reference, size, target))
            return rows


def _side_by_side(echo: Server, server: Server, requests: Callable[[], Iterator[bytes]]) -> tuple[Load, Load]:
    """Take turns, so that a machine that changes its speed changes it for both; keep the middle turn of each."""
    pairs = [(run(echo, "/benchmarks.Echo/Echo", _repeated), run(server, PATH, requests)) for _ in range(TURNS)]
    pairs.sort(key=lambda pair: pair[1].per_second / pair[0].per_second)
    return pairs[TURNS // 2]


def _row(work: str, ours: Load, reference: Load, size: int, target: float) -> Row:
    ratio = ours.per_second / reference.per_second
    return Row(
        work,
        f"{ours.per_second:,.0f}/s = {ratio:.2f} x echo; {ours.cpu_micros:.0f} µs CPU; p50 {ours.p50_millis:.1f} ms",
        f"echo of {size:,} B: {reference.per_second:,.0f}/s; {reference.cpu_micros:.0f} µs CPU",
        f"≥ {target} x echo",
        ratio >= target,
    )


async def _reply_size(address: str) -> int:
    async with aio.insecure_channel(address) as channel:
        return len(await channel.unary_unary(PATH, None, None)(next(_repeated())))


def _repeated() -> Iterator[bytes]:
    return repeat(_request(repeated_query()))


def _distinct() -> Iterator[bytes]:
    # Built before the clock starts: the load must not be slowed by making it. Far more than one run can send.
    return iter(_prepared())


@cache
def _prepared() -> list[bytes]:
    return [_request(query) for query in islice(distinct_queries(), PREPARED)]


def _request(query: DiscoverQuery) -> bytes:
    message = pb.DiscoverRequest(query=to_pb(query, requirements_pb2.DiscoverQuery), limit=10)
    return message.SerializeToString()
