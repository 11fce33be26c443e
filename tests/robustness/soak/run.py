"""`python -m tests.robustness.soak.run`: traffic for minutes, and a look at the gateway at rest after each round."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from airegistry.client import RegistryClient
from tests.ports import free_address
from tests.robustness.processes import gateway_process, registry_process
from tests.robustness.soak.resting import Rest, Resting, leaks
from tests.robustness.soak.traffic import Tally, Traffic
from tests.robustness.soak.upstream import Upstream, upstream

CALLERS = 12
ROUNDS = 30
WARM = 0.2
"""The share of the rounds after which it is warm."""


@dataclass(frozen=True)
class Outcome:
    """What a soak found. It is good when *wrong* is empty."""

    tally: Tally
    upstream: Upstream
    rests: list[Rest]
    wrong: list[str]


async def soak(seconds: float, seed: int, *, rounds: int = ROUNDS, say: Callable[[str], None] = print) -> Outcome:
    """Run a gateway under traffic and faults, and judge every call and what it holds afterwards."""
    rng = random.Random(seed)
    rests: list[Rest] = []
    with tempfile.TemporaryDirectory(prefix="airegistry-soak-") as folder:
        async with _gateway(Path(folder), rng) as (traffic, resting, up):
            for number in range(rounds):
                await traffic.run(seconds / rounds, CALLERS)
                rests.append(await resting.look(rests[0] if rests else None))
                say(_line(number, traffic.tally, rests[-1]))
            warm = rests[min(int(rounds * WARM), rounds - 2) :]
            return Outcome(traffic.tally, up, rests, [*traffic.tally.wrong, *leaks(warm)])


@asynccontextmanager
async def _gateway(folder: Path, rng: random.Random) -> AsyncIterator[tuple[Traffic, Resting, Upstream]]:
    grpc, registry = free_address(), free_address()
    settings = {
        # So that an endless answer ends soon.
        "GATEWAY_MAX_ANSWER_BYTES": "4000000",
    }
    # The providers misbehave by themselves: what probes find of them would only keep calls away.
    async with (
        upstream(rng) as (up, known),
        registry_process(folder, registry, REGISTRY_PROBES="false"),
        RegistryClient(registry) as client,
    ):
        await client.register(known)
        async with gateway_process(folder, registry, grpc, **settings) as server:
            http = server.http_address
            yield Traffic(grpc, http, rng), Resting(server.pid, http), up


def _line(number: int, tally: Tally, rest: Rest) -> str:
    return (
        f"round {number + 1}: {sum(tally.ended.values())} calls so far, {len(tally.wrong)} wrong; at rest "
        f"{rest.resident / 2**20:.1f} MiB, {rest.descriptors} descriptors, {rest.tasks} tasks, {rest.threads} threads"
    )


def table(outcome: Outcome, title: str) -> Table:
    """Return what was done and how it ended."""
    shown = Table(title=title)
    for column in ("calls ended as", "count", "providers did", "count"):
        shown.add_column(column)
    ended, did = outcome.tally.ended.most_common(), outcome.upstream.did.most_common()
    for i in range(max(len(ended), len(did))):
        left, right = (ended[i] if i < len(ended) else ("", "")), (did[i] if i < len(did) else ("", ""))
        shown.add_row(left[0], str(left[1]), right[0], str(right[1]))
    return shown


def main() -> int:
    """Run what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    chosen = parser.parse_args()
    console = Console(width=120)
    outcome = asyncio.run(soak(chosen.minutes * 60, chosen.seed, say=lambda line: print(line, flush=True)))  # noqa: T201
    console.print(table(outcome, f"{chosen.minutes:g} minutes, seed {chosen.seed}"))
    console.print(f"the longest call took {outcome.tally.longest:.2f} s")
    for what in outcome.wrong[:20]:
        console.print(f"WRONG {what}", markup=False)
    console.print("every call ended well, and nothing stayed" if not outcome.wrong else f"{len(outcome.wrong)} wrong")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
