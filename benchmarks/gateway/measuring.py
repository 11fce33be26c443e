"""The rounds: every work on every subject in turn, so that what else the machine does meets them all alike."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.gateway.calling import Load, Tally, call
from benchmarks.gateway.subjects import FAST, PACED, Subject
from benchmarks.rows import median

ROUNDS = int(os.environ.get("BENCH_GATEWAY_ROUNDS", "3"))

UNARY = Load(FAST, stream=False, callers=32, seconds=2.0)
STREAM = Load(FAST, stream=True, callers=32, seconds=2.0)
LIGHT = Load(FAST, stream=False, callers=16, seconds=6.0, rate=20.0)
PACED_STREAM = Load(PACED, stream=True, callers=8, seconds=4.0)
LOADS = (UNARY, STREAM, LIGHT, PACED_STREAM)

_WARM = 0.5

Pick = Callable[[Tally], float]


@dataclass(frozen=True, slots=True)
class Measured:
    """The tallies of all rounds, by load and by the name of the subject."""

    tallies: Mapping[tuple[Load, str], Sequence[Tally]]

    def middle(self, load: Load, name: str, pick: Pick) -> float:
        """Return the median of a figure over the rounds; NaN for who was not there."""
        found = self.tallies.get((load, name))
        return median([pick(tally) for tally in found]) if found else float("nan")

    def added(self, load: Load, name: str, pick: Pick) -> float:
        """Return by how much a time is longer than that of the provider itself in the same round: the median of that."""
        ours, direct = self.tallies.get((load, name)), self.tallies[load, DIRECT]
        if not ours:
            return float("nan")
        return median([pick(a) - pick(b) for a, b in zip(ours, direct, strict=True)])


DIRECT = "direct"


def rounds(subjects: Sequence[Subject], loads: Sequence[Load] = LOADS) -> Measured:
    """Run them all; each is warm before it counts."""
    tallies: dict[tuple[Load, str], list[Tally]] = {}
    for subject in subjects:
        for load in (UNARY, STREAM):
            call(subject, Load(load.model, load.stream, load.callers, _WARM))
    for number in range(ROUNDS):
        for load in loads:
            for subject in subjects:
                print(f"round {number + 1}: {_said(load)}, {subject.name} …", file=sys.stderr, flush=True)
                tallies.setdefault((load, subject.name), []).append(call(subject, load))
    return Measured(tallies)


def _said(load: Load) -> str:
    kind = "streams" if load.stream else "answers"
    return f"{load.model} {kind} to {load.callers} callers"
