"""Watch: 10,000 watchers of one registry, from an event to its arrival at all of them, and the memory they take."""

from __future__ import annotations

from dataclasses import dataclass

import uvloop

from benchmarks.changing import Delivered, changer, watched_by
from benchmarks.postgres import database
from benchmarks.processes import data_dir, registry, script
from benchmarks.rows import Row
from benchmarks.subjects import Subject, fanout_at, registry_at

WATCHERS = 10_000
CHANNELS = 200
EVENTS = 6
# So far apart that each event is over before the next one.
EVERY = 2.0
MAX_MEBIBYTES = 300
MAX_MILLIS = 500.0
WORKERS = 2
MAX_MILLIS_WORKERS = 300.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run gave: arrivals, the milliseconds of a change alone, and the memory of all processes together."""

    delivered: Delivered
    alone: float
    mebibytes: float

    def __str__(self) -> str:
        return (
            f"p50 {self.delivered.p50 - self.alone:.0f} ms, p99 {self.p99:.0f} ms; "
            f"{self.delivered.cpu_micros:.1f} µs CPU per delivery, {self.delivered.receiving_micros:.1f} at the watcher; {self.mebibytes:.0f} MiB"
        )

    @property
    def p99(self) -> float:
        """What only one arrival in a hundred exceeds, in milliseconds from the commit."""
        return self.delivered.p99 - self.alone


def measure() -> list[Row]:
    """Measure one process on SQLite beside the bare fan-out, and two on PostgreSQL."""
    with script("benchmarks.fanout") as bare:
        reference = uvloop.run(_measure(fanout_at(bare)))
    with data_dir() as folder, registry(folder) as server:
        one = uvloop.run(_measure(registry_at(server)))
    with database() as url, data_dir() as folder, registry(folder, database=url, workers=WORKERS) as server:
        several = uvloop.run(_measure(registry_at(server)))
    return [
        Row(
            f"Watch, {WATCHERS:,} watchers, one process: one event to all",
            str(one),
            f"bare fan-out: {reference}",
            f"p99 ≤ {MAX_MILLIS:.0f} ms; ≤ {MAX_MEBIBYTES} MiB",
            one.p99 <= MAX_MILLIS and one.mebibytes <= MAX_MEBIBYTES,
        ),
        Row(
            f"Watch, {WATCHERS:,} watchers, {WORKERS} processes on PostgreSQL: one event to all",
            str(several),
            f"one process on SQLite: p99 {one.p99:.0f} ms",
            f"p99 ≤ {MAX_MILLIS_WORKERS:.0f} ms",
            several.p99 <= MAX_MILLIS_WORKERS,
        ),
    ]


async def _measure(subject: Subject) -> Figures:
    async with changer(subject) as changes:
        alone = await changes.alone()
        async with watched_by(subject, WATCHERS, channels=CHANNELS) as crowd:
            delivered = await changes.deliver(crowd.receiver, EVENTS, EVERY)
            mebibytes = subject.server.resident_bytes() / 2**20
    return Figures(delivered, alone, mebibytes)
