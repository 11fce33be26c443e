"""Which of several targets gets a call."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from airegistry.discovery.answers import ScorePartKind
from airegistry.resources.route import PickStrategy
from airegistry.routing.latencies import Latencies
from airegistry.routing.rendezvous import luck, owner
from airegistry.routing.target import Group, Target, Tier

T = TypeVar("T")

NEAR = 0.1
"""How much below the best score one may be to share its calls, of a score that is at most 1."""

_DEGRADED = 0.5
_UNKNOWN_LATENCY = 0.5
_LEAST_TIME = 0.001


class Loan:
    """A call counted as being with who has *name*, for the length of a block. A class, as every call enters one."""

    __slots__ = ("_in_flight", "_name")

    def __init__(self, in_flight: dict[str, int], name: str) -> None:
        self._in_flight = in_flight
        self._name = name

    def __enter__(self) -> None:
        self._in_flight[self._name] = self._in_flight.get(self._name, 0) + 1

    def __exit__(self, *_exception: object) -> None:
        left = self._in_flight[self._name] - 1
        if left:
            self._in_flight[self._name] = left
        else:
            del self._in_flight[self._name]


class Picker:
    """Picks targets, and counts the calls that are with each.

    *share* says how much of its usual traffic an endpoint should get at the moment, in (0, 1]; *latencies* what was measured.
    """

    def __init__(self, rng: random.Random, share: Callable[[str], float], latencies: Latencies) -> None:
        self._rng = rng
        self._share = share
        self._latencies = latencies
        self._in_flight: dict[str, int] = {}

    @property
    def in_flight(self) -> Mapping[str, int]:
        """How many calls are with each endpoint, by name."""
        return self._in_flight

    def lend(self, target: Target) -> Loan:
        """Count a call as being with *target* for its length."""
        return Loan(self._in_flight, target.name)

    def pick(self, tier: Tier, strategy: PickStrategy, *, sticky_key: str = "", stream: bool = True) -> Target:
        """Return who of a tier is asked: one of the groups by weight, of it those of the best rank, of them one by *strategy*.

        A *sticky_key* finds the same group again and, unless the first of the ranking is wanted, the same target, for as
        long as that is in the tier; others that come and go move few keys.
        """
        group = tier[0] if len(tier) == 1 else self._group(tier, sticky_key)
        if len(group.targets) == 1:
            return group.targets[0]
        first = min(target.rank for target in group.targets)
        equals: Sequence[Target] = [target for target in group.targets if target.rank == first]
        if len(equals) == 1:
            return equals[0]
        if strategy is PickStrategy.BEST:
            return self._best(equals, sticky_key)
        if strategy is PickStrategy.POWER_OF_TWO:
            equals = _near_the_best(equals)
        if sticky_key:
            return self._owner(equals, sticky_key)
        if strategy is PickStrategy.WEIGHTED_RANDOM or len(equals) == 1:
            return _weighted(self._rng, equals, self._weights(equals))
        return self._better(*self._two(equals), stream=stream)

    def _group(self, tier: Tier, sticky_key: str) -> Group:
        if sticky_key:
            return owner(sticky_key, ((group.key, group.weight, group) for group in tier))
        return _weighted(self._rng, tier, [group.weight for group in tier])

    def _owner(self, equals: Sequence[Target], sticky_key: str) -> Target:
        shares = zip(equals, self._weights(equals), strict=True)
        return owner(sticky_key, ((target.name, weight, target) for target, weight in shares))

    def _best(self, equals: Sequence[Target], sticky_key: str) -> Target:
        """Return the first, but pass by those that are to get only a share of their traffic."""
        for target in equals:
            share = self._share(target.name)
            if share >= 1 or (luck(sticky_key, target.name) if sticky_key else self._rng.random()) < share:
                return target
        return equals[0]

    def _two(self, equals: Sequence[Target]) -> tuple[Target, Target]:
        one = _weighted(self._rng, equals, self._weights(equals))
        others = [target for target in equals if target is not one]
        return one, _weighted(self._rng, others, self._weights(others))

    def _weights(self, targets: Sequence[Target]) -> list[float]:
        return [target.weight * self._share(target.name) for target in targets]

    def _better(self, one: Target, other: Target, *, stream: bool) -> Target:
        """Return who promises the better answer by health, latency and load together.

        Measured times are compared with measured ones; where one is missing, what the scores say of latency.
        """
        times = [self._latencies.of(target.name, stream=stream) for target in (one, other)]
        speeds = [None if time is None else 1 / max(time, _LEAST_TIME) for time in times]
        if None in speeds:
            speeds = [_scored_latency(target) for target in (one, other)]
        promises = [(speed or 0.0) * self._standing(target) for speed, target in zip(speeds, (one, other), strict=True)]
        return other if promises[1] > promises[0] else one

    def _standing(self, target: Target) -> float:
        return (_DEGRADED if target.degraded else 1.0) / (1 + self._in_flight.get(target.name, 0))


def _near_the_best(equals: Sequence[Target]) -> Sequence[Target]:
    """Return those that score nearly as the best does: who is far worse takes no calls only because he is idle."""
    least = max(target.score.total for target in equals) - NEAR
    return [target for target in equals if target.score.total >= least]


def _scored_latency(target: Target) -> float:
    return next((part.value for part in target.score.parts if part.kind is ScorePartKind.LATENCY), _UNKNOWN_LATENCY)


def _weighted(rng: random.Random, options: Sequence[T], weights: Sequence[float]) -> T:
    if len(options) == 1:
        return options[0]
    return rng.choices(options, weights)[0]
