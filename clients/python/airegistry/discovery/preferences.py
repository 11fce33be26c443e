"""What "best" means: the weight of each part of a score."""

from __future__ import annotations

from collections.abc import Mapping

from airegistry.resources.requirements import DiscoverQuery, Preference, ScoreWeights

Weights = tuple[float, float, float, float, float, float]
"""Of cost, latency, reliability, quality and load, whose sum is 1, and of exploration."""

_Given = tuple[float, float, float, float, float]

NAMED: Mapping[Preference, _Given] = {
    Preference.BALANCED: (0.25, 0.2, 0.25, 0.2, 0.1),
    Preference.CHEAPEST: (0.8, 0.05, 0.05, 0.05, 0.05),
    Preference.FASTEST: (0.05, 0.75, 0.05, 0.05, 0.1),
    Preference.MOST_RELIABLE: (0.05, 0.05, 0.75, 0.05, 0.1),
    Preference.BEST_QUALITY: (0.05, 0.05, 0.05, 0.8, 0.05),
}
"""The table of `docs/discovery.md`."""

EXPLORATION = 0.3
"""How much it counts to find out, of what those parts count that only calls can tell: latency and reliability."""


def weights_of(query: DiscoverQuery) -> Weights:
    """Return what each part counts for a query that was checked."""
    if query.weights is None:
        return _exploring(NAMED[query.preference or Preference.BALANCED])
    values = weight_values(query.weights)
    # Scaled by the largest first: the sum of huge weights would overflow.
    largest = max(values)
    scaled = [value / largest for value in values]
    total = sum(scaled)
    cost, latency, reliability, quality, load = (value / total for value in scaled)
    return _exploring((cost, latency, reliability, quality, load))


def _exploring(given: _Given) -> Weights:
    _, latency, reliability, _, _ = given
    return (*given, EXPLORATION * (latency + reliability))


def weight_values(weights: ScoreWeights) -> _Given:
    """Return the weights as they were given, in the order of the parts."""
    return weights.cost, weights.latency, weights.reliability, weights.quality, weights.load
