"""Two registries on one PostgreSQL: a change made through the one, until a watcher of the other has it.

Counted from the sending of the change, so the commit is in the figure; the watcher of the first shows how much that is.
"""

from __future__ import annotations

import uvloop

from benchmarks.changing import Changer, Delivered, changer, watched_by
from benchmarks.postgres import database
from benchmarks.processes import data_dir, registry
from benchmarks.rows import Row
from benchmarks.subjects import Subject, registry_at

CHANGES = 400
# No multiple of the interval at which replicas poll, so that the changes fall anywhere in it.
EVERY = 0.037
WARM_UP = 30
MAX_MILLIS_NOTIFIED = 50.0
MAX_MILLIS_POLLING = 350.0


def measure() -> list[Row]:
    """Measure with NOTIFY, then by polling alone."""
    return [
        _row("NOTIFY", notify=True, max_millis=MAX_MILLIS_NOTIFIED),
        _row("polling alone", notify=False, max_millis=MAX_MILLIS_POLLING),
    ]


def _row(how: str, *, notify: bool, max_millis: float) -> Row:
    with (
        database() as url,
        data_dir() as folder,
        registry(folder / "written", database=url, notify=notify) as written,
        registry(folder / "watched", database=url, notify=notify) as watched,
    ):
        far, same = uvloop.run(_measure(registry_at(written), registry_at(watched)))
    return Row(
        f"Another replica sees a commit, by {how}",
        _figure(far),
        f"the replica that wrote it: {_figure(same)}",
        f"p99 ≤ {max_millis:.0f} ms",
        far.p99 <= max_millis,
    )


async def _measure(written: Subject, other: Subject) -> tuple[Delivered, Delivered]:
    async with changer(written) as changes:
        return await _seen_at(other, changes), await _seen_at(written, changes)


async def _seen_at(subject: Subject, changes: Changer) -> Delivered:
    async with watched_by(subject, 1, channels=1) as crowd:
        # What is opened with the first changes is not of interest.
        await changes.deliver(crowd.receiver, WARM_UP)
        return await changes.deliver(crowd.receiver, CHANGES, EVERY)


def _figure(delivered: Delivered) -> str:
    return f"p50 {delivered.p50:.1f} ms, p99 {delivered.p99:.1f} ms"
