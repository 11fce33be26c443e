"""What was measured of one target over time, out of the rollups."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from airegistry.errors import FieldViolation, InvalidArgumentError, RequestTooLargeError
from airegistry.observations.performance import Performance
from registry.observations.base import ObservationStore
from registry.observations.delta import Target
from registry.observations.retention import Retention
from registry.observations.rollups import DAYS, HOURS, MINUTES, combined
from registry.observations.stats import window_stats

DAY = 86_400.0
SHAPES = ((60, MINUTES), (300, MINUTES), (1_800, MINUTES), (3_600, HOURS), (86_400, DAYS))
"""How long the windows may be, in seconds, and which rollups each is made of."""
FEW, MOST = 300, 1_500
"""How many windows there are when nobody says how long they are, and at most."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def past(
    store: ObservationStore, target: Target, period: float | None, step: float | None, retention: Retention
) -> Sequence[Performance]:
    """Return what was measured of *target* in the last *period* seconds, in windows of *step* seconds.

    A window ends at a multiple of its length, in UTC; one without attempts is left out.
    """
    period = DAY if period is None else period
    length, made_of = _shape(period, step, retention)
    now = store.now()
    start = int((now - period) // length) * length
    rows = await store.rollups(target.uid, made_of, start, int(now) + DAYS)
    found = []
    for at, group in groupby(rows, key=lambda row: row[0] // length * length):
        cell = combined(cell for _, cell in group)
        last = _EPOCH + timedelta(microseconds=cell.last)
        stats = window_stats(length, cell.codes.tolist(), cell.counts.tolist(), last)
        if stats is not None:
            found.append(Performance(target.name, (stats,), _EPOCH + timedelta(seconds=at + length)))
    return found


def _shape(period: float, step: float | None, retention: Retention) -> tuple[int, int]:
    """Return how long the windows are, and of which rollups they are made."""
    kept = {MINUTES: retention.minutes, HOURS: retention.hours, DAYS: retention.days}
    longest = max(kept.values())
    if not 0 < period <= longest:
        raise InvalidArgumentError.of(
            "period", f"is {period:.12g} s; it must be more than 0 and at most {longest:.12g} s"
        )
    if step is None:
        return next((shape for shape in SHAPES if period / shape[0] <= FEW and period <= kept[shape[1]]), SHAPES[-1])
    shape = next((shape for shape in SHAPES if shape[0] == step), None)
    if shape is None:
        allowed = ", ".join(f"{length} s" for length, _ in SHAPES)
        raise InvalidArgumentError.of("step", f"is {step:g} s; it must be one of {allowed}")
    if period > kept[shape[1]]:
        problem = f"is {period:g} s; windows of {step:g} s are kept for {kept[shape[1]]:g} s"
        raise InvalidArgumentError.of("period", problem)
    if period / step > MOST:
        raise RequestTooLargeError(
            violations=[
                FieldViolation("step", f"is {step:g} s, which are {period / step:.0f} windows; at most {MOST}")
            ],
            metadata={"limit": str(MOST), "count": f"{period / step:.0f}"},
        )
    return shape
