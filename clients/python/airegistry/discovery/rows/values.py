"""How good a candidate is in each part of a score, in [0, 1]; the formulas of `docs/discovery.md`.

A value depends on the candidate alone, never on who else is there, so it is computed once per change. What is unknown
gets a stated prior below the middle of what is usually declared: unknown is neither cheap, nor fast, nor free.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from airegistry.discovery.answers import ScoreBasis
from airegistry.resources.endpoint import DeclaredPerformance
from airegistry.resources.model import Benchmark
from airegistry.resources.resource import AgentState

Value = tuple[float, ScoreBasis]
"""How good, and what that rests on."""

COST_PRIOR = 0.2
LATENCY_PRIOR = 0.4
RELIABILITY_PRIOR = 0.4
QUALITY_PRIOR = 0.4
LOAD_PRIOR = 0.5

HALF_PRICE = 1_000_000_000
"""Nano-USD per 1,000,000 tokens that have a cost value of 0.5."""

_HALF_TIME_TO_FIRST_TOKEN = 0.5
_HALF_TOKENS_PER_SECOND = 50.0
_NINES = 4.0
_DEGRADED = 0.5
_PRIOR_BENCHMARKS = 2
_FULL_SCORE = 100.0
_STATE_LOAD = {AgentState.AVAILABLE: 0.75, AgentState.BUSY: 0.0, AgentState.DRAINING: 0.0}


def latency(declared: DeclaredPerformance | None) -> Value:
    """Return the mean of how soon and how fast it answers; the prior stands in for one that is unknown."""
    first, speed = (declared.time_to_first_token, declared.tokens_per_second) if declared else (None, None)
    if first is None and speed is None:
        return LATENCY_PRIOR, ScoreBasis.PRIOR
    soon = LATENCY_PRIOR if first is None else _HALF_TIME_TO_FIRST_TOKEN / (_HALF_TIME_TO_FIRST_TOKEN + first)
    fast = LATENCY_PRIOR if speed is None else speed / (speed + _HALF_TOKENS_PER_SECOND)
    return (soon + fast) / 2, ScoreBasis.DECLARED


def reliability(declared: DeclaredPerformance | None, *, degraded: bool) -> Value:
    """Return the number of nines, four of them being perfect; half of it for what is known to be degraded."""
    share = declared.reliability if declared else None
    if share is None:
        value, basis = RELIABILITY_PRIOR, ScoreBasis.PRIOR
    else:
        value, basis = _nines(share) / _NINES, ScoreBasis.DECLARED
    return (value * _DEGRADED if degraded else value), basis


def quality(benchmarks: Iterable[Benchmark]) -> Value:
    """Return the mean share of the best score possible, drawn to the prior as if by two more benchmarks."""
    shares = [_clip(benchmark.score / (benchmark.max_score or _FULL_SCORE)) for benchmark in benchmarks]
    if not shares:
        return QUALITY_PRIOR, ScoreBasis.PRIOR
    weight = len(shares) + _PRIOR_BENCHMARKS
    return (math.fsum(shares) + _PRIOR_BENCHMARKS * QUALITY_PRIOR) / weight, ScoreBasis.DECLARED


def load(state: AgentState | None) -> Value:
    """Return how idle an agent says it is."""
    if state is None:
        return LOAD_PRIOR, ScoreBasis.PRIOR
    return _STATE_LOAD[state], ScoreBasis.DECLARED


def _nines(share: float) -> float:
    return _NINES if share >= 1 else min(_NINES, abs(math.log10(1 - share)))


def _clip(share: float) -> float:
    return min(1.0, max(0.0, share))
