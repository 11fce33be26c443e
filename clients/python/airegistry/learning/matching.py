"""How likely each of several beliefs is to be the best: what Thompson sampling would draw, without drawing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from airegistry.learning.beliefs import Belief

CELLS = 512
"""Into how many cells the rewards from 0 to 1 are cut; the sharpest belief there is covers several."""

_MIDDLES = (np.arange(CELLS) + 0.5) / CELLS
_LOG, _LOG_OF_REST = np.log(_MIDDLES), np.log1p(-_MIDDLES)
_LEAST = np.finfo(float).tiny

Floats = npt.NDArray[np.float64]


def chances(beliefs: Sequence[Belief]) -> Floats:
    """Return for each of at least one belief the probability that a draw from it exceeds one from each other; the sum is 1.

    The integral of one's density times the others' distribution functions, by the midpoint rule.
    """
    alphas = np.array([[belief.alpha] for belief in beliefs])
    betas = np.array([[belief.beta] for belief in beliefs])
    logs = (alphas - 1) * _LOG + (betas - 1) * _LOG_OF_REST
    mass = np.exp(logs - logs.max(axis=1, keepdims=True))
    mass /= mass.sum(axis=1, keepdims=True)
    # Of the cell itself half is below: two that are equal share.
    below = np.log(np.maximum(np.cumsum(mass, axis=1) - mass / 2, _LEAST))
    best: Floats = (mass * np.exp(below.sum(axis=0) - below)).sum(axis=1)
    best /= best.sum()
    return best


def floored(chances: Floats, shares: Sequence[float], exploration: float) -> Floats:
    """Return propensities: *chances*, less for who gets only a share of its traffic, and *exploration* spread over all evenly.

    None is below exploration / number; the sum is 1.
    """
    held = chances * np.asarray(shares)
    total = held.sum()
    rest = held / total if total > 0 else np.full(len(held), 1 / len(held))
    mixed: Floats = (1 - exploration) * rest + exploration / len(held)
    mixed /= mixed.sum()
    return mixed
