"""The same loops of calls for every client, wherever it runs."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.http_clients.clients.port import Client
from benchmarks.http_clients.provider import BURST, EVENTS, PACED, WHOLE
from benchmarks.rows import median, percentile

EXTRA = Path(__file__).resolve().parents[2] / "build" / "http-clients"
"""Where `make` puts the clients that nothing else here needs."""

REQUEST = b'{"model": "fast", "messages": [{"role": "user", "content": "' + b"Say words. " * 87 + b'"}]}'
"""1 KiB."""


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of call: where it goes, whether it is read as it comes, and how many are made in a turn by how many callers."""

    path: str
    streamed: bool
    calls: int
    callers: int


WORKS = {
    "unary": Work(WHOLE, streamed=False, calls=640, callers=64),
    "unary, one caller": Work(WHOLE, streamed=False, calls=100, callers=1),
    "stream of 200 events, each alone": Work(PACED, streamed=True, calls=16, callers=16),
    "stream of 200 events, all together": Work(BURST, streamed=True, calls=96, callers=16),
}


@dataclass(frozen=True, slots=True)
class Turn:
    """What a call cost in one turn, in microseconds: of the processor, and by the clock."""

    processor: float
    p50: float
    p99: float


def see_extra() -> None:
    """Let the clients be imported that nothing else here needs; what is here already goes first."""
    if str(EXTRA) not in sys.path:
        sys.path.append(str(EXTRA))


def call_of(client: Client, base: str, work: Work) -> Callable[[], Awaitable[None]]:
    """Return one call, which checks that it got all."""
    url = base + work.path

    async def whole() -> None:
        answer = await client.whole(url, REQUEST)
        if len(answer.body) != 2042:  # noqa: PLR2004 - what the provider sends
            raise ValueError(f"an answer of {len(answer.body)} bytes")

    async def streamed() -> None:
        ends = 0
        async with aclosing(client.pieces(url, REQUEST)) as pieces:  # type: ignore[type-var]  # generators, all of them
            async for piece in pieces:
                ends += piece.count(b"\n\n")
        if ends != EVENTS:
            raise ValueError(f"{ends} events")

    return streamed if work.streamed else whole


async def turn(call: Callable[[], Awaitable[None]], work: Work, processor: Callable[[], Awaitable[float]]) -> Turn:
    """Make the calls of one turn. *processor* gives the seconds of it that were used so far."""
    took: list[float] = []

    async def caller(calls: int) -> None:
        for _ in range(calls):
            began = time.perf_counter()
            await call()
            took.append(time.perf_counter() - began)

    before = await processor()
    await asyncio.gather(*(caller(work.calls // work.callers) for _ in range(work.callers)))
    used = await processor() - before
    return Turn(used / len(took) * 1e6, median(took) * 1e6, percentile(took, 0.99) * 1e6)
