"""ReportUsage over gRPC: how many observations a registry counts in a second of its own processor time."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from airegistry._convert import to_pb
from airegistry.invocations.invocation import AttemptOutcome
from airegistry.invocations.usage import Cost, CostState, Usage
from airegistry.observations.observation import Observation
from airegistry.resources.resource import Resource
from airegistry.resources.route import ErrorClass
from airegistry.v1 import analytics_service_pb2 as pb
from airegistry.v1 import observation_pb2
from benchmarks.load import Load, run
from benchmarks.processes import data_dir, registry
from benchmarks.registering import register_all
from benchmarks.rows import Row
from benchmarks.workload import resources

PATH = "/airegistry.v1.AnalyticsService/ReportUsage"
ENDPOINTS = 1_000
SHAPES = ((500, 48), (50, 64))
"""How many observations a batch has, and how many reporters send at once."""
TARGET = 20_000
SECONDS = 5.0
_PREPARED = 64


def measure() -> list[Row]:
    """Report of a thousand endpoints, in large batches and in small ones."""
    known = resources(ENDPOINTS)
    return [_measured(known, batch, reporters) for batch, reporters in SHAPES]


def _measured(known: Sequence[Resource], batch: int, reporters: int) -> Row:
    names = [one.name for one in known if one.endpoint is not None]
    with data_dir() as folder, registry(folder) as server:
        asyncio.run(register_all(server.address, known))
        load = run(server, PATH, lambda: _requests(names, batch), SECONDS, callers=reporters)
    return _row(load, batch, reporters, len(names))


def _row(load: Load, batch: int, reporters: int, endpoints: int) -> Row:
    per_core = batch / load.cpu_micros * 1e6
    return Row(
        f"ReportUsage of {endpoints:,} endpoints, batches of {batch}, {reporters} at once",
        f"{per_core:,.0f} observations/s per core; {load.per_second * batch:,.0f}/s; p50 {load.p50_millis:.0f} ms, "
        f"p99 {load.p99_millis:.0f} ms",
        "SQLite, synchronous=FULL",
        f"≥ {TARGET:,}/s per core" if batch == SHAPES[0][0] else "",
        per_core >= TARGET if batch == SHAPES[0][0] else None,
    )


def _requests(names: Sequence[str], batch: int) -> Iterator[bytes]:
    """Yield reports without end; the observations are made before, and each report has a number of its own."""
    rng = random.Random(7)
    bodies = [_observations(rng, names, batch) for _ in range(_PREPARED)]
    for number in itertools.count():
        # One reporter for each, so that no two numbers are ever too far apart.
        head = pb.ReportUsageRequest(
            reporter_id=f"reporter-{number % _PREPARED:04}", batch_number=number // _PREPARED + 1
        )
        yield head.SerializeToString() + bodies[number % _PREPARED]


def _observations(rng: random.Random, names: Sequence[str], batch: int) -> bytes:
    now = datetime.now(UTC)
    made = [to_pb(_observation(rng, name, now), observation_pb2.Observation) for name in rng.choices(names, k=batch)]
    return pb.ReportUsageRequest(observations=made).SerializeToString()


def _observation(rng: random.Random, name: str, now: datetime) -> Observation:
    if rng.random() < 0.02:  # noqa: PLR2004 - the share that fails
        return Observation(name, now, AttemptOutcome.ERROR, ErrorClass.OVERLOADED, rng.expovariate(1.0))
    first, tokens = rng.lognormvariate(-1, 0.5), rng.randrange(20, 800)
    return Observation(
        target=name,
        time=now,
        outcome=AttemptOutcome.OK,
        duration=first + tokens / rng.lognormvariate(4, 0.3),
        time_to_first_token=first,
        usage=Usage(input_tokens=rng.randrange(2_000), output_tokens=tokens),
        cost=Cost(CostState.KNOWN, tokens * 15_000),
    )
