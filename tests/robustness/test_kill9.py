"""A registry killed in the middle of writes keeps its word: Durable, Atomic, gapless."""

import itertools
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from registry.store.sqlite import SqliteStore

CHILD = Path(__file__).with_name("write_until_killed.py")
ROOT = Path(__file__).parents[2]
ROUNDS = 4


def kill_in_mid_write(folder, round_, after):
    """Run the writers, kill them after *after* acknowledged writes; return all that were acknowledged, by revision."""
    with subprocess.Popen(
        [sys.executable, CHILD, folder, str(round_)], stdout=subprocess.PIPE, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}
    ) as child:
        assert child.stdout is not None
        lines = list(itertools.islice(child.stdout, after))
        child.kill()
        # What was acknowledged before the signal arrived counts too; a last line may be cut.
        lines += [line for line in child.stdout if line.endswith(b"\n")]
    assert len(lines) >= after, "the child died by itself"
    pairs = (line.decode().split() for line in lines)
    return {int(revision): sorted(names.split(",")) for revision, names in pairs}


async def load(folder):
    store = SqliteStore(folder)
    try:
        return await store.load()
    finally:
        await store.close()


def replay(history):
    """Return the state that the events lead to."""
    state: dict[str, bytes | None] = {}
    for event in (event for revision in history for event in revision.events):
        assert state.get(event.name) == (event.old and event.old.wire), f"{event} does not follow what was there"
        state[event.name] = event.new and event.new.wire
    return {name: wire for name, wire in state.items() if wire is not None}


def check_durable(contents, acknowledged):
    stored = {revision.number: sorted(event.name for event in revision.events) for revision in contents.history}
    for revision, names in acknowledged.items():
        assert stored.get(revision) == names, f"revision {revision} was acknowledged"


def check_gapless(contents):
    assert [revision.number for revision in contents.history] == list(range(1, contents.revision + 1))


def check_atomic(contents):
    for revision in contents.history:
        created = [event.name for event in revision.events if event.old is None]
        batches = Counter(re.sub(r"-\d+-of-", " of ", name) for name in created if "-of-" in name)
        for batch, count in batches.items():
            assert batch.endswith(f" of {count}"), f"revision {revision.number} has {count} of {batch}"


def check_consistent(contents):
    assert replay(contents.history) == {entry.name: entry.wire for entry in contents.entries}
    assert {lease.name for lease in contents.leases} == {entry.name for entry in contents.entries}


@pytest.mark.timeout(120)
async def test_whatever_was_acknowledged_survives_and_nothing_is_half_there(tmp_path):
    rng = random.Random(9)
    acknowledged: dict[int, list[str]] = {}
    for round_ in range(ROUNDS):
        acknowledged |= kill_in_mid_write(tmp_path, round_, after=rng.randrange(40, 160))
        contents = await load(tmp_path)
        check_durable(contents, acknowledged)
        check_gapless(contents)
        check_atomic(contents)
        check_consistent(contents)
    assert len(acknowledged) > 40 * ROUNDS
