"""How sure an estimate is: the studentized block bootstrap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from airegistry.learning.replay.rounds import Floats

RESAMPLES = 1_000
LEVEL = 0.95
_LEAST = 1e-12
# Of fewer blocks too many draws are all alike, or nearly: divided by an error of almost nothing, bounds are any number.
_FEWEST_BLOCKS = 10
# Whoever names a block has values that do not depend on each other, such as whole runs.
_FEWEST_RUNS = 2


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the interval that is meant to hold the true value in 95 of 100 logs; NaN where nothing is known."""

    value: float
    low: float
    high: float

    def holds(self, truth: float) -> bool:
        """Say whether *truth* is inside."""
        return self.low <= truth <= self.high


NOTHING = Interval(math.nan, math.nan, math.nan)


def interval(values: Floats, seed: int, over: Floats | None = None, *, block: int | None = None) -> Interval:
    """Return Σ values / Σ over, by default their mean, with its interval.

    Blocks of *block* values that follow each other, by default n^(1/3), are drawn anew 1,000 times, because neighbours depend on
    each other. Each draw is measured by its own standard error (bootstrap-t), because few rare failures make estimates lopsided.
    """
    over = np.ones(len(values)) if over is None else over
    size = block or max(1, round(len(values) ** (1 / 3)))
    starts = np.arange(0, len(values), size)
    if len(starts) < (_FEWEST_BLOCKS if block is None else _FEWEST_RUNS) or over.sum() <= 0:
        return NOTHING
    upper, lower = np.add.reduceat(values, starts), np.add.reduceat(over, starts)
    value = float(upper.sum() / lower.sum())
    error = math.sqrt(float(((upper - value * lower) ** 2).sum())) / float(lower.sum())
    low, high = np.quantile(_deviations(upper, lower, value, seed), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, value - float(high) * error, value - float(low) * error)


def _deviations(upper: Floats, lower: Floats, value: float, seed: int) -> Floats:
    """Return how far the estimate of each draw is from *value*, in standard errors of that draw."""
    counts = _draws(len(upper), seed)
    divisors = counts @ lower
    drawn = (counts @ upper) / np.maximum(divisors, _LEAST)
    squares = counts @ upper**2 - 2 * drawn * (counts @ (upper * lower)) + drawn**2 * (counts @ lower**2)
    errors = np.sqrt(np.maximum(squares, 0.0)) / np.maximum(divisors, _LEAST)
    sound = (divisors > _LEAST) & (errors > _LEAST)
    deviations: Floats = (drawn[sound] - value) / errors[sound]
    return deviations if sound.any() else np.zeros(1)


@lru_cache(maxsize=4)
def _draws(blocks: int, seed: int) -> Floats:
    """Return how often each block is drawn each time."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(blocks, np.full(blocks, 1 / blocks), RESAMPLES).astype(np.float64)
