"""A reconnect storm: 5,000 watchers, a connection each, cut at once; a change is made before they come back.

They are back and whole when each has resumed from its token and received that change. What the database is asked
meanwhile is compared with a time of the same length in which nothing happens.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

import uvloop

from benchmarks.changing import changer, watched_by
from benchmarks.postgres import database, transactions
from benchmarks.processes import data_dir, registry
from benchmarks.receiving.receiver import now
from benchmarks.rows import Row, percentile
from benchmarks.subjects import Subject, registry_at

WATCHERS = 5_000
MAX_SECONDS = 10.0
# What the upkeep does at its own pace may fall into one time or the other; a read for each watcher would be 5,000.
MAX_TRANSACTIONS = 50
# Sessions of PostgreSQL report what they did at most once in a second, and when they do something next.
_REPORTING_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run gave: how many came back, after how many seconds each, and how many transactions that took."""

    seconds: list[float]
    cpu_seconds: float
    transactions: int
    idle_transactions: int

    def after(self, share: float) -> float:
        """Return the seconds after which this share of those who came back were whole."""
        return percentile(self.seconds, share) if self.seconds else math.inf


def measure() -> list[Row]:
    """Cut all watchers of a registry on PostgreSQL."""
    with database() as url, data_dir() as folder, registry(folder, database=url) as server:
        figures = uvloop.run(_measure(registry_at(server), url))
    extra = figures.transactions - figures.idle_transactions
    return [
        Row(
            f"Watch, {WATCHERS:,} watchers cut at once: all back and whole",
            f"{len(figures.seconds):,} back; half after {figures.after(0.5):.1f} s, all after "
            f"{figures.after(1.0):.1f} s; {figures.cpu_seconds / WATCHERS * 1e6:.0f} µs CPU each",
            f"transactions meanwhile: {figures.transactions}; in as long a time without a storm: {figures.idle_transactions}",
            f"≤ {MAX_SECONDS:.0f} s; ≤ {MAX_TRANSACTIONS} more transactions",
            len(figures.seconds) == WATCHERS and figures.after(1.0) <= MAX_SECONDS and extra <= MAX_TRANSACTIONS,
        )
    ]


async def _measure(subject: Subject, url: str) -> Figures:
    async with changer(subject) as changes, watched_by(subject, WATCHERS, channels=WATCHERS) as crowd:
        await changes.deliver(crowd.receiver, 1)
        await asyncio.sleep(_REPORTING_SECONDS)
        used = subject.server.cpu_seconds()
        before = await transactions(url)
        began = now()
        await crowd.receiver.cut()
        await changes.change()
        await crowd.receiver.resume()
        await crowd.receiver.wait(1)
        arrivals = await crowd.receiver.take()
        seconds = (now() - began) / 1e9
        used = subject.server.cpu_seconds() - used
        await asyncio.sleep(_REPORTING_SECONDS)
        during = await transactions(url) - before
        # The same time again, with nothing in it.
        await asyncio.sleep(seconds + _REPORTING_SECONDS)
        idle = await transactions(url) - before - during
    return Figures([float(nanos - began) / 1e9 for nanos in arrivals.nanos], used, during, idle)
