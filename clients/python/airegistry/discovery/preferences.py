"""What "best" means: the weight of each part of a score."""

from __future__ import annotations

from collections.abc import Mapping

from airegistry.resources.requirements import DiscoverQuery, Preference, ScoreWeights

Weights = tuple[float, float, float, float, float]
"""Of cost, latency, reliability, quality and load; their sum is 1."""

NAMED: Mapping[Preference, Weights] = {
    Preference.BALANCED: (0.25, 0.2, 0.25, 0.2, 0.1),
    Preference.CHEAPEST: (0.8, 0.05, 0.05, 0.05, 0.05),
    Preference.FASTEST: (0.05, 0.75, 0.05, 0.05, 0.1),
    Preference.MOST_RELIABLE: (0.05, 0.05, 0.75, 0.05, 0.1),
    Preference.BEST_QUALITY: (0.05, 0.05, 0.05, 0.8, 0.05),
}
"""The table of `docs/discovery.md`."""


def weights_of(query: DiscoverQuery) -> Weights:
    """Return what each part counts for a query that was checked."""
    if query.weights is None:
        return NAMED[query.preference or Preference.BALANCED]
    values = weight_values(query.weights)
    # Scaled by the largest first: the sum of huge weights would overflow.
    largest = max(values)
    scaled = [value / largest for value in values]
    total = sum(scaled)
    cost, latency, reliability, quality, load = (value / total for value in scaled)
    return cost, latency, reliability, quality, load


def weight_values(weights: ScoreWeights) -> Weights:
    """Return the weights as they were given, in the order of the parts."""
    return weights.cost, weights.latency, weights.reliability, weights.quality, weights.load
