"""What a way to choose would have been worth, by what another one chose."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from airegistry.learning.replay.rounds import Floats, Rounds

MOST_WEIGHT = 100.0
"""Where weights are clipped: what exceeds it is lost, and the estimate is a little low."""

_PRIOR = 0.5


@dataclass(frozen=True)
class Terms:
    """What each round adds to the estimates of one way to choose.

    `weights` are its probability of what was chosen by how likely that was, clipped.
    """

    weights: Floats
    weighted: Floats
    doubly_robust: Floats
    clipped: int

    @property
    def effective_size(self) -> float:
        """How many rounds of its own these are worth: (Σ w)² / Σ w²."""
        squares = float((self.weights**2).sum())
        return float(self.weights.sum()) ** 2 / squares if squares > 0 else 0.0

    @property
    def ips(self) -> float:
        """Inverse propensity: mean(w r). Unbiased, and wild where weights are large."""
        return float(self.weighted.mean())

    @property
    def snips(self) -> float:
        """Self-normalized: Σ w r / Σ w. Slightly biased, calmer. NaN where nothing agrees."""
        total = float(self.weights.sum())
        return float(self.weighted.sum()) / total if total > 0 else float("nan")

    @property
    def dr(self) -> float:
        """Doubly robust: the model's value, mended by w (r - model) where something was tried."""
        return float(self.doubly_robust.mean())


def terms(rounds: Rounds, probabilities: Floats, model: Floats) -> Terms:
    """Return what each round adds to the estimates of who chooses by *probabilities*; *model* is what `expected` returns."""
    raw = rounds.taken(probabilities) / rounds.taken(rounds.propensities)
    weights = np.minimum(raw, MOST_WEIGHT)
    mended = (probabilities * model).sum(axis=1) + weights * (rounds.rewards - rounds.taken(model))
    return Terms(weights, weights * rounds.rewards, mended, int((raw > MOST_WEIGHT).sum()))


def expected(rounds: Rounds) -> Floats:
    """Return a simple model of the reward of each candidate: the mean of its rewards so far in calls of its class.

    It counts the mean of the class as one reward more. It knows only earlier rounds, so that no round speaks for itself and the estimate
    stays unbiased although who chose learned from the same rounds.
    """
    matrix = np.zeros(rounds.present.shape)
    sums: defaultdict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row, decision, reward in zip(matrix, rounds.decisions, rounds.rewards, strict=True):
        overall = sums[decision.task, ""]
        mean = (overall[1] + _PRIOR) / (overall[0] + 1)
        for place, one in enumerate(decision.considered):
            count, total = sums[decision.task, one.name]
            row[place] = (total + mean) / (count + 1)
        for key in ("", decision.considered[decision.chosen].name):
            known = sums[decision.task, key]
            known[0] += 1
            known[1] += reward
    return matrix
