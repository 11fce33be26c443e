"""A way to choose that lives in a world: what it does, and what that is truly worth."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from airegistry.learning.outcomes import reward
from airegistry.learning.records import Considered, Decision, weighed
from airegistry.learning.replay.rounds import Floats, Rounds, rounds_of
from airegistry.learning.replay.worlds import SCALE, Place, Truth, World
from airegistry.learning.selector import Selector, SelectorSettings

_TASK = "chat/stream"
_MEASURED = 20
"""Of how many answers of late the time to the first token is known."""


@dataclass(frozen=True)
class Run:
    """A log, and the truth behind it: of each round what each of its candidates was to be expected to give."""

    rounds: Rounds
    truth: Floats

    def value(self, probabilities: Floats) -> float:
        """Return what choosing by *probabilities* was truly worth."""
        return float((probabilities * self.truth).sum(axis=1).mean())


def simulated(world: World, *, rounds: int, seed: int, settings: SelectorSettings) -> Run:
    """Let learned selection live in a world for so many calls, one a second."""
    life = _Life(world, settings, seed)
    decisions = [life.call(at, world.truths(at / rounds)) for at in range(rounds)]
    width = max(len(decision.considered) for decision in decisions)
    truth = np.zeros((rounds, width))
    for at, decision in enumerate(decisions):
        truths = world.truths(at / rounds)
        truth[at, : len(decision.considered)] = [truths[one.name].expected for one in decision.considered]
    return Run(rounds_of(decisions), truth)


class _Life:
    def __init__(self, world: World, settings: SelectorSettings, seed: int) -> None:
        self._places = sorted(world.places, key=lambda place: -place.score)
        self._seed = seed
        self._rng = random.Random(f"world {seed}")
        self._selector = Selector(settings, random.Random(seed))
        self._times: dict[str, deque[float]] = {place.name: deque(maxlen=_MEASURED) for place in world.places}

    def call(self, at: int, truths: Mapping[str, Truth]) -> Decision:
        known = [self._known(place) for place in self._places if place.name in truths]
        choice = self._selector.choose(_TASK, [one.arm for one in known], at)
        outcome = truths[choice.arm.name].outcome(self._rng)
        worth = reward(outcome, SCALE) or 0.0
        self._selector.beliefs.learn(_TASK, choice.arm, worth, at)
        if outcome.first_token is not None:
            self._times[choice.arm.name].append(outcome.first_token)
        return Decision(
            call_id=f"{self._seed}-{at}",
            attempt=1,
            time=float(at),
            route="",
            task=_TASK,
            policy=self._selector.settings.version,
            considered=weighed(choice, known),
            chosen=choice.chosen,
            outcome=outcome,
            seed=self._seed,
            reward=worth,
        )

    def _known(self, place: Place) -> Considered:
        times: Sequence[float] = self._times[place.name]
        measured = fmean(times) if times else None
        return Considered(place.name, place.provider, place.price_nanos, place.score, measured)
