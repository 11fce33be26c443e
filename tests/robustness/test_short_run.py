"""Under traffic and faults the registry keeps every promise: on SQLite, and on PostgreSQL with three replicas."""

import pytest

from tests.robustness.cluster import postgres_cluster, sqlite_cluster
from tests.robustness.rounds import EVIDENCE, Round, evidence

FAULT_SECONDS = 2.5

pytestmark = pytest.mark.alone


async def judged(cluster, name, *, seconds, seed="7"):
    verdict = await Round(cluster, seed, fault_seconds=FAULT_SECONDS, say=lambda _: None).run(seconds, 0, ())
    assert not verdict.found, evidence(verdict, EVIDENCE / name, seed)
    assert min(verdict.counts[what] for what in ("ok calls", "revisions", "watch events")) > 100, verdict.summary()


@pytest.mark.timeout(240)
async def test_one_registry_on_sqlite_keeps_every_promise(tmp_path):
    async with sqlite_cluster(tmp_path) as cluster:
        await judged(cluster, "short-sqlite", seconds=18)


@pytest.mark.timeout(300)
async def test_three_replicas_on_postgresql_keep_every_promise(tmp_path):
    async with postgres_cluster(tmp_path, 3) as cluster:
        await judged(cluster, "short-postgres", seconds=35)
