"""What the gateway shows of itself on /metrics, beside the calls it served."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from airegistry._rpc.counting import Counts, Durations
from airegistry._rpc.metrics import Metrics
from airegistry.cache import Cache
from airegistry.invocations.invocation import Attempt, AttemptOutcome, Settlement
from airegistry.invocations.usage import CostState, Usage
from airegistry.invoke import Engine
from airegistry.invoke.observer import Circumstances
from airegistry.resources.route import ErrorClass
from airegistry.routing.target import Target

_MAX_NAMES = 500
_OTHER = "other"
_KINDS = ("input", "cache_read", "cache_write", "output", "reasoning", "input_image", "output_image")
_counts = attrgetter(*(f"{kind}_tokens" for kind in _KINDS))
# Looked up: the name of a member of an enumeration takes longer than counting does.
_OUTCOMES: Mapping[AttemptOutcome | None, str] = {None: "", **{each: each.name.lower() for each in AttemptOutcome}}
_ERROR_CLASSES: Mapping[ErrorClass | None, str] = {None: "", **{each: each.name.lower() for each in ErrorClass}}
_COST_STATES: Mapping[CostState, str] = {each: each.name.lower() for each in CostState}
_FIRST_TOKEN_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class InvocationMetrics(Collector):
    """Counts attempts and what they used, as the engine tells of them."""

    def __init__(self, metrics: Metrics) -> None:
        self._names: set[str] = set()
        self._attempts = Counts(
            "airegistry_attempts", "Attempts by target and error class.", "error_class", "outcome", "target"
        )
        self._tokens = Counts("airegistry_tokens", "Tokens by provider and kind.", "kind", "provider")
        self._cost = Counts("airegistry_cost_usd", "What calls cost, by how sure that is.", "state")
        self._calls = Counts("airegistry_invocations", "Calls that reached a target, by outcome.", "answered")
        self._arms = Counts(
            "airegistry_split_calls", "Calls by route, arm of its split, and outcome.", "answered", "arm", "route"
        )
        self._first_token = Durations(
            "airegistry_time_to_first_token_seconds",
            "From the arrival of a call to its first token, by provider.",
            _FIRST_TOKEN_BOUNDS,
            "provider",
        )
        metrics.register(self)

    def attempt_ended(self, target: Target, attempt: Attempt, _circumstances: Circumstances) -> None:
        """Count an attempt and its tokens."""
        outcome, error_class = _OUTCOMES[attempt.outcome], _ERROR_CLASSES[attempt.error_class]
        self._attempts.add(1, error_class, outcome, self._bounded(target.name))
        if attempt.usage is not None:
            self._count_tokens(attempt.usage, target.endpoint.provider)

    def call_ended(self, settlement: Settlement, *, answered: bool) -> None:
        """Count a call, its cost and its first token."""
        known = "true" if answered else "false"
        self._calls.add(1, known)
        if settlement.split_arm:
            route, _, arm = self._bounded(f"{settlement.route} {settlement.split_arm}").partition(" ")
            self._arms.add(1, known, arm, route)
        cost = settlement.cost
        if cost is not None and cost.state is not None:
            self._cost.add((cost.nanos or 0) / 1e9, _COST_STATES[cost.state])
        if settlement.time_to_first_token is not None:
            self._first_token.add(settlement.time_to_first_token, self._bounded(settlement.provider))

    def collect(self) -> Iterator[Metric]:
        """Yield the families for the page."""
        for counted in (self._attempts, self._tokens, self._cost, self._calls, self._arms, self._first_token):
            yield counted.family()

    def _count_tokens(self, usage: Usage, provider: str) -> None:
        counted = [(kind, count) for kind, count in zip(_KINDS, _counts(usage), strict=True) if count]
        if counted:
            provider = self._bounded(provider)
            for kind, count in counted:
                self._tokens.add(count, kind, provider)

    def _bounded(self, name: str) -> str:
        """Keep the number of series bounded, however many endpoints come and go."""
        if name not in self._names:
            if len(self._names) >= _MAX_NAMES:
                return _OTHER
            self._names.add(name)
        return name


def observe(metrics: Metrics, engine: Engine, cache: Cache, now: Callable[[], float]) -> None:
    """Show the state of the engine and of its view of the registry at each scrape. *now* is the clock by which the view is fed."""
    metrics.gauge("airegistry_calls_running", "Calls that run now.", lambda: engine.admission.running)
    metrics.gauge("airegistry_calls_waiting", "Calls that wait for room.", lambda: engine.admission.waiting)
    metrics.gauge("airegistry_tasks", "Tasks of the event loop.", lambda: len(asyncio.all_tasks()))
    metrics.gauge("airegistry_loop_lag_seconds", "How late the event loop is.", lambda: engine.lag.seconds)
    metrics.gauges("airegistry_breakers", "Endpoints by breaker state.", "state", lambda: _breakers(engine))
    metrics.gauge("airegistry_revision", "The registry revision that calls are routed by.", lambda: cache.revision)
    metrics.gauge(
        "airegistry_observation_epoch",
        "The registry's observations that calls are routed by.",
        lambda: cache.index.observation_epoch,
    )
    metrics.gauge("airegistry_resources", "Resources in the view.", lambda: len(cache))
    metrics.gauge("airegistry_view_stale", "1 while the view is stale.", lambda: cache.stale(now()))
    metrics.gauge(
        "airegistry_view_silence_seconds",
        "For how long nothing was heard of the registry.",
        lambda: _silence(cache, now()),
    )


def _breakers(engine: Engine) -> Mapping[str, float]:
    return Counter(state.value for state in engine.breakers.states().values())


def _silence(cache: Cache, at: float) -> float:
    silence = cache.silence(at)
    return float("inf") if silence is None else silence
