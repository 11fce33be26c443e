"""A registry killed in the middle of writes keeps its word: Durable, Atomic, gapless."""

import itertools
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from registry.store.sqlite import SqliteStore

CHILD = Path(__file__).with_name("write_until_killed.py")
ROOT = Path(__file__).parents[2]
ROUNDS = 4


def kill_in_mid_write(folder, round_, *, after, pause):
    """Run the writers, kill them some time after *after* acknowledged writes; return all that were acknowledged, by revision."""
    with start(folder, round_) as child:
        assert child.stdout is not None
        lines = list(itertools.islice(child.stdout, after))
        # An answer comes right after a transaction; a moment later the next one is on its way.
        time.sleep(pause)
        child.kill()
        lines += child.stdout  # acknowledged before the signal arrived
    assert len(lines) >= after, "the child died by itself"
    return acknowledged_in(lines)


def start(folder, round_, *death):
    return subprocess.Popen(
        [sys.executable, CHILD, folder, str(round_), *death],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )


def acknowledged_in(lines):
    # A last line may be cut.
    pairs = (line.decode().split() for line in lines if line.endswith(b"\n"))
    return {int(revision): sorted(names.split(",")) for revision, names in pairs}


async def load(folder):
    store = SqliteStore(folder)
    try:
        contents = await store.load()
        return contents, (await store.basis([entry.name for entry in contents.entries], [])).leases
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


def check_consistent(contents, leases):
    assert replay(contents.history) == {entry.name: entry.wire for entry in contents.entries}
    assert {lease.name for lease in leases} == {entry.name for entry in contents.entries}


async def check(folder, acknowledged):
    contents, leases = await load(folder)
    check_durable(contents, acknowledged)
    check_gapless(contents)
    check_atomic(contents)
    check_consistent(contents, leases)


async def test_whatever_was_acknowledged_survives_and_nothing_is_half_there(tmp_path):
    rng = random.Random(9)
    acknowledged: dict[int, list[str]] = {}
    for round_ in range(ROUNDS):
        acknowledged |= kill_in_mid_write(tmp_path, round_, after=rng.randrange(20, 60), pause=rng.random() / 20)
        await check(tmp_path, acknowledged)
    assert len(acknowledged) >= 20 * ROUNDS


@pytest.mark.parametrize(
    ("statement", "times"),
    [
        pytest.param("UPDATE meta", 6, id="before-the-counter"),
        pytest.param("INSERT INTO resource", 100, id="amid-resources"),
        pytest.param("INSERT INTO event", 100, id="amid-events"),
        pytest.param("INSERT INTO lease", 100, id="amid-leases"),
        pytest.param("COMMIT", 6, id="before-the-commit"),
    ],
)
async def test_a_transaction_cut_at_any_statement_leaves_nothing_behind(tmp_path, statement, times):
    with start(tmp_path, 0, statement, str(times)) as child:
        assert child.stdout is not None
        acknowledged = acknowledged_in(child.stdout)
    assert child.returncode == -signal.SIGKILL
    assert acknowledged
    await check(tmp_path, acknowledged)
