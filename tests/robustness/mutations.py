"""`python -m tests.robustness.mutations`: break the registry in a copy, one way after another, and see who finds it.

Each line of the table that it prints is a broken registry under real traffic, with the promises that were found broken.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.robustness.judging import VALIDATORS
from tests.robustness.rounds import CAUGHT_UP

ROOT = Path(__file__).parents[2]
COPIED = ("registry", "launcher", "tests")
FOUND = re.compile(rf"^({'|'.join([*VALIDATORS, CAUGHT_UP])}): ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mutation:
    """One way to break the registry: `old` becomes `new` in a file below `registry/`."""

    what: str
    file: str
    old: str
    new: str
    store: str = "sqlite"


MUTATIONS = (
    Mutation(
        "an event is skipped",
        "feed.py",
        "            ready.append(revision)",
        "            ready.append(revision if revision.number % 9 else type(revision)(revision.number, (), revision.time))",
    ),
    Mutation(
        "changes are sent in the wrong order",
        "feed.py",
        "return tuple(ready)",
        "return (*ready[:-2], *ready[-2:][::-1])",
    ),
    Mutation(
        "what leaves a filter is not told",
        "rpc/selection.py",
        "None if old is None else (EventType.REMOVED, old)",
        "None",
    ),
    Mutation(
        "what leaves a filter is shown as it is now",
        "rpc/selection.py",
        "(EventType.REMOVED, old)",
        "(EventType.REMOVED, event.new or old)",
    ),
    Mutation(
        "a resumed stream repeats a revision",
        "rpc/watches.py",
        "        stream.position = resume\n",
        "        stream.position = max(resume - 1, self._catalog.feed.oldest - 1)\n",
    ),
    Mutation(
        "a bookmark runs ahead",
        "rpc/batches.py",
        "return self._mark(pb.WATCH_RESPONSE_KIND_BOOKMARK, revision).SerializeToString()",
        "return self._mark(pb.WATCH_RESPONSE_KIND_BOOKMARK, revision + 3).SerializeToString()",
    ),
    Mutation(
        "one message for each event",
        "rpc/batches.py",
        "            if (length := sum(map(len, events))) > FRAGMENT_BYTES:",
        "            if (length := sum(map(len, events))) and len(events) > 1:\n                yield from (self._message([event], revision) for event in events)\n                continue\n            if length > FRAGMENT_BYTES:",
    ),
    Mutation(
        "a snapshot lacks a resource",
        "rpc/batches.py",
        "    for chunk in _chunks(events):\n        yield splice.joined(head",
        "    for chunk in _chunks(list(events)[1:]):\n        yield splice.joined(head",
    ),
    Mutation(
        "half of a large batch is written",
        "store/sqlite/writing.py",
        "enumerate(write.changes)]",
        "enumerate(write.changes[:3])]",
    ),
    Mutation(
        "what is registered is not written",
        "store/sqlite/writing.py",
        "        revisions = []\n",
        "        revisions = []\n        if revision % 40 == 39:\n            writes = [*writes[:-1], type(writes[-1])()]\n",
    ),
    Mutation(
        "acknowledged, and never committed",
        "writer.py",
        "        committed = await self._store.commit(group.writes, group.expected)\n",
        """        if random.random() < 0.03:
            from registry.store.records import Committed
            made = [bool(write.changes) for write in group.writes]
            guess = tuple(self._view.revision + sum(made[: n + 1]) for n in range(len(made)))
            shown = {one.number: one for one in groups.published(group.writes, Committed(guess, 0.0))}
            for planned, revision in zip(group.planned, guess, strict=True):
                groups.answer(planned, revision, shown.get(revision))
            return
        committed = await self._store.commit(group.writes, group.expected)
""",
    ),
    Mutation(
        "refused, and done",
        "writer.py",
        "            groups.answer(planned, revision, made.get(revision))",
        "            if revision % 20 == 0 and not planned.waiting.reply.done():\n                from airegistry.errors import AlreadyExistsError\n                planned.waiting.reply.set_exception(AlreadyExistsError('x'))\n            groups.answer(planned, revision, made.get(revision))",
    ),
    Mutation(
        "replies to request_ids are not kept",
        "groups.py",
        "    if not order.request_id:\n        return plan.write",
        "    if True:\n        return plan.write",
    ),
    Mutation(
        "etags are not compared",
        "planning/proposal.py",
        "    if wanted and (old is None or old.resource.etag != wanted):",
        "    if False:",
    ),
    Mutation(
        "an etag that fits is refused",
        "planning/proposal.py",
        "old.resource.etag != wanted",
        "old.resource.etag == wanted",
    ),
    Mutation(
        "what changes nothing takes a revision",
        "planning/register.py",
        "    if old is not None and old.resource.etag == proposal.etag and old.resource.status == status:\n        return old\n",
        "",
    ),
    Mutation(
        "leases end early",
        "store/sqlite/statements.py",
        "max(3 * ttl, :min_removal), ttl)",
        "max(3 * ttl, :min_removal), ttl / 2)",
    ),
    Mutation("what is suspect is removed early", "leases.py", "MIN_REMOVAL = 60.0", "MIN_REMOVAL = 2.0"),
    Mutation(
        "a heartbeat revives nobody",
        "planning/heartbeat.py",
        "replace(known, liveness=Liveness.LIVE, agent_state",
        "replace(known, agent_state",
    ),
    Mutation(
        "leases are not respected",
        "leases.py",
        "        if lease is None or lease.owner_id == owner_id:",
        "        if True:",
    ),
    Mutation(
        "a List goes on at another revision",
        "rpc/reads.py",
        "self._catalog.at(place.revision)",
        "self._catalog.entries",
    ),
    Mutation(
        "a Get loses what is there",
        "rpc/reads.py",
        "        if entry is None:",
        "        if entry is None or entry.revision % 7 == 0:",
    ),
    Mutation(
        "a handler fails",
        "rpc/reads.py",
        "        if entry is None:",
        "        if entry is not None and entry.revision % 7 == 0:\n            raise ValueError(entry)\n        if entry is None:",
    ),
    Mutation(
        "an acknowledged revision is one too low",
        "groups.py",
        "    _reply(planned, revision, [entry for entry in shown if entry is not None])",
        "    _reply(planned, revision - 1, [entry for entry in shown if entry is not None])",
    ),
    Mutation(
        "a revision is left out",
        "store/postgres/statements.py",
        "SET revision = revision + $2::bigint\n",
        "SET revision = revision + $2::bigint + (revision % 50 = 0)::integer\n",
        "postgres",
    ),
    Mutation(
        "reads do not ask the counter",
        "rpc/consistency.py",
        "            await catch_up(catalog, call)\n        case",
        "            pass\n        case",
        "postgres",
    ),
    Mutation(
        "reads do not wait for their revision",
        "rpc/consistency.py",
        "            if catalog.revision < at_least:\n",
        "            if False:\n",
        "postgres",
    ),
    Mutation(
        "a position of another replica is not waited for",
        "rpc/consistency.py",
        "    if revision > catalog.revision:\n",
        "    if False:\n",
        "postgres",
    ),
)


def judged(mutation: Mutation, minutes: float, seed: int) -> str:
    """Return which promises a run finds broken; what it said last when that is none."""
    with tempfile.TemporaryDirectory(prefix="airegistry-mutation-") as folder:
        copy = Path(folder)
        for name in COPIED:
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        path = copy / "registry" / mutation.file
        text = path.read_text()
        if text.count(mutation.old) != 1:
            return f"is at {text.count(mutation.old)} places: not tried"
        path.write_text(text.replace(mutation.old, mutation.new))
        arguments = ["--minutes", str(minutes), "--store", mutation.store, "--seed", str(seed), "--fault-seconds", "2"]
        done = subprocess.run(
            [sys.executable, "-m", "tests.robustness.run", *arguments],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": folder},
            capture_output=True,
            text=True,
            check=False,
        )
    found = FOUND.findall(done.stdout)
    return ", ".join(found) or f"nothing ({done.returncode}): {(done.stdout + done.stderr).splitlines()[-1][:200]}"


def main() -> None:
    """Try those whose words hold what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("words", nargs="?", default="")
    chosen = parser.parse_args()
    for mutation in MUTATIONS:
        if chosen.words in mutation.what:
            found = judged(mutation, chosen.minutes, chosen.seed)
            sys.stdout.write(f"| {mutation.what} (`registry/{mutation.file}`, {mutation.store}) | {found} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
