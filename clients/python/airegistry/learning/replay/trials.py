"""Learned selection in a world, over and over: what it is truly worth beside others, and whether estimates hold the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from airegistry.learning.replay.comparing import STATIC, Estimate, Finding, estimate, verdict
from airegistry.learning.replay.estimators import expected
from airegistry.learning.replay.intervals import Interval, interval
from airegistry.learning.replay.policies import ALWAYS, policy
from airegistry.learning.replay.rounds import Floats
from airegistry.learning.replay.simulating import Run, simulated
from airegistry.learning.replay.worlds import WORLDS
from airegistry.learning.selector import SelectorSettings


@dataclass(frozen=True, slots=True)
class Trial:
    """One way to choose over all runs: its true value, how much better learned selection truly was, and how often intervals held the truth.

    The estimate is of the first run.
    """

    policy: str
    truth: float
    advantage: Interval | None
    finding: Finding | None
    estimate: Estimate
    ips_held: float
    snips_held: float
    dr_held: float


@dataclass(frozen=True, slots=True)
class Trials:
    """All runs in one world; `best_arm` is the one that is truly the best over all rounds."""

    world: str
    runs: int
    rounds: int
    seed: int
    trials: tuple[Trial, ...]
    best_arm: str


@dataclass(frozen=True, slots=True)
class _Done:
    """A run, with what one needs of it for every way to choose."""

    run: Run
    model: Floats
    learned: float

    @property
    def seed(self) -> int:
        return self.run.rounds.decisions[0].seed


def tried(world: str, names: Sequence[str], *, rounds: int, runs: int, seed: int, settings: SelectorSettings) -> Trials:
    """Run learned selection *runs* times, with seeds from *seed* on, and compare; ValueError for a world that is none."""
    if world not in WORLDS:
        raise ValueError(f"no world has the name {world!r}: {', '.join(WORLDS)}")
    done = [_done(simulated(WORLDS[world], rounds=rounds, seed=seed + i, settings=settings)) for i in range(runs)]
    places = (place.name for place in WORLDS[world].places)
    known = {one.name for each in done for decision in each.run.rounds.decisions for one in decision.considered}
    wanted = list(names) or ["logged", *STATIC, *(f"{ALWAYS}{name}" for name in places if name in known)]
    trials = tuple(_trial(name, done, settings, seed) for name in dict.fromkeys(wanted))
    arms = [each for each in trials if each.policy.startswith(ALWAYS)]
    best = max(arms, key=lambda each: each.truth).policy if arms else ""
    return Trials(world, runs, rounds, seed, trials, best)


def _done(run: Run) -> _Done:
    return _Done(run, expected(run.rounds), run.value(run.rounds.propensities))


def _trial(name: str, done: Sequence[_Done], settings: SelectorSettings, seed: int) -> Trial:
    choose = policy(name, settings)
    matrices = [choose(each.run.rounds) for each in done]
    truths = np.array([each.run.value(matrix) for each, matrix in zip(done, matrices, strict=True)])
    estimates = [
        estimate(name, each.run.rounds, matrix, model=each.model, seed=each.seed)
        for each, matrix in zip(done, matrices, strict=True)
    ]
    advantage = (
        interval(np.array([each.learned for each in done]) - truths, seed, block=1) if name != "logged" else None
    )

    def held(kind: str) -> float:
        return fmean(getattr(one, kind).holds(truth) for one, truth in zip(estimates, truths, strict=True))

    return Trial(
        policy=name,
        truth=float(truths.mean()),
        advantage=advantage,
        finding=None if advantage is None else verdict(advantage),
        estimate=estimates[0],
        ips_held=held("ips"),
        snips_held=held("snips"),
        dr_held=held("dr"),
    )
