"""Worlds of which the truth is known: who is how good, and when that changes."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist, fmean

from airegistry.learning.outcomes import Outcome, Result, RewardScale, reward

SCALE = RewardScale()
_SPREAD = 0.5
_TIMES = tuple(NormalDist(sigma=_SPREAD).inv_cdf((i + 0.5) / 20) for i in range(20))
"""The logarithms of 20 equally likely times around the median: few, so that what is to be expected is exact."""


@dataclass(frozen=True, slots=True)
class Truth:
    """How an endpoint answers: how often it succeeds, its median time to the first token, and what a call costs."""

    success: float
    first_token: float
    cost_nanos: int = 200_000

    @property
    def times(self) -> tuple[float, ...]:
        """The equally likely times to the first token."""
        return tuple(round(self.first_token * math.exp(z), 6) for z in _TIMES)

    @property
    def expected(self) -> float:
        """The reward that is to be expected of a call, exactly."""
        return _expected(self)

    def outcome(self, rng: random.Random) -> Outcome:
        """Return what becomes of one call."""
        if rng.random() >= self.success:
            return Outcome(Result.FAILED, "provider", duration=self.first_token)
        return self.answer(rng.choice(self.times))

    def answer(self, time: float) -> Outcome:
        """Return an answer whose first token came after *time* seconds."""
        return Outcome(Result.OK, first_token=time, duration=4 * time, cost_nanos=self.cost_nanos)


@lru_cache(maxsize=128)
def _expected(truth: Truth) -> float:
    return truth.success * fmean(reward(truth.answer(time), SCALE) or 0.0 for time in truth.times)


@dataclass(frozen=True, slots=True)
class Place:
    """An endpoint of a world, with what is known of it before: its score in the static order and its price."""

    name: str
    provider: str
    score: float
    price_nanos: int


@dataclass(frozen=True, slots=True)
class World:
    """Endpoints, and from which share of the rounds on which truths hold; who has none yet is not there."""

    places: tuple[Place, ...]
    phases: tuple[tuple[float, Mapping[str, Truth]], ...]

    def truths(self, share: float) -> Mapping[str, Truth]:
        """Return what is true when a *share* of the rounds is over."""
        known: dict[str, Truth] = {}
        for start, truths in self.phases:
            if share >= start:
                known |= truths
        return known


_PLACES = (
    Place("models/m/endpoints/first", "one", 0.80, 400_000),
    Place("models/m/endpoints/second", "two", 0.75, 300_000),
    Place("models/m/endpoints/third", "three", 0.70, 250_000),
    Place("models/m/endpoints/cheap", "four", 0.65, 100_000),
    Place("models/m/endpoints/fast", "five", 0.60, 200_000),
    Place("models/m/endpoints/new", "two", 0.55, 200_000),
)
_FIRST, _SECOND, _THIRD, _CHEAP, _FAST, _NEW = (place.name for place in _PLACES)
_STEADY = {
    _FIRST: Truth(0.97, 0.40, 400_000),
    _SECOND: Truth(0.99, 0.20, 300_000),
    _THIRD: Truth(0.93, 0.60, 250_000),
    _CHEAP: Truth(0.80, 0.90, 100_000),
    _FAST: Truth(0.75, 0.10, 200_000),
}

WORLDS: dict[str, World] = {
    # The second is the best all the time.
    "stationary": World(_PLACES, ((0.0, _STEADY),)),
    # The best becomes bad, and a bad one the best.
    "drift": World(
        _PLACES,
        ((0.0, _STEADY), (0.5, {_SECOND: Truth(0.70, 0.80, 300_000), _THIRD: Truth(0.99, 0.15, 250_000)})),
    ),
    # The best comes later, and is last in the static order.
    "cold-start": World(_PLACES, ((0.0, _STEADY), (0.3, {_NEW: Truth(0.99, 0.12, 200_000)}))),
    # The first of the static order stops answering.
    "dead-arm": World(_PLACES, ((0.0, _STEADY), (0.25, {_FIRST: Truth(0.0, 0.40, 400_000)}))),
}
