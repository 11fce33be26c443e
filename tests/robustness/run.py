"""`python -m tests.robustness.run`: traffic and faults for minutes, judged once a minute."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.robustness.cluster import Cluster, postgres_cluster, sqlite_cluster
from tests.robustness.rounds import EVIDENCE, Round, evidence
from tests.robustness.versions import Version

ROUND = 60.0
FAULT_SECONDS = 12.0


def cluster(store: str, folder: Path, replicas: int) -> AbstractAsyncContextManager[Cluster]:
    """Return the cluster to run against."""
    return postgres_cluster(folder, replicas) if store == "postgres" else sqlite_cluster(folder)


async def run(store: str, replicas: int, minutes: float, seed: int, fault_seconds: float = FAULT_SECONDS) -> bool:
    """Run round after round until the time is over or a promise is broken; say whether all were kept."""
    started = time.monotonic()
    total: Counter[str] = Counter()
    first, before, number = 0, tuple[Version, ...](), 0

    def say(what: str) -> None:
        sys.stdout.write(f"{time.monotonic() - started:7.1f} s  {what}\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory(prefix="airegistry-robustness-", ignore_cleanup_errors=True) as folder:
        async with cluster(store, Path(folder), replicas) as running:
            while (left := minutes * 60 - (time.monotonic() - started)) > 0:
                number += 1
                name = f"{seed}-{number}"
                round_ = Round(running, name, fault_seconds=fault_seconds, say=say)
                verdict = await round_.run(min(ROUND, left), first, before)
                total += verdict.counts
                say(f"round {name}: {verdict.summary()}")
                if verdict.found:
                    logs = EVIDENCE / f"{store}-{name}"
                    say(evidence(verdict, logs, name))
                    for replica in running.replicas:
                        (logs / f"registry-{replica.name}.log").write_text(replica.server.log)
                    return False
                first, before = verdict.case.newest, tuple(verdict.case.last().values())
    say(f"{store}, seed {seed}: every promise was kept over {number} rounds: {dict(total)}")
    return True


def main() -> int:
    """Run what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--store", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--replicas", type=int, default=3, help="of PostgreSQL; SQLite has one")
    parser.add_argument("--fault-seconds", type=float, default=FAULT_SECONDS, help="how long one fault lasts at most")
    chosen = parser.parse_args()
    stores = ["sqlite", "postgres"] if chosen.store == "both" else [chosen.store]
    sys.stdout.write(f"seed {chosen.seed}\n")
    kept = True
    for store in stores:
        minutes = chosen.minutes / len(stores)
        kept = asyncio.run(run(store, chosen.replicas, minutes, chosen.seed, chosen.fault_seconds)) and kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
