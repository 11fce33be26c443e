"""Whom the filters cut, in words: "37 excluded: 21 price, 9 context, 7 no credential"."""

from __future__ import annotations

from collections.abc import Iterable

from airegistry.discovery.answers import Exclusion, ExclusionReason

_WORDS = {
    ExclusionReason.MODEL: "other models",
    ExclusionReason.TASK: "other tasks",
    ExclusionReason.DATA_POLICY: "data policy",
    ExclusionReason.LIFECYCLE: "not in use any more",
    ExclusionReason.HEALTH: "not healthy",
    ExclusionReason.CREDENTIAL: "no credential",
    ExclusionReason.PERMISSION: "not permitted",
    ExclusionReason.WEIGHT: "takes no traffic",
    ExclusionReason.LIMIT: "at its rate limit",
}
"""Reasons that are not quite said by their names."""

UNKNOWN_MAY_PASS = frozenset(
    {
        ExclusionReason.CONTEXT,
        ExclusionReason.PRICE,
        ExclusionReason.LATENCY,
        ExclusionReason.RELIABILITY,
        ExclusionReason.REGION,
        ExclusionReason.DATA_POLICY,
    }
)
"""Reasons that often mean that nothing is known, and not that it is too little or too much."""


def reason_in_words(reason: ExclusionReason | None) -> str:
    """Return what a filter was about."""
    return "a filter" if reason is None else _WORDS.get(reason, reason.name.lower().replace("_", " "))


def in_words(exclusions: Iterable[Exclusion]) -> str:
    """Return how many were cut and by what, the filter that cut most first; empty when nobody was."""
    counted = sorted(exclusions, key=lambda each: -each.count)
    if not counted:
        return ""
    reasons = ", ".join(f"{each.count:,} {reason_in_words(each.reason)}" for each in counted)
    return f"{sum(each.count for each in counted):,} excluded: {reasons}"
