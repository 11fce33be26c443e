"""What tests of observations count: targets, single observations as deltas, and an index that remembers what it is told."""

from __future__ import annotations

from collections.abc import Iterable
from math import nan
from typing import Any

import numpy as np

from airegistry.invocations.invocation import AttemptOutcome
from airegistry.observations.performance import Performance
from registry.observations.delta import Delta, Target
from registry.observations.tally import UNKNOWN, Columns, tallied

OK, ERROR, CANCELED = AttemptOutcome.OK, AttemptOutcome.ERROR, AttemptOutcome.CANCELED
ONE, TWO = Target("models/a/endpoints/one", "uid-1"), Target("models/a/endpoints/two", "uid-2")

_ABSENT: dict[str, Any] = {
    "outcome": OK,
    "error_class": 0,
    "duration": nan,
    "first_token": nan,
    "tokens": UNKNOWN,
    "output_tokens": UNKNOWN,
    "cost": UNKNOWN,
}

_FLOATS = ("duration", "first_token")


def measured(*observations: dict[str, Any], targets: tuple[Target, ...] = (ONE,)) -> Delta:
    """Return what observations add up to; `at` is when each ended, in seconds, and `target` its place."""
    return tallied(columns(*observations), targets)


def columns(*observations: dict[str, Any]) -> Columns:
    rows = [_ABSENT | one for one in observations]
    found: dict[str, Any] = {
        name: np.array([row[name] for row in rows], np.float64 if name in _FLOATS else np.int64) for name in _ABSENT
    }
    return Columns(
        target=np.array([row.get("target", 0) for row in rows], np.int64),
        time=np.array([round(row["at"] * 1e6) for row in rows], np.int64),
        **found,
    )


def content(performances: Iterable[Performance]) -> dict[str, Any]:
    """Return what is told of each name, without when that was derived."""
    return {one.name: (one.windows, one.load, one.load_time) for one in performances}


class Told:
    """An index that remembers the latest of each name."""

    def __init__(self) -> None:
        self.epoch = 0
        self.latest: dict[str, Performance] = {}

    def observe(self, performances: Iterable[Performance], epoch: int) -> None:
        self.latest.update((one.name, one) for one in performances)
        self.epoch = epoch
