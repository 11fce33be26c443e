"""Which of several targets gets a call."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

from airegistry.discovery.answers import ScorePartKind
from airegistry.resources.route import PickStrategy
from airegistry.routing.target import Target, Tier

T = TypeVar("T")

_DEGRADED = 0.5
_UNKNOWN_LATENCY = 0.5


class Picker:
    """Picks targets, and counts the calls that are with each.

    *share* says how much of its usual traffic an endpoint should get at the moment, in (0, 1].
    """

    def __init__(self, rng: random.Random, share: Callable[[str], float]) -> None:
        self._rng = rng
        self._share = share
        self._in_flight: Counter[str] = Counter()

    @property
    def in_flight(self) -> Mapping[str, int]:
        """How many calls are with each endpoint, by name."""
        return self._in_flight

    @contextmanager
    def lend(self, target: Target) -> Iterator[Target]:
        """Count a call as being with *target* for its length."""
        self._in_flight[target.name] += 1
        try:
            yield target
        finally:
            self._in_flight[target.name] -= 1
            if not self._in_flight[target.name]:
                del self._in_flight[target.name]

    def pick(self, tier: Tier, strategy: PickStrategy, *, sticky_key: str = "") -> Target:
        """Return who of a tier is asked. The same *sticky_key* gives the same target while the tier stays the same.

        First one of the groups by weight, then within it those of the best rank, then one of them by *strategy*.
        """
        rng = random.Random(sticky_key) if sticky_key else self._rng
        group = _weighted(rng, tier, [group.weight for group in tier])
        first = min(target.rank for target in group.targets)
        equals = [target for target in group.targets if target.rank == first]
        if len(equals) == 1:
            return equals[0]
        return self._choose(rng, equals, strategy)

    def _choose(self, rng: random.Random, equals: Sequence[Target], strategy: PickStrategy) -> Target:
        if strategy is PickStrategy.WEIGHTED_RANDOM:
            return _weighted(rng, equals, self._weights(equals))
        if strategy is PickStrategy.POWER_OF_TWO:
            return max(self._two(rng, equals), key=self._promise)
        return self._best(rng, equals)

    def _best(self, rng: random.Random, equals: Sequence[Target]) -> Target:
        """Return the first, but pass by those that are to get only a share of their traffic."""
        for target in equals:
            share = self._share(target.name)
            if share >= 1 or rng.random() < share:
                return target
        return equals[0]

    def _two(self, rng: random.Random, equals: Sequence[Target]) -> tuple[Target, Target]:
        one = _weighted(rng, equals, self._weights(equals))
        others = [target for target in equals if target is not one]
        return one, _weighted(rng, others, self._weights(others))

    def _weights(self, targets: Sequence[Target]) -> list[float]:
        return [target.weight * self._share(target.name) for target in targets]

    def _promise(self, target: Target) -> float:
        """Return how good an answer to expect by health, latency and load together; more is better."""
        latency = next(
            (part.value for part in target.score.parts if part.kind is ScorePartKind.LATENCY), _UNKNOWN_LATENCY
        )
        health = _DEGRADED if target.degraded else 1.0
        return health * latency / (1 + self._in_flight[target.name])


def _weighted(rng: random.Random, options: Sequence[T], weights: Sequence[float]) -> T:
    if len(options) == 1:
        return options[0]
    return rng.choices(options, weights)[0]
