"""Ways to choose, and how likely each would have chosen whom."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np

from airegistry.learning.replay.rounds import Floats, Rounds
from airegistry.learning.selector import Selector, SelectorSettings

ALWAYS = "always:"

Probabilities = Callable[[Rounds], Floats]


def logged(rounds: Rounds) -> Floats:
    """Return what was done."""
    return rounds.propensities


def uniform(rounds: Rounds) -> Floats:
    """Return everybody alike."""
    shares: Floats = rounds.present / rounds.present.sum(axis=1, keepdims=True)
    return shares


def discovery(rounds: Rounds) -> Floats:
    """Return the first of the static order, by the scores at the time."""
    return _certain(rounds, np.zeros(len(rounds), dtype=np.int64))


def cheapest(rounds: Rounds) -> Floats:
    """Return the lowest price; who has none comes last."""
    return _certain(rounds, rounds.values("price_nanos").argmin(axis=1))


def fastest(rounds: Rounds) -> Floats:
    """Return the shortest time to the first token that was measured of late; of whom nothing is known comes last."""
    return _certain(rounds, rounds.values("first_token").argmin(axis=1))


def always(name: str) -> Probabilities:
    """Return one and the same; where it is no candidate, the first of the static order."""
    return lambda rounds: _certain(rounds, rounds.places(name))


def thompson(settings: SelectorSettings) -> Probabilities:
    """Return what learned selection with these settings would do, learning from what was chosen in the log."""

    def probabilities(rounds: Rounds) -> Floats:
        selector = Selector(settings, random.Random(0))
        matrix = np.zeros(rounds.present.shape)
        for row, decision in zip(matrix, rounds.decisions, strict=True):
            arms = [one.arm for one in decision.considered]
            weighing = selector.weigh(decision.task, arms, decision.time)
            row[: len(weighing.propensities)] = weighing.propensities
            selector.beliefs.learn(decision.task, arms[decision.chosen], decision.reward or 0.0, decision.time)
        return matrix

    return probabilities


_NAMED: dict[str, Probabilities] = {
    "logged": logged,
    "discovery": discovery,
    "cheapest": cheapest,
    "fastest": fastest,
    "uniform": uniform,
}
NAMES = (*_NAMED, "thompson", f"{ALWAYS}NAME")


def policy(name: str, settings: SelectorSettings) -> Probabilities:
    """Return a way to choose by its name; ValueError lists the names when there is none."""
    if name.startswith(ALWAYS):
        return always(name.removeprefix(ALWAYS))
    if name == "thompson":
        return thompson(settings)
    if name not in _NAMED:
        raise ValueError(f"no policy has the name {name!r}: {', '.join(NAMES)}")
    return _NAMED[name]


def _certain(rounds: Rounds, places: np.typing.NDArray[np.int64]) -> Floats:
    matrix = np.zeros(rounds.present.shape)
    matrix[np.arange(len(rounds)), places] = 1.0
    return matrix
