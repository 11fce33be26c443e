"""What is believed of arms: discounted sums of rewards, and the distributions that they give."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

from airegistry.learning.arms import Arm

_UNTRIED = 0.5
"""What is expected where nothing was ever learned."""


@dataclass(frozen=True, slots=True)
class Belief:
    """A Beta distribution over the expected reward; neither parameter is below 1. `count` is its share of attempts of its own."""

    alpha: float = 1.0
    beta: float = 1.0
    count: float = 0.0

    @property
    def mean(self) -> float:
        """The reward that is expected."""
        return self.alpha / (self.alpha + self.beta)


class _Sums:
    """The rewards and how many they were, each worth less the older it is."""

    __slots__ = ("at", "count", "total")

    def __init__(self, at: float) -> None:
        self.at, self.count, self.total = at, 0.0, 0.0


class Beliefs:
    """Sums by (task class, arm) and by what arms have in common.

    An attempt counts half after *half_life* seconds, and all of an arm's attempts count at most as *most* do; so what is new
    is always heard. The belief of a new arm is that of its model at its provider, that of its provider, that of all, each worth
    *strength* attempts against what is known of its own. At most *kept* sums are kept; those unused for the longest go first.
    """

    def __init__(
        self, *, half_life: float = 600.0, strength: float = 4.0, most: float = 200.0, kept: int = 20_000
    ) -> None:
        self._half_life = half_life
        self._strength = strength
        self._most = most
        self._kept = kept
        self._sums: OrderedDict[tuple[str, tuple[str, ...]], _Sums] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sums)

    def of(self, task: str, arm: Arm, at: float) -> Belief:
        """Return what is believed of an arm at a time of the caller's clock."""
        *general, own = arm.lineage
        expected = _UNTRIED
        for key in general:
            count, total = self._known(task, key, at)
            expected = (self._strength * expected + total) / (self._strength + count)
        count, total = self._known(task, own, at)
        won, lost = self._strength * expected + total, self._strength * (1 - expected) + count - total
        return Belief(1 + max(won, 0.0), 1 + max(lost, 0.0), count)

    def learn(self, task: str, arm: Arm, reward: float, at: float) -> None:
        """Take in the reward, from 0 to 1, of an attempt that ended now; ValueError for any other number."""
        if not 0 <= reward <= 1:
            raise ValueError(f"a reward must be from 0 to 1, not {reward}")
        for key in arm.lineage:
            sums = self._aged(task, key, at) or self._opened(task, key, at)
            sums.count, sums.total = sums.count + 1, sums.total + reward
            if sums.count > self._most:
                sums.total *= self._most / sums.count
                sums.count = self._most

    def correct(self, task: str, arm: Arm, difference: float, *, learned_at: float, at: float) -> None:
        """Change by *difference* what an attempt was worth; as old as it is, that counts less, too."""
        change = difference * self._kept_share(at - learned_at)
        for key in arm.lineage:
            if (sums := self._aged(task, key, at)) is not None:
                sums.total = min(max(sums.total + change, 0.0), sums.count)

    def _known(self, task: str, key: tuple[str, ...], at: float) -> tuple[float, float]:
        sums = self._sums.get((task, key))
        if sums is None:
            return 0.0, 0.0
        share = self._kept_share(at - sums.at)
        return sums.count * share, sums.total * share

    def _aged(self, task: str, key: tuple[str, ...], at: float) -> _Sums | None:
        sums = self._sums.get((task, key))
        if sums is None:
            return None
        share = self._kept_share(at - sums.at)
        sums.count, sums.total, sums.at = sums.count * share, sums.total * share, max(at, sums.at)
        self._sums.move_to_end((task, key))
        return sums

    def _opened(self, task: str, key: tuple[str, ...], at: float) -> _Sums:
        sums = self._sums[task, key] = _Sums(at)
        while len(self._sums) > self._kept:
            self._sums.popitem(last=False)
        return sums

    def _kept_share(self, age: float) -> float:
        return math.exp2(-max(age, 0.0) / self._half_life)
