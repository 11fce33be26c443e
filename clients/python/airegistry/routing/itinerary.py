"""Whom one call asks, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from airegistry.resources.route import PickStrategy, RouteFallback
from airegistry.routing.error_classes import NextStep, Verdict
from airegistry.routing.target import Group, Target, Tier

Pick = Callable[[Tier], Target]
Ejected = Callable[[Collection[str]], Collection[str]]
Expand = Callable[[str], tuple[tuple[Tier, ...], tuple[RouteFallback, ...]]]


class Itinerary:
    """The way of one call through its tiers, and on to fallbacks when the tiers have nobody left.

    Nobody is asked twice, but for the one retry of those who may well answer the second time. *pick* chooses within a tier, *ejected* says who must not be asked now, *expand* gives the tiers and the further
    fallbacks of a fallback's target.
    """

    def __init__(
        self,
        tiers: Iterable[Tier],
        fallbacks: Iterable[RouteFallback] = (),
        *,
        pick: Pick,
        ejected: Ejected,
        expand: Expand,
    ) -> None:
        self._tiers = list(tiers)
        self._fallbacks = list(fallbacks)
        self._pick = pick
        self._ejected = ejected
        self._expand = expand
        self._expanded: set[str] = set()
        self._asked: set[str] = set()
        self._retried: set[str] = set()
        self._again: Target | None = None
        self._verdict: Verdict | None = None

    def next(self) -> Target | None:
        """Return whom to ask now; None when nobody is left who could do better."""
        again, self._again = self._again, None
        if again is not None and again.name not in self._ejected([again.name]):
            return again
        return self._from_tiers() or self._from_fallbacks()

    def failed(self, target: Target, verdict: Verdict) -> None:
        """Note what became of the attempt at *target*; it decides who is asked next."""
        self._verdict = verdict
        if verdict.next is NextStep.RETRY_SAME and target.name not in self._retried:
            self._retried.add(target.name)
            self._again = target
        elif verdict.next is NextStep.LARGER_CONTEXT:
            self._keep_larger_than(target.context_tokens)
        elif verdict.next is NextStep.STOP:
            self._tiers.clear()

    def _from_tiers(self) -> Target | None:
        while self._tiers:
            tier = self._open(self._tiers[0])
            if tier:
                target = self._pick(tier)
                self._asked.add(target.name)
                return target
            self._tiers.pop(0)
        return None

    def _open(self, tier: Tier) -> Tier:
        """Return the part of a tier that was not asked and may be asked now."""
        out = self._asked.union(self._ejected([target.name for group in tier for target in group.targets]))
        return _filtered(tier, lambda target: target.name not in out)

    def _from_fallbacks(self) -> Target | None:
        while (fallback := self._fallback()) is not None:
            self._fallbacks.remove(fallback)
            if fallback.target in self._expanded:
                continue
            self._expanded.add(fallback.target)
            tiers, fallbacks = self._expand(fallback.target)
            self._tiers = list(tiers)
            self._fallbacks.extend(fallbacks)
            if (target := self._from_tiers()) is not None:
                return target
        return None

    def _fallback(self) -> RouteFallback | None:
        """Return the first fallback for the last error. One that names no classes is for those that others may not have."""
        verdict = self._verdict
        if verdict is None:
            return None
        passing = verdict.next in (NextStep.RETRY_SAME, NextStep.MOVE_ON)
        return next(
            (f for f in self._fallbacks if (verdict.error_class in f.error_classes if f.error_classes else passing)),
            None,
        )

    def _keep_larger_than(self, context_tokens: int | None) -> None:
        """Drop everybody who is not known to take more than what was too little."""

        def larger(target: Target) -> bool:
            return context_tokens is not None and (target.context_tokens or 0) > context_tokens

        self._tiers = [_filtered(tier, larger) for tier in self._tiers]


def expected_order(tiers: Iterable[Tier], pick: PickStrategy) -> Iterator[tuple[int, Group, Target]]:
    """Yield the targets as they would most likely be asked if each failed, with the number of the tier and the group."""
    for number, tier in enumerate(tiers):
        for group in sorted(tier, key=lambda group: -group.weight):
            for target in sorted(group.targets, key=lambda target: _place(target, pick)):
                yield number, group, target


def _place(target: Target, pick: PickStrategy) -> tuple[int, bool, int]:
    return (*target.rank, -target.weight if pick is PickStrategy.WEIGHTED_RANDOM else 0)


def _filtered(tier: Tier, keep: Callable[[Target], bool]) -> Tier:
    kept = (Group(tuple(target for target in group.targets if keep(target)), group.weight) for group in tier)
    return tuple(group for group in kept if group.targets)
