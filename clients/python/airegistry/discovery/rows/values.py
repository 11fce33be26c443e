"""How good a candidate is in each part of a score, in [0, 1]; the formulas of `docs/discovery.md`.

A value depends on the candidate alone, never on who else is there, so it is computed once per change. What is unknown
gets a stated prior below the middle of what is usually declared: unknown is neither cheap, nor fast, nor free.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from airegistry.discovery.answers import ScoreBasis
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

DEGRADED = 0.5
"""What is left of the reliability of one that is known to be degraded."""

_HALF_TIME_TO_FIRST_TOKEN = 0.5
_HALF_DURATION = 5.0
_HALF_TOKENS_PER_SECOND = 50.0
_NINES = 4.0
_PRIOR_BENCHMARKS = 2
_FULL_SCORE = 100.0
_STATE_LOAD = {AgentState.AVAILABLE: 0.75, AgentState.BUSY: 0.0, AgentState.DRAINING: 0.0}

PRIOR_SHARE = 1 - 10 ** (-_NINES * RELIABILITY_PRIOR)
"""The share of successes that has RELIABILITY_PRIOR as its value: 0.975."""


def soon(time_to_first_token: float) -> float:
    """Return how good it is to wait so many seconds for the first token."""
    return _HALF_TIME_TO_FIRST_TOKEN / (_HALF_TIME_TO_FIRST_TOKEN + time_to_first_token)


def fast(tokens_per_second: float) -> float:
    """Return how good a speed is."""
    return tokens_per_second / (tokens_per_second + _HALF_TOKENS_PER_SECOND)


def done(duration: float) -> float:
    """Return how good it is to wait so many seconds for a whole answer."""
    return _HALF_DURATION / (_HALF_DURATION + duration)


def nines(share: float) -> float:
    """Return how good a share of successes is: its number of nines, four of them being perfect."""
    return 1.0 if share >= 1 else min(_NINES, abs(math.log10(1 - share))) / _NINES


def quality(benchmarks: Iterable[Benchmark]) -> Value:
    """Return the mean share of the best score possible, drawn to the prior as if by two more benchmarks."""
    shares = [_clip(benchmark.score / (benchmark.max_score or _FULL_SCORE)) for benchmark in benchmarks]
    if not shares:
        return QUALITY_PRIOR, ScoreBasis.PRIOR
    weight = len(shares) + _PRIOR_BENCHMARKS
    return (math.fsum(shares) + _PRIOR_BENCHMARKS * QUALITY_PRIOR) / weight, ScoreBasis.DECLARED


def idle(state: AgentState | None) -> Value:
    """Return how idle an agent is by the state that it tells; nobody else tells one."""
    return (LOAD_PRIOR, ScoreBasis.PRIOR) if state is None else (_STATE_LOAD[state], ScoreBasis.DECLARED)


def _clip(share: float) -> float:
    return min(1.0, max(0.0, share))
