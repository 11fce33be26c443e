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
from benchmarks.load import Load, paced, run
from benchmarks.processes import Server, data_dir, registry, script
from benchmarks.registering import register_all
from benchmarks.rows import Row, percentile
from benchmarks.workload import distinct_queries, repeated_query, resources

PATH = "/airegistry.v1.RegistryService/Discover"
ENDPOINTS = 10_000
PREPARED = 60_000
TURNS = 3
MOST_P99_MILLIS = 5.0


def measure() -> list[Row]:
    """Measure repeated and distinct queries, each beside the echo."""
    with data_dir() as folder, registry(folder) as server:
        asyncio.run(register_all(server.address, resources(ENDPOINTS)))
        size = asyncio.run(_reply_size(server.address))
        with script("benchmarks.echo", "--size", str(size)) as echo:
            rows = []
            for work, requests, target in (
                ("Discover, repeated query", repeated, 0.8),
                ("Discover, every query differs", distinct, 0.5),
            ):
                reference, ours = _side_by_side(echo, server, requests)
                rows.append(_row(work, ours, reference, size, target))
                rows.append(_at_half(work, echo, server, requests, ours.per_second / 2))
            return rows


def _side_by_side(echo: Server, server: Server, requests: Callable[[], Iterator[bytes]]) -> tuple[Load, Load]:
    """Take turns, so that a machine that changes its speed changes it for both; keep the middle turn of each."""
    pairs = [(run(echo, "/benchmarks.Echo/Echo", repeated), run(server, PATH, requests)) for _ in range(TURNS)]
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


def _at_half(work: str, echo: Server, server: Server, requests: Callable[[], Iterator[bytes]], rate: float) -> Row:
    """Call at half the rate that was reached; the quietest of a few turns counts, for what else the machine does adds to it."""
    tails: list[tuple[float, float]] = []
    for _ in range(TURNS):
        reference = percentile(paced(echo, "/benchmarks.Echo/Echo", repeated, rate), 0.99)
        tails.append((percentile(paced(server, PATH, requests, rate), 0.99), reference))
    tail, reference = min(tails)
    return Row(
        f"{work}, at {rate:,.0f}/s",
        f"p99 {tail:.1f} ms",
        f"echo: p99 {reference:.1f} ms",
        f"p99 ≤ {MOST_P99_MILLIS:.0f} ms",
        tail <= MOST_P99_MILLIS,
    )


async def _reply_size(address: str) -> int:
    async with aio.insecure_channel(address) as channel:
        return len(await channel.unary_unary(PATH, None, None)(next(repeated())))


def repeated() -> Iterator[bytes]:
    """Yield the same query, without end."""
    return repeat(_request(repeated_query()))


def distinct() -> Iterator[bytes]:
    """Yield queries that all differ, more than one run can send."""
    # Built before the clock starts: the load must not be slowed by making it. Far more than one run can send.
    return iter(_prepared())


@cache
def _prepared() -> list[bytes]:
    return [_request(query) for query in islice(distinct_queries(), PREPARED)]


def _request(query: DiscoverQuery) -> bytes:
    message = pb.DiscoverRequest(query=to_pb(query, requirements_pb2.DiscoverQuery), limit=10)
    return message.SerializeToString()
