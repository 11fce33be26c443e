"""From counters to what they say."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate

from airegistry.observations.performance import ErrorCount, Quantiles, WindowStats
from airegistry.resources.route import ErrorClass
from registry.observations import codes

_LARGEST = 2**63 - 1
_CLASSES = {int(each): each for each in ErrorClass}


def window_stats(
    window: float, counted: Sequence[int], counts: Sequence[int], last_time: datetime | None
) -> WindowStats | None:
    """Return what the codes *counted* and their *counts*, both in the order of codes, say of a window of that length.

    None when there was not one attempt.
    """
    plain = bisect_left(counted, codes.FIRST_TOKEN)
    of = dict(zip(counted[:plain], counts, strict=False))
    if not (of.get(codes.ATTEMPTS) or of.get(codes.CANCELED)):
        return None
    return WindowStats(
        window=window,
        attempts=of.get(codes.ATTEMPTS, 0),
        errors=_errors(of),
        canceled=of.get(codes.CANCELED, 0),
        time_to_first_token=_quantiles(codes.FIRST_TOKEN, counted, counts),
        duration=_quantiles(codes.DURATION, counted, counts),
        tokens_per_second=_quantiles(codes.SPEED, counted, counts),
        cost_nanos=_cost(of),
        costed=of.get(codes.COSTED, 0),
        tokens=of.get(codes.TOKENS, 0),
        last_time=last_time,
    )


def _errors(of: dict[int, int]) -> tuple[ErrorCount, ...]:
    # A class that a newer replica counted is still an error.
    return tuple(
        ErrorCount(_CLASSES.get(code - codes.ERRORS), count)
        for code, count in of.items()
        if code >= codes.ERRORS and count
    )


def _cost(of: dict[int, int]) -> int | None:
    if not of.get(codes.COSTED):
        return None
    return min(of.get(codes.COST_LOW, 0) + (of.get(codes.COST_HIGH, 0) << codes.COST_SHIFT), _LARGEST)


def _quantiles(first: int, counted: Sequence[int], counts: Sequence[int]) -> Quantiles | None:
    start = bisect_left(counted, first)
    end = bisect_left(counted, first + codes.BINS, start)
    if start == end:
        return None
    ranks = list(accumulate(counts[start:end]))
    total = ranks[-1]
    if not total:
        return None

    def at(percent: int) -> float:
        # The least value that so many are no more than: in whole numbers, so that no rounding moves a rank.
        return codes.VALUES[counted[start + bisect_left(ranks, -(-total * percent // 100))] - first]

    return Quantiles(total, at(50), at(90), at(99))
