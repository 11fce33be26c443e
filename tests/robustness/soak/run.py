"""`python -m tests.robustness.soak.run`: traffic for minutes, and a look at the servers at rest after each round."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from rich.console import Console
from rich.table import Table

from airegistry.client import RegistryClient
from tests.ports import free_address
from tests.robustness.processes import gateway_process, registry_process
from tests.robustness.proxy import proxy
from tests.robustness.soak.registry_traffic import Cutting, RegistryTraffic
from tests.robustness.soak.resting import Resting
from tests.robustness.soak.traffic import Tally, Traffic
from tests.robustness.soak.upstream import Upstream, upstream

CALLERS = 12
REGISTRY_CALLERS = 8
ROUNDS = 30
WARM = 0.2
"""The share of the rounds after which it is warm."""
_REGISTRY = {
    # The providers misbehave by themselves: what probes find of them would only keep calls away.
    "REGISTRY_PROBES": "false",
    # So that what may grow has grown when it is warm.
    "REGISTRY_HISTORY_AGE": "5",
    "REGISTRY_HISTORY_REVISIONS": "100",
    "REGISTRY_HISTORY_BYTES": str(2**20),
    "REGISTRY_COMPACT_INTERVAL": "1",
    # So that it comes to that.
    "REGISTRY_WATCH_STALL_TIMEOUT": "4",
}


@dataclass(frozen=True)
class Outcome:
    """What a soak found. It is good when *wrong* is empty."""

    tally: Tally
    upstream: Upstream
    acts: Counter[str]
    restings: list[Resting]
    wrong: list[str]


@dataclass(frozen=True)
class Load:
    """All who call."""

    gateway: Traffic
    registry: RegistryTraffic
    cutting: Cutting

    async def run(self, seconds: float) -> None:
        """Call for that long."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.gateway.run(seconds, CALLERS))
            tasks.create_task(self.registry.run(seconds, REGISTRY_CALLERS))
            tasks.create_task(self.cutting.run(seconds))

    @property
    def acts(self) -> Counter[str]:
        """What was done beside the calls of the gateway that are judged."""
        return self.registry.acts.done + self.cutting.acts.done

    @property
    def wrong(self) -> list[str]:
        """What no caller may see."""
        return [*self.gateway.tally.wrong, *self.registry.acts.wrong, *self.cutting.acts.wrong]


async def soak(seconds: float, seed: int, *, rounds: int = ROUNDS, say: Callable[[str], None] = print) -> Outcome:
    """Run a registry and a gateway under traffic and faults, and judge every call and what they hold afterwards."""
    rng = random.Random(seed)
    warm = min(int(rounds * WARM), rounds - 2)
    with tempfile.TemporaryDirectory(prefix="airegistry-soak-") as folder:
        async with _servers(Path(folder), rng, say) as (load, restings, up):
            for number in range(rounds):
                await load.run(seconds / rounds)
                await asyncio.gather(*(resting.look() for resting in restings))
                say(_line(number, load, restings))
                if any(resting.died for resting in restings):
                    break
            found = [what for resting in restings for what in resting.wrong(warm)]
            return Outcome(load.gateway.tally, up, load.acts, restings, [*load.wrong, *found])


@asynccontextmanager
async def _servers(
    folder: Path, rng: random.Random, say: Callable[[str], None]
) -> AsyncIterator[tuple[Load, list[Resting], Upstream]]:
    grpc, registry = free_address(), free_address()
    settings = {
        # So that an endless answer ends soon.
        "GATEWAY_MAX_ANSWER_BYTES": "4000000",
    }
    async with upstream(rng) as (up, known), registry_process(folder, registry, **_REGISTRY) as control:
        async with RegistryClient(registry) as client:
            await client.register(known)
        async with gateway_process(folder, registry, grpc, **settings) as data:
            restings = [Resting("gateway", data), Resting("registry", control)]
            for resting in restings:
                say(f"before anybody called: {resting.name} {await resting.begin()}")
            with proxy(grpc) as before_data, proxy(registry) as before_control:
                load = Load(
                    Traffic(grpc, data.http_address, rng),
                    RegistryTraffic(registry, control.http_address, before_control, rng),
                    Cutting(before_data, rng),
                )
                yield load, restings, up


def _line(number: int, load: Load, restings: Sequence[Resting]) -> str:
    calls = sum(load.gateway.tally.ended.values()) + load.acts.total()
    held = "; ".join(f"{resting.name} {resting.rests[-1] if resting.rests else 'died'}" for resting in restings)
    return f"round {number + 1}: {calls} calls so far, {len(load.wrong)} wrong; at rest: {held}"


def table(outcome: Outcome, title: str) -> Table:
    """Return what was done and how it ended."""
    shown = Table(title=title)
    for column in ("calls ended as", "count", "providers did", "count", "others", "count"):
        shown.add_column(column)
    counted = (outcome.tally.ended, outcome.upstream.did, outcome.acts)
    for row in zip_longest(*(one.most_common() for one in counted), fillvalue=("", "")):
        shown.add_row(*(str(cell) for pair in row for cell in pair))
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
