"""`python -m tests.robustness.soak.outage`: primaries that are down for a minute by the clock on the wall, under calls of every kind."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
from grpc import aio
from rich.console import Console
from rich.table import Table

from airegistry.snapshots import Snapshot, SnapshotFile
from tests.faults.calling import Callers
from tests.faults.misbehaving import healthy
from tests.faults.wires import OPENAI_CHAT
from tests.planes import NOWHERE
from tests.ports import free_address
from tests.providers import provider
from tests.robustness.processes import gateway_process
from tests.robustness.soak.lanes import Lane, lanes

SOON = 30.0
"""Seconds within which a primary that is well again must be used again."""


@dataclass(frozen=True)
class Times:
    """For how many seconds primaries are well, then down, then well again."""

    before: float = 10.0
    down: float = 60.0
    after: float = 40.0


async def outage(times: Times) -> list[Lane]:
    """Run a gateway as a process of its own, let its primaries go and come back, and return what callers saw of it."""
    every = lanes()
    with tempfile.TemporaryDirectory(prefix="airegistry-outage-") as folder:
        async with _gateway(Path(folder), every) as (callers, http), asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(_watch(http, every))
            async with _primaries(every):
                await _call(callers, every, times.before)
            for lane in every:
                lane.goes_down()
            await _call(callers, every, times.down)
            for lane in every:
                lane.comes_back()
            async with _primaries(every):
                # On a busy machine the outage lasts somewhat longer, and so does the pause that a probe in it leads to.
                await _call(callers, every, times.after, max(times.after, SOON))
            watching.cancel()
    return every


@asynccontextmanager
async def _gateway(folder: Path, every: Sequence[Lane]) -> AsyncIterator[tuple[Callers, aiohttp.ClientSession]]:
    grpc = free_address()
    async with provider(partial(healthy, OPENAI_CHAT)) as other:
        known = [resource for lane in every for resource in lane.resources(other.url)]
        SnapshotFile(folder / "gateway" / "snapshot").save(Snapshot(1, "", tuple(known)))
        settings = {"GATEWAY_START_WAIT": "0.1"}
        async with (
            gateway_process(folder, NOWHERE, grpc, **settings) as server,
            aio.insecure_channel(grpc) as channel,
            aiohttp.ClientSession(f"http://{server.http_address}") as session,
        ):
            yield Callers(channel, session), session


@asynccontextmanager
async def _primaries(every: Sequence[Lane]) -> AsyncIterator[None]:
    """Let the primaries listen; before and after it nobody does."""
    async with AsyncExitStack() as stack:
        for lane in every:
            await stack.enter_async_context(provider(lane.answer, port=lane.port))
        yield


async def _call(callers: Callers, every: Sequence[Lane], seconds: float, at_most: float = 0.0) -> None:
    started = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for lane in every:
            tasks.create_task(lane.run(callers, started + seconds, started + at_most))


async def _watch(http: aiohttp.ClientSession, every: Sequence[Lane]) -> None:
    """Note when the gateway tried a primary, as it counts itself: who does not listen cannot count."""
    while True:
        async with http.get("/metrics") as answer:
            page = await answer.text()
        for lane in every:
            lane.note_attempts(page)
        await asyncio.sleep(0.1)


def table(every: Sequence[Lane]) -> Table:
    """Return what became of the calls, and when the primaries were asked."""
    columns = (
        "called by",
        "calls",
        "failed",
        "longest",
        "tried while down",
        "probes, at s of it",
        "back after",
        "then others",
    )
    shown = Table(*columns)
    for lane in every:
        opening, probes = lane.tried_apart()
        back = "never" if lane.back is None else f"{lane.back:.1f} s"
        shown.add_row(
            lane.carrier.id,
            str(lane.calls),
            str(len(lane.failures)),
            f"{lane.longest * 1000:.0f} ms",
            f"{len(opening)} + {len(probes)}",
            ", ".join(f"{at:.1f}" for at in probes),
            back,
            str(lane.others_after_back),
        )
    return shown


def wrong(every: Sequence[Lane]) -> list[str]:
    """Return what broke the promise: nobody notices, few probes, soon used again."""
    return [f"{lane.carrier.id}: {what}" for lane in every for what in lane.wrong(SOON)]


def main() -> int:
    """Run what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--down", type=float, default=Times.down)
    chosen = parser.parse_args()
    console = Console(width=140)
    every = asyncio.run(outage(Times(down=chosen.down)))
    console.print(table(every))
    found = wrong(every)
    for what in found:
        console.print(f"WRONG {what}", markup=False)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
