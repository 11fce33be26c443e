"""What a call to a provider costs by each HTTP client, in the gateway's loop and inside Envoy."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping

import uvloop

from benchmarks.http_clients.app import ENVOY, NOBODY
from benchmarks.http_clients.clients import NAMES, title
from benchmarks.http_clients.in_envoy import carried
from benchmarks.http_clients.in_loop import Workers
from benchmarks.http_clients.loops import WORKS, Turn, see_extra
from benchmarks.processes import script
from benchmarks.rows import Row, median

ROUNDS = int(os.environ.get("BENCH_HTTP_CLIENTS_ROUNDS", "7"))
_ALONE = next(name for name in WORKS if "alone" in name)

Turns = dict[tuple[str, str], list[Turn]]
"""What was measured, by work and client."""


def measure() -> list[Row]:
    """Have every client take its turns, one after the other and again, first in the loop and then in Envoy."""
    see_extra()
    with script("benchmarks.http_clients.provider") as provider:
        in_loop = _in_loop(f"http://{provider.address}")
        in_envoy = uvloop.run(_in_envoy(provider.address))
    titles = {name: title(name) for name in NAMES}
    return [*_rows("loop", in_loop, titles, NAMES), *_rows("Envoy", in_envoy, titles, (*NAMES, ENVOY, NOBODY))]


def _in_loop(base: str) -> Turns:
    turns: Turns = {}
    with Workers() as workers:
        for name in NAMES:
            workers.start(name, base)
        for work in WORKS:
            for number in range(ROUNDS + 1):
                for name in _rotated([*NAMES], number):
                    turn = workers.by_name[name].turn(work)
                    # The first round makes connections, and fills caches.
                    if number:
                        turns.setdefault((work, name), []).append(turn)
    return turns


async def _in_envoy(provider: str) -> Turns:
    turns: Turns = {}
    async with carried(provider) as envoy:
        for work in WORKS:
            names = [*NAMES, ENVOY] if work == _ALONE else [*NAMES, ENVOY, NOBODY]
            for number in range(ROUNDS + 1):
                for name in _rotated(names, number):
                    async with asyncio.timeout(60):
                        turn = await envoy.turn(name, work)
                    if number:
                        turns.setdefault((work, name), []).append(turn)
    return turns


def _rotated(names: list[str], number: int) -> list[str]:
    """Return the names with another one first in each round, so that nobody always follows the same one."""
    place = number % len(names)
    return names[place:] + names[:place]


def _rows(where: str, turns: Turns, titles: Mapping[str, str], names: Iterable[str]) -> list[Row]:
    return [
        _row(f"{where}, {work}: {titles.get(name, name)}", turns[work, name], turns[work, "ours"])
        for work in WORKS
        for name in names
        if (work, name) in turns
    ]


def _row(work: str, turns: list[Turn], ours: list[Turn]) -> Row:
    processor, reference = (median([turn.processor for turn in each]) for each in (turns, ours))
    p50, p99 = median([turn.p50 for turn in turns]), median([turn.p99 for turn in turns])
    return Row(
        work,
        f"{processor:,.1f} µs of the processor; p50 {p50 / 1e3:.2f} ms, p99 {p99 / 1e3:.2f} ms",
        f"ours: {reference:,.1f} µs ({processor / reference:.2f} x)",
        "reported",
    )
