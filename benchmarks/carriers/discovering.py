"""Discover on both carriers, and over REST beside gRPC: calls per second of the server's own processor time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice

import aiohttp
from google.protobuf import json_format

from airegistry._rpc.post import CarrierName
from airegistry.v1 import registry_service_pb2 as pb
from benchmarks.discover import ENDPOINTS, PATH, distinct, repeated
from benchmarks.load import Load, run
from benchmarks.processes import Server, data_dir, pinned, registry
from benchmarks.registering import register_all
from benchmarks.rows import Row, median
from benchmarks.workload import resources

SERVER_CORE, CALLER_CORE = 0, 1
ROUNDS = 3
SECONDS = 3.0
# Enough to keep a server busy that hands calls from one thread to another.
CALLERS = 64
LEAST_REPEATED, LEAST_DISTINCT, LEAST_REST = 3.0, 1.7, 0.7
_REST = "/registry/v1/resources:discover"
_REST_QUERIES = 2_000
# Compression would be most of the work, and gRPC has none either.
_HEADERS = {"content-type": "application/json", "accept-encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of request, and how many times grpc.aio Envoy shall reach."""

    name: str
    requests: Callable[[], Iterator[bytes]]
    least: float


WORKS = (
    Work("Discover, repeated query", repeated, LEAST_REPEATED),
    Work("Discover, every query differs", distinct, LEAST_DISTINCT),
)


def measure() -> list[Row]:
    """Take turns on both carriers."""
    with ExitStack() as stack:
        servers = {carrier: _registry(stack, carrier) for carrier in ("aio", "envoy")}
        with pinned(CALLER_CORE):
            rows = [_compared(work, servers["envoy"], servers["aio"]) for work in WORKS]
            return [*rows, _rest(servers["envoy"])]


def _registry(stack: ExitStack, carrier: CarrierName) -> Server:
    folder = stack.enter_context(data_dir())
    with pinned(SERVER_CORE):
        server = stack.enter_context(registry(folder, carrier=carrier))
    asyncio.run(register_all(server.address, resources(ENDPOINTS)))
    return server


def _compared(work: Work, envoy: Server, aio: Server) -> Row:
    pairs = [
        (
            run(envoy, PATH, work.requests, SECONDS, callers=CALLERS),
            run(aio, PATH, work.requests, SECONDS, callers=CALLERS),
        )
        for _ in range(ROUNDS)
    ]
    ratio = median([theirs.cpu_micros / ours.cpu_micros for ours, theirs in pairs])
    return Row(
        f"{work.name}, calls/s on a core",
        f"{_figure([ours for ours, _ in pairs])} = {ratio:.2f} x",
        f"grpc.aio: {_figure([theirs for _, theirs in pairs])}",
        f"≥ {work.least:g} x",
        ratio >= work.least,
    )


def _figure(loads: list[Load]) -> str:
    cpu = median([load.cpu_micros for load in loads])
    clock = median([load.per_second for load in loads])
    return f"{1e6 / cpu:,.0f} ({cpu:.0f} µs; {clock:,.0f} by the clock)"


def _rest(server: Server) -> Row:
    """Compare the same queries over both: all distinct, so that the answers are made anew."""
    bodies = [
        json.dumps(json_format.MessageToDict(pb.DiscoverRequest.FromString(request))).encode()
        for request in islice(distinct(), _REST_QUERIES)
    ]
    pairs = [
        (
            asyncio.run(_posted(server, bodies)),
            run(server, PATH, lambda: islice(distinct(), 10**6), SECONDS, callers=CALLERS).cpu_micros,
        )
        for _ in range(ROUNDS)
    ]
    ratio = median([grpc / rest for rest, grpc in pairs])
    rest, grpc = median([rest for rest, _ in pairs]), median([grpc for _, grpc in pairs])
    return Row(
        "Discover over REST, every query differs, calls/s on a core",
        f"{1e6 / rest:,.0f} ({rest:.0f} µs) = {ratio:.2f} x",
        f"gRPC on the same carrier: {1e6 / grpc:,.0f} ({grpc:.0f} µs)",
        f"≥ {LEAST_REST:g} x",
        ratio >= LEAST_REST,
    )


async def _posted(server: Server, bodies: list[bytes]) -> float:
    """Return the processor time of the server per request, in microseconds."""
    async with aiohttp.ClientSession(f"http://{server.address}", headers=_HEADERS) as http:

        async def caller(mine: list[bytes]) -> None:
            for body in mine:
                async with http.post(_REST, data=body) as answer:
                    await answer.read()
                    answer.raise_for_status()

        shares = [bodies[number::CALLERS] for number in range(CALLERS)]
        # The connections are made before the clock starts.
        await asyncio.gather(*(caller(share[:1]) for share in shares))
        used = server.cpu_seconds()
        await asyncio.gather(*(caller(share) for share in shares))
        return (server.cpu_seconds() - used) / len(bodies) * 1e6
