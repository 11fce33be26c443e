"""What it costs an engine to report: for the call whose attempt is noted, and for the others while a batch goes out."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from airegistry.client import AnalyticsClient
from airegistry.discovery.answers import Score
from airegistry.invocations.invocation import Attempt, AttemptOutcome
from airegistry.invocations.usage import Cost, CostState, Usage
from airegistry.invoke.observer import STREAMED
from airegistry.reporting import Reporter
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.resource import Resource
from airegistry.routing.target import Target
from benchmarks.rows import Row, median, print_table

ATTEMPTS = 20_000
ROUNDS = 9
BATCHES = 5
MOST_NOTED = 2e-6

_NAME = "models/m/endpoints/a"
_ATTEMPT = Attempt(
    _NAME,
    AttemptOutcome.OK,
    http_status=200,
    duration=1.2,
    time_to_first_token=0.3,
    usage=Usage(input_tokens=100, output_tokens=40),
    cost=Cost(CostState.KNOWN, 18_000),
)
_TARGET = Target(Resource(name=_NAME, endpoint=Endpoint()), Endpoint(), Score())


def measure() -> list[Row]:
    """Note attempts, first while there is room and then while the oldest are dropped; then report full batches."""
    return [*asyncio.run(_noting()), *asyncio.run(_going_out())]


async def _noting() -> list[Row]:
    async with AnalyticsClient("127.0.0.1:1") as client:
        roomy = median([_noted(Reporter(client, kept=2 * ATTEMPTS)) for _ in range(ROUNDS)])
        full = Reporter(client, kept=1_000)
        dropping = median([_noted(full) for _ in range(ROUNDS)])
    return [
        _row("an attempt is noted to be reported", roomy),
        _row("an attempt is noted, and the oldest dropped", dropping),
    ]


def _noted(reporter: Reporter) -> float:
    """Return how long one attempt takes, in seconds."""
    began = time.perf_counter()
    for _ in range(ATTEMPTS):
        reporter.attempt_ended(_TARGET, _ATTEMPT, STREAMED)
    return (time.perf_counter() - began) / ATTEMPTS


async def _going_out() -> list[Row]:
    """Prepare full batches for a registry that is not there: what the loop of the calls does of a report."""
    late: list[float] = []
    async with AnalyticsClient("127.0.0.1:1") as client:
        watching = asyncio.ensure_future(_watch_the_loop(late))
        reporter = Reporter(client, kept=BATCHES * 2_000)
        for _ in range(BATCHES * 2_000):
            reporter.attempt_ended(_TARGET, _ATTEMPT, STREAMED)
        await asyncio.sleep(0.1)
        late.clear()
        running = asyncio.ensure_future(reporter.run())
        await asyncio.sleep(1.0)
        for task in (watching, running):
            task.cancel()
        await asyncio.wait((watching, running))
    return [Row(f"{BATCHES} full batches go out: the loop is late by at most", f"{max(late) * 1e3:.1f} ms")]


async def _watch_the_loop(late: list[float]) -> None:
    while True:
        due = time.perf_counter() + 0.001
        await asyncio.sleep(0.001)
        late.append(time.perf_counter() - due)


def _row(work: str, seconds: float) -> Row:
    return Row(work, f"{seconds * 1e6:.2f} µs", target=f"{MOST_NOTED * 1e6:.0f} µs", holds=seconds <= MOST_NOTED)


if __name__ == "__main__":
    print_table(measure(), f"reporting, {datetime.now(UTC):%Y-%m-%d}")
