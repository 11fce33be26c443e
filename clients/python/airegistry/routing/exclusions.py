"""Who was left out of a call, each once, by the first reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from airegistry.discovery.answers import Exclusion, ExclusionReason

MAX_NAMES = 100


class Exclusions:
    """Counts by reason, with the names of those that were looked at one by one."""

    def __init__(self) -> None:
        self._reasons: dict[str, ExclusionReason] = {}
        self._unnamed: dict[ExclusionReason, int] = {}

    def add(self, reason: ExclusionReason, *names: str) -> None:
        """Leave out *names*; who was left out before keeps the first reason."""
        for name in names:
            self._reasons.setdefault(name, reason)

    def merge(self, exclusions: Iterable[Exclusion]) -> None:
        """Add what a query excluded; of these not every one is named."""
        for exclusion in exclusions:
            if exclusion.reason is not None:
                self.add(exclusion.reason, *exclusion.names)
                unnamed = exclusion.count - len(exclusion.names)
                self._unnamed[exclusion.reason] = self._unnamed.get(exclusion.reason, 0) + unnamed

    def names(self, reason: ExclusionReason) -> list[str]:
        """Return who was left out for *reason*."""
        return [name for name, why in self._reasons.items() if why is reason]

    def as_tuple(self) -> tuple[Exclusion, ...]:
        """Return the exclusions in the fixed order of reasons, at most 100 names in all."""
        counts = Counter(self._reasons.values()) + Counter(self._unnamed)
        left = MAX_NAMES
        exclusions = []
        for reason in sorted(counts):
            names = tuple(self.names(reason)[:left])
            left -= len(names)
            exclusions.append(Exclusion(reason, counts[reason], names))
        return tuple(exclusions)
