"""One number for what was measured, where one is wanted: in a filter, and beside what is declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airegistry.discovery.answers import ScoreFigure, ScoreFigureKind, ScorePartKind
from airegistry.discovery.evidence.case import NO_CASE, Case
from airegistry.discovery.evidence.measured import FIVE_MINUTES, HALF_HOUR, MINUTE, Window, time_of
from airegistry.discovery.rows import values
from airegistry.discovery.rows.claims import Claims
from airegistry.discovery.rows.row import NO_NUMBER, number

ENOUGH = 20
"""So many samples stand by themselves; with fewer, what was known before counts for more."""

Numbers = tuple[float, float, float, float]
"""Seconds to the first token, tokens per second, the share of successes, seconds to the end of a whole answer."""

Figures = Mapping[ScorePartKind, tuple[ScoreFigure, ...]]
"""What is shown, by the part of the score that rests on it."""

_JUDGED, _FIRST, _SPEED, _WHOLE = map(Window._fields.index, ("judged", "first_count", "speed_count", "whole_count"))
_SECOND = 1_000_000
_NO_FIGURES: Figures = {}


def smoothed(claims: Claims, judged: float, failed: float) -> float:
    """Return the share of successes, drawn to what is declared, else to the prior, as if by ENOUGH more attempts."""
    declared = claims.performance.reliability
    expected = values.PRIOR_SHARE if declared is None else declared
    return (ENOUGH * expected + judged - failed) / (ENOUGH + judged)


def numbers(claims: Claims, windows: Sequence[Window], *, stale: bool) -> Numbers:
    """Return what hard filters compare, with NaN for what is unknown.

    Measured is what has ENOUGH samples in one window, unless something is declared and the last attempt is *stale*: half an
    hour old.
    A share of successes is smoothed, so that a short lucky series does not pass.
    """
    said = claims.performance
    if not windows:
        return number(said.time_to_first_token), number(said.tokens_per_second), number(said.reliability), NO_NUMBER
    first, speed, share, whole = said.time_to_first_token, said.tokens_per_second, said.reliability, None
    # From the longest to the shortest, so that the shortest with ENOUGH stays.
    for window in reversed(windows):
        if window.length < FIVE_MINUTES:
            continue
        if window.whole_count >= ENOUGH:
            whole = window.whole
        if window.first_count >= ENOUGH and not (stale and said.time_to_first_token is not None):
            first = window.first
        if window.speed_count >= ENOUGH and not (stale and said.tokens_per_second is not None):
            speed = window.speed
        if window.length >= HALF_HOUR and window.judged >= ENOUGH and not (stale and said.reliability is not None):
            share = smoothed(claims, window.judged, window.failed)
    return number(first), number(speed), number(share), number(whole)


def figures(case: Case) -> Figures:
    """Return what is declared and what was measured side by side, by the part of the score that rests on it."""
    if case is NO_CASE:
        return _NO_FIGURES
    said, limits, windows = case.claims.performance, case.claims.limits, case.windows
    kinds = ScoreFigureKind
    latency = (
        _figure(kinds.TIME_TO_FIRST_TOKEN, said.time_to_first_token, windows, _FIRST),
        _figure(kinds.TOKENS_PER_SECOND, said.tokens_per_second, windows, _SPEED),
        _figure(kinds.DURATION, None, windows, _WHOLE),
    )
    reliability = (_share_figure(said.reliability, windows),)
    load = (
        _minute_figure(kinds.REQUESTS_PER_MINUTE, limits.requests_per_minute, windows, "attempts"),
        _minute_figure(kinds.TOKENS_PER_MINUTE, limits.tokens_per_minute, windows, "tokens"),
        _limited_figure(windows),
        _told_figure(case),
    )
    parts = {ScorePartKind.LATENCY: latency, ScorePartKind.RELIABILITY: reliability, ScorePartKind.LOAD: load}
    return {kind: tuple(figure for figure in of_part if figure is not None) for kind, of_part in parts.items()}


def window_for(windows: Sequence[Window], place: int) -> Window | None:
    """Return the shortest window with ENOUGH samples, else the longest with any; *place* is where their count stands.

    Windows of less than five minutes say too little; of less than half an hour too little of reliability.
    """
    least = HALF_HOUR if place == _JUDGED else FIVE_MINUTES
    found = None
    for window in windows:
        if window[place] and window.length >= least:
            found = window
            if window[place] >= ENOUGH:
                break
    return found


def _figure(kind: ScoreFigureKind, declared: float | None, windows: Sequence[Window], place: int) -> ScoreFigure | None:
    window = window_for(windows, place)
    if window is None:
        return None if declared is None else ScoreFigure(kind, declared)
    return _measured(kind, declared, window, window[place + 1], window[place])


def _share_figure(declared: float | None, windows: Sequence[Window]) -> ScoreFigure | None:
    kind, window = ScoreFigureKind.SUCCESS_SHARE, window_for(windows, _JUDGED)
    if window is None:
        return None if declared is None else ScoreFigure(kind, declared)
    return _measured(kind, declared, window, 1 - window.failed / window.judged, window.judged)


def _minute_figure(
    kind: ScoreFigureKind, limit: int | None, windows: Sequence[Window], counted: str
) -> ScoreFigure | None:
    if limit is None:
        return None
    minute = next((window for window in windows if window.length == MINUTE), None)
    if minute is None:
        return ScoreFigure(kind, limit)
    return _measured(kind, limit, minute, getattr(minute, counted), minute.attempts)


def _limited_figure(windows: Sequence[Window]) -> ScoreFigure | None:
    window = next((window for window in windows if window.length == FIVE_MINUTES and window.limited), None)
    if window is None:
        return None
    share = window.limited / max(window.attempts, window.limited)
    return _measured(ScoreFigureKind.RATE_LIMITED_SHARE, None, window, share, window.attempts)


def _told_figure(case: Case) -> ScoreFigure | None:
    told = case.told
    if told is None:
        return None
    return ScoreFigure(ScoreFigureKind.LOAD, measured=told.load, last_time=time_of(told.time))


def _measured(
    kind: ScoreFigureKind, declared: float | None, window: Window, value: float, samples: float
) -> ScoreFigure:
    return ScoreFigure(kind, declared, value, int(samples), window.length / _SECOND, time_of(window.last))
