"""Watch on both carriers: one event to all the streams of a registry, and the memory that a stream takes."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

import uvloop

from airegistry._rpc.post import CarrierName
from benchmarks.carriers.discovering import CALLER_CORE, SERVER_CORE
from benchmarks.changing import changer, watched_by
from benchmarks.processes import data_dir, pinned, registry
from benchmarks.rows import Row, median
from benchmarks.subjects import Subject, registry_at

ROUNDS = 3
MOST = 0.5


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many streams over how many connections, and how many changes, which must not meet."""

    watchers: int
    channels: int
    events: int
    every: float


CROWDS = (Crowd(1_000, 20, 8, 0.5), Crowd(10_000, 200, 5, 2.0))


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run gave: milliseconds from the commit, processor time per delivery in microseconds, KiB per stream."""

    p50: float
    p99: float
    cpu_micros: float
    kibibytes: float


def measure() -> list[Row]:
    """Take turns on both carriers, each time with a new registry: memory is measured from its start."""
    return [row for crowd in CROWDS for row in _rows(crowd)]


def _rows(crowd: Crowd) -> list[Row]:
    runs: dict[CarrierName, list[Figures]] = {"envoy": [], "aio": []}
    for _ in range(ROUNDS):
        for carrier, figures in runs.items():
            figures.append(_run(crowd, carrier))
    envoy, aio = _middle(runs["envoy"]), _middle(runs["aio"])
    ratio = median([ours.p99 / theirs.p99 for ours, theirs in zip(runs["envoy"], runs["aio"], strict=True)])
    return [
        Row(
            f"Watch, {crowd.watchers:,} streams: one event to all",
            f"{_said(envoy)}; p99 = {ratio:.2f} x",
            f"grpc.aio: {_said(aio)}",
            f"p99 ≤ {MOST:g} x",
            ratio <= MOST,
        ),
        Row(
            f"Watch, {crowd.watchers:,} streams: memory of a stream",
            f"{envoy.kibibytes:.0f} KiB",
            f"grpc.aio: {aio.kibibytes:.0f} KiB",
            "no more",
            envoy.kibibytes <= aio.kibibytes,
        ),
    ]


def _said(figures: Figures) -> str:
    return f"p50 {figures.p50:.0f} ms, p99 {figures.p99:.0f} ms, {figures.cpu_micros:.1f} µs CPU a delivery"


def _run(crowd: Crowd, carrier: CarrierName) -> Figures:
    with ExitStack() as stack:
        folder = stack.enter_context(data_dir())
        with pinned(SERVER_CORE):
            server = stack.enter_context(registry(folder, carrier=carrier))
        stack.enter_context(pinned(CALLER_CORE))
        return uvloop.run(_measured(registry_at(server), crowd))


async def _measured(subject: Subject, crowd: Crowd) -> Figures:
    async with changer(subject) as changes:
        alone = await changes.alone()
        async with watched_by(subject, crowd.watchers, channels=crowd.channels) as watching:
            delivered = await changes.deliver(watching.receiver, crowd.events, crowd.every)
    return Figures(delivered.p50 - alone, delivered.p99 - alone, delivered.cpu_micros, watching.kibibytes)


def _middle(runs: list[Figures]) -> Figures:
    return Figures(
        median([run.p50 for run in runs]),
        median([run.p99 for run in runs]),
        median([run.cpu_micros for run in runs]),
        median([run.kibibytes for run in runs]),
    )
