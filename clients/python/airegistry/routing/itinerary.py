"""Whom one call asks, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

from airegistry.resources.route import PickStrategy, RouteFallback
from airegistry.routing.error_classes import UNAVAILABLE, NextStep, Verdict
from airegistry.routing.target import Group, Target, Tier

Pick = Callable[[Tier], Target]
Ejected = Callable[[Collection[Target]], Collection[str]]
Fit = Callable[[Target], bool]
Expand = Callable[[str], tuple[tuple[Tier, ...], tuple[RouteFallback, ...]]]


class Itinerary:
    """The way of one call through its tiers, and on to fallbacks when the tiers have nobody left.

    Nobody is asked twice, but for the one retry of those who may well answer the second time, and of one that asked for a
    little time. *pick* chooses within a tier, *ejected* says who must not be asked now, *expand* gives the tiers and the
    further fallbacks of a fallback's target.
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
        self._too_small: int | None = None

    def next(self, fit: Fit | None = None) -> Target | None:
        """Return whom to ask now; None when nobody is left who could do better.

        With *fit* only those who do are considered; the others keep their turn.
        """
        again = self._again
        if again is not None and (fit is None or fit(again)):
            self._again = None
            if again.name not in self._ejected([again]):
                return again
        if fit is not None:
            return self._fitting(fit)
        return self._from_tiers() or self._from_fallbacks()

    def beside(self) -> Target | None:
        """Return somebody of the same tier to ask at the same time as who was asked last; None when there is nobody."""
        tier = self._open(self._tiers[0]) if self._tiers else ()
        return self._asking(tier) if tier else None

    def again(self, target: Target) -> None:
        """Let *target* be asked once more: it had asked for time, and got it."""
        self._again = target

    def release(self, target: Target) -> None:
        """Let *target* be asked as if it had not been: what it refused was another request."""
        self._asked.discard(target.name)

    def failed(self, target: Target, verdict: Verdict) -> None:
        """Note what became of the attempt at *target*; it decides who is asked next."""
        self._verdict = verdict
        if verdict.next is NextStep.RETRY_SAME and target.name not in self._retried:
            self._retried.add(target.name)
            self._again = target
        elif verdict.next is NextStep.LARGER_CONTEXT:
            self._too_small = target.context_tokens
            self._tiers = self._larger(self._tiers)
        elif verdict.next is NextStep.STOP:
            self._tiers.clear()

    def _from_tiers(self) -> Target | None:
        while self._tiers:
            if tier := self._open(self._tiers[0]):
                return self._asking(tier)
            self._tiers.pop(0)
        return None

    def _fitting(self, fit: Fit) -> Target | None:
        for tier in self._tiers:
            if fitting := _filtered(self._open(tier), fit):
                return self._asking(fitting)
        return None

    def _asking(self, tier: Tier) -> Target:
        target = self._pick(tier)
        self._asked.add(target.name)
        return target

    def _open(self, tier: Tier) -> Tier:
        """Return the part of a tier that was not asked and may be asked now."""
        out = self._asked.union(self._ejected([target for group in tier for target in group.targets]))
        return _filtered(tier, lambda target: target.name not in out) if out else tier

    def _from_fallbacks(self) -> Target | None:
        while (fallback := self._fallback()) is not None:
            self._fallbacks.remove(fallback)
            if fallback.target in self._expanded:
                continue
            self._expanded.add(fallback.target)
            tiers, fallbacks = self._expand(fallback.target)
            # A route that names the class knows where the prompt fits; one that names none only means "elsewhere".
            bounded = not fallback.error_classes and self._verdict_is(NextStep.LARGER_CONTEXT)
            self._tiers = self._larger(tiers) if bounded else list(tiers)
            self._fallbacks.extend(fallbacks)
            if (target := self._from_tiers()) is not None:
                return target
        return None

    def _fallback(self) -> RouteFallback | None:
        """Return the first fallback for the last error.

        One that names no classes is for those after which another target can help. Before any error nobody could be asked
        at all: then each is one that is for an error of the endpoint.
        """
        return next((fallback for fallback in self._fallbacks if self._suits(fallback)), None)

    def _suits(self, fallback: RouteFallback) -> bool:
        if self._verdict is None:
            return not fallback.error_classes or not UNAVAILABLE.isdisjoint(fallback.error_classes)
        if fallback.error_classes:
            return self._verdict.error_class in fallback.error_classes
        return not self._verdict_is(NextStep.STOP)

    def _verdict_is(self, step: NextStep) -> bool:
        return self._verdict is not None and self._verdict.next is step

    def _larger(self, tiers: Iterable[Tier]) -> list[Tier]:
        """Return those who are known to take more than what was too little."""
        least = self._too_small

        def larger(target: Target) -> bool:
            return least is not None and (target.context_tokens or 0) > least

        return [_filtered(tier, larger) for tier in tiers]


def expected_order(tiers: Iterable[Tier], pick: PickStrategy) -> Iterator[tuple[int, Group, Target]]:
    """Yield the targets as they would most likely be asked if each failed, with the number of the tier and the group."""
    for number, tier in enumerate(tiers):
        for group in sorted(tier, key=lambda group: -group.weight):
            for target in sorted(group.targets, key=lambda target: _place(target, pick)):
                yield number, group, target


def _place(target: Target, pick: PickStrategy) -> tuple[int, bool, int]:
    return (*target.rank, -target.weight if pick is PickStrategy.WEIGHTED_RANDOM else 0)


def _filtered(tier: Tier, keep: Callable[[Target], bool]) -> Tier:
    kept = (replace(group, targets=tuple(target for target in group.targets if keep(target))) for group in tier)
    return tuple(group for group in kept if group.targets)
