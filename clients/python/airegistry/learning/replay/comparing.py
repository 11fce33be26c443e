"""Learned selection beside others, by a log, and what can be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from airegistry.learning.replay.estimators import Terms, expected, terms
from airegistry.learning.replay.intervals import Interval, interval
from airegistry.learning.replay.policies import ALWAYS, policy
from airegistry.learning.replay.rounds import Floats, Rounds
from airegistry.learning.selector import SelectorSettings

LEAST_SIZE = 50.0
"""The effective sample size below which nothing is concluded."""

_MOST_ARMS = 8
STATIC = ("discovery", "cheapest", "fastest", "uniform")


class Finding(StrEnum):
    """What a comparison says of learned selection, as it chose in the log."""

    BETTER = "learned is better"
    WORSE = "learned is worse"
    NO_DIFFERENCE = "no difference can be shown"
    TOO_LITTLE = "too little overlap to conclude"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one way to choose would have been worth. `advantage` is what was done minus that, by the doubly robust terms."""

    policy: str
    ips: Interval
    snips: Interval
    dr: Interval
    effective_size: float
    clipped: int
    advantage: Interval | None = None
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Estimates from one log; `best_arm` is the one that looks best in hindsight, which flatters it."""

    rounds: int
    reward: Interval
    estimates: tuple[Estimate, ...]
    best_arm: str


def compare(rounds: Rounds, names: Sequence[str], *, settings: SelectorSettings, seed: int) -> Comparison:
    """Return what each of the ways to choose would have been worth; without *names* all static ones and every arm of at most 8."""
    model = expected(rounds)
    wanted = list(names) or ["logged", *STATIC, *(f"{ALWAYS}{arm}" for arm in rounds.names[:_MOST_ARMS])]
    estimates = [
        estimate(name, rounds, policy(name, settings)(rounds), model=model, seed=seed) for name in dict.fromkeys(wanted)
    ]
    arms = [each for each in estimates if each.policy.startswith(ALWAYS)]
    best = max(arms, key=lambda each: each.dr.value).policy if arms else ""
    return Comparison(len(rounds), interval(rounds.rewards, seed), tuple(estimates), best)


def estimate(name: str, rounds: Rounds, probabilities: Floats, *, model: Floats, seed: int) -> Estimate:
    """Return what choosing by *probabilities* would have been worth."""
    known = terms(rounds, probabilities, model)
    advantage = None if name == "logged" else interval(rounds.rewards - known.doubly_robust, seed)
    return Estimate(
        policy=name,
        ips=interval(known.weighted, seed),
        snips=interval(known.weighted, seed, known.weights),
        dr=interval(known.doubly_robust, seed),
        effective_size=known.effective_size,
        clipped=known.clipped,
        advantage=advantage,
        finding=None if advantage is None else finding(advantage, known),
    )


def finding(advantage: Interval, known: Terms) -> Finding:
    """Return what may be concluded from an advantage, given how much the log says of the other way to choose."""
    if known.effective_size < LEAST_SIZE or not advantage.low <= advantage.high:
        return Finding.TOO_LITTLE
    return verdict(advantage)


def verdict(advantage: Interval) -> Finding:
    """Return on which side of 0 an advantage is for sure."""
    if advantage.low > 0:
        return Finding.BETTER
    return Finding.WORSE if advantage.high < 0 else Finding.NO_DIFFERENCE
