"""How good a candidate is by what is claimed of it and what was measured; the formulas of `docs/discovery.md`.

This runs for every observation, so it is written for speed: plain loops, and windows looked at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from airegistry.discovery.answers import ScoreBasis
from airegistry.discovery.evidence.case import Case
from airegistry.discovery.evidence.measured import DAY, FIVE_MINUTES, HALF_HOUR, MINUTE, Told, Window
from airegistry.discovery.evidence.picking import ENOUGH, Numbers, numbers, smoothed
from airegistry.discovery.rows import values
from airegistry.discovery.rows.claims import Claims
from airegistry.discovery.rows.values import Value
from airegistry.resources.endpoint import RateLimits
from airegistry.resources.resource import AgentState

_TRIES = 20
"""So many attempts within half an hour halve the wish to try one."""

_MOSTLY = 0.5

# To look up a member of an enum takes longer than any of the formulas.
_MEASURED, _DECLARED, _PRIOR, _MIXED = ScoreBasis.MEASURED, ScoreBasis.DECLARED, ScoreBasis.PRIOR, ScoreBasis.MIXED

# Who says that it takes nothing more is not idle because of a number.
_HEEDED = (None, AgentState.AVAILABLE)


class Judged(NamedTuple):
    """What a candidate's columns hold, until a moment in microseconds since 1970; None is for good."""

    case: Case
    latency: Value
    reliability: Value
    load: Value
    exploration: Value
    numbers: Numbers
    until: float | None


def judge(case: Case) -> Judged:
    """Return how good a candidate is."""
    claims, windows, told, at = case.claims, case.windows, case.told, case.at
    last = lately = 0.0
    for length, ended, attempts, _, _, _, _, _, _, _, _, _, _ in windows:
        last = max(last, ended)
        if attempts > lately and length <= HALF_HOUR:
            lately = attempts
    trust = _freshness(at - last) if windows else 0.0
    # From the day to the newest five minutes; the last minute is only for the load.
    series = [window for window in reversed(windows) if window[0] != MINUTE]
    return Judged(
        case,
        _latency(claims, series, trust),
        _reliability(claims, series, trust),
        _load(claims, windows, told, at),
        (_TRIES / (_TRIES + lately), _MEASURED if lately else _PRIOR),
        numbers(claims, windows, stale=at - last >= HALF_HOUR),
        _sooner(_next_change(windows, last, at) if windows else None, _next_doubt(told, at)),
    )


def _latency(claims: Claims, series: Sequence[Window], trust: float) -> Value:
    """Return the mean of how soon and how fast it answers; whole answers stand in where no stream was measured."""
    declared = claims.performance
    first, speed = declared.time_to_first_token, declared.tokens_per_second
    soon = values.LATENCY_PRIOR if first is None else values.soon(first)
    fast = values.LATENCY_PRIOR if speed is None else values.fast(speed)
    base, basis = (soon + fast) / 2, _PRIOR if first is None and speed is None else _DECLARED
    soon_left = fast_left = 1.0
    for length, _, _, _, _, _, _, _, _, _, _, count, whole in series:
        if count:
            pull, done = _pull(length, count), values.done(whole)
            soon += (done - soon) * pull
            fast += (done - fast) * pull
            soon_left = fast_left = soon_left * (1 - pull)
    for length, _, _, _, _, _, _, first_count, first_wait, speed_count, tokens_per_second, _, _ in series:
        if first_count:
            pull = _pull(length, first_count)
            soon += (values.soon(first_wait) - soon) * pull
            soon_left *= 1 - pull
        if speed_count:
            pull = _pull(length, speed_count)
            fast += (values.fast(tokens_per_second) - fast) * pull
            fast_left *= 1 - pull
    return _trusted(base, (soon + fast) / 2, trust, basis, 1 - min(soon_left, fast_left))


def _reliability(claims: Claims, series: Sequence[Window], trust: float) -> Value:
    """Return the number of nines; part of it for what is known to be degraded."""
    declared = claims.performance.reliability
    base = values.RELIABILITY_PRIOR if declared is None else values.nines(declared)
    basis = _PRIOR if declared is None else _DECLARED
    value, left = base, 1.0
    for window in series:
        judged = window.judged
        if judged:
            pull = _pull(window.length, judged)
            value, left = (
                value + (values.nines(smoothed(claims, judged, window.failed)) - value) * pull,
                left * (1 - pull),
            )
    value, basis = _trusted(base, value, trust, basis, 1 - left)
    return (value * values.DEGRADED if claims.degraded else value), basis


def _load(claims: Claims, windows: Sequence[Window], told: Told | None, at: int) -> Value:
    """Return how idle it is, as far as anything is known that says it, less the share of refusals for too much load."""
    value, basis = values.idle(claims.state)
    heeded = told if claims.state in _HEEDED else None
    if heeded is not None:
        value, basis = _trusted(value, 1 - heeded.load, _confidence(at - heeded.time), basis, 1.0)
    busy = _busy(claims.limits, windows)
    if busy is not None:
        idle = 1 - min(1.0, busy)
        value, basis = idle if heeded is None else min(value, idle), _MEASURED
    for window in windows:
        if window.length == FIVE_MINUTES and window.limited:
            value *= 1 - window.limited / (max(window.attempts, window.limited) + ENOUGH)
            basis = _MEASURED if busy is not None else _MIXED
    return value, basis


def _confidence(age: float) -> float:
    """Return how much of a load counts that was told so long ago: all for a minute, then half."""
    return 1.0 if age < MINUTE else 0.5


def _next_doubt(told: Told | None, at: int) -> float | None:
    """Return the next moment at which a load counts for less."""
    return None if told is None else told.time + (MINUTE if at < told.time + MINUTE else FIVE_MINUTES)


def _sooner(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _busy(limits: RateLimits, windows: Sequence[Window]) -> float | None:
    """Return the share of the limits that the last minute took; None when none is declared or nothing was measured."""
    requests, tokens = limits.requests_per_minute, limits.tokens_per_minute
    if not windows or (requests is None and tokens is None):
        return None
    minute = windows[0] if windows[0].length == MINUTE else None
    asked, used = (minute.attempts, minute.tokens) if minute is not None else (0, 0)
    shares = []
    if requests is not None:
        shares.append(asked / max(1, requests))
    # Attempts whose tokens nobody knows are not attempts without tokens.
    if tokens is not None and (used or not asked):
        shares.append(used / max(1, tokens))
    return max(shares, default=None)


def _pull(length: float, count: float) -> float:
    """Return how far a window of a length draws a value towards what it shows: halfway when it has ENOUGH samples.

    The day draws half as far, for most of it is long ago.
    """
    share = count / (count + ENOUGH)
    return share / 2 if length == DAY else share


def _trusted(base: float, estimate: float, trust: float, basis: ScoreBasis, measured: float) -> Value:
    """Return the estimate, of which so much is *measured*, as far as it is fresh enough to be trusted."""
    weight = measured * trust
    if weight:
        basis = _MEASURED if weight >= _MOSTLY else _MIXED
    return base + (estimate - base) * trust, basis


def _freshness(age: float) -> float:
    """Return how much of what was measured counts: all until the last attempt is 5 minutes old, half until 10, a quarter until 20."""
    trust, limit = 1.0, FIVE_MINUTES
    while age >= limit:
        trust, limit = trust / 2, limit * 2
    return trust


def _next_change(windows: Sequence[Window], last: float, at: int) -> float:
    """Return the next moment at which time alone changes something."""
    step = FIVE_MINUTES
    while last + step <= at:
        step *= 2
    soonest = last + step
    if at < last + HALF_HOUR < soonest:
        soonest = last + HALF_HOUR
    for window in windows:
        passes = window[0] + window[1]
        soonest = min(soonest, passes)
    return soonest
