"""Watch: 1,000 watchers of one registry, from a change to its arrival, beside a bare grpc.aio fan-out.

A change is made by a request. What the middle one of the same requests takes while nobody watches is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass

import uvloop

from benchmarks.changing import Delivered, changer, watched_by
from benchmarks.processes import data_dir, registry, script
from benchmarks.rows import Row
from benchmarks.subjects import Subject, fanout_at, registry_at

WATCHERS = 1_000
CHANNELS = 20
MAX_KIBIBYTES = 40.0


@dataclass(frozen=True, slots=True)
class Work:
    """Changes at a pace, or all at once, and the slowest that one in a hundred of their arrivals may be."""

    name: str
    count: int
    every: float
    max_millis: float
    turns: int = 1


WORKS = (
    Work("one change/s", 12, 1.0, 30.0),
    Work("100 changes/s", 400, 0.01, 100.0),
    Work("a burst of 100", 100, 0.0, 150.0, turns=5),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run gave: the works in their order, each with the milliseconds of a change alone; memory per watcher."""

    works: tuple[tuple[Delivered, float], ...]
    kibibytes: float


def measure() -> list[Row]:
    """Measure changes at each pace, on the reference and on the registry."""
    with script("benchmarks.fanout") as bare:
        reference = uvloop.run(_measure(fanout_at(bare)))
    with data_dir() as folder, registry(folder) as server:
        ours = uvloop.run(_measure(registry_at(server)))
    rows = [_row(work, ours, reference, place) for place, work in enumerate(WORKS)]
    memory = Row(
        "Watch, memory per watcher",
        f"{ours.kibibytes:.0f} KiB",
        f"bare fan-out: {reference.kibibytes:.0f} KiB",
        f"≤ {MAX_KIBIBYTES:.0f} KiB",
        ours.kibibytes <= MAX_KIBIBYTES,
    )
    return [*rows, memory]


async def _measure(subject: Subject) -> Figures:
    async with changer(subject) as changes:
        # At a slow pace each change is on its own anyhow.
        alone = [await changes.alone(work.count, min(work.every, 0.05)) for work in WORKS]
        async with watched_by(subject, WATCHERS, channels=CHANNELS) as crowd:
            works = [await changes.deliver(crowd.receiver, work.count, work.every, turns=work.turns) for work in WORKS]
    return Figures(tuple(zip(works, alone, strict=True)), crowd.kibibytes)


def _row(work: Work, ours: Figures, reference: Figures, place: int) -> Row:
    delivered, alone = ours.works[place]
    p99 = delivered.p99 - alone
    return Row(
        f"Watch, {WATCHERS:,} watchers, {work.name}: commit → received",
        f"{_figure(delivered, alone)}; the change itself: {alone:.1f} ms",
        f"bare fan-out: {_figure(*reference.works[place])}",
        f"p99 ≤ {work.max_millis:.0f} ms",
        p99 <= work.max_millis,
    )


def _figure(delivered: Delivered, alone: float) -> str:
    return (
        f"p50 {delivered.p50 - alone:.0f} ms, p99 {delivered.p99 - alone:.0f} ms; "
        f"{delivered.cpu_micros:.1f} µs CPU per delivery, {delivered.receiving_micros:.1f} at the watcher"
    )
