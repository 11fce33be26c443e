"""What the gateway shows of itself on /metrics, beside the calls it served."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping

from airegistry._rpc.metrics import Metrics
from airegistry.cache import Cache
from airegistry.invocations.invocation import Attempt, Settlement
from airegistry.invocations.usage import Usage
from airegistry.invoke import Engine
from airegistry.routing.target import Target

_MAX_NAMES = 500
_OTHER = "other"
_TOKENS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "input_image_tokens",
    "output_image_tokens",
)


class InvocationMetrics:
    """Counts attempts and what they used, as the engine tells of them."""

    def __init__(self, metrics: Metrics) -> None:
        meter = metrics.meter
        self._names: set[str] = set()
        self._attempts = meter.create_counter("airegistry_attempts", "", "Attempts by target and error class.")
        self._tokens = meter.create_counter("airegistry_tokens", "", "Tokens by provider and kind.")
        self._cost = meter.create_counter("airegistry_cost_usd", "", "What calls cost, by how sure that is.")
        self._calls = meter.create_counter("airegistry_invocations", "", "Calls that reached a target, by outcome.")
        self._arms = meter.create_counter(
            "airegistry_split_calls", "", "Calls by route, arm of its split, and outcome."
        )
        self._first_token = meter.create_histogram(
            "airegistry_time_to_first_token_seconds",
            "",
            "From the arrival of a call to its first token, by provider.",
            explicit_bucket_boundaries_advisory=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
        )

    def attempt_ended(self, target: Target, attempt: Attempt) -> None:
        """Count an attempt and its tokens."""
        outcome = attempt.outcome.name.lower() if attempt.outcome is not None else ""
        error_class = attempt.error_class.name.lower() if attempt.error_class is not None else ""
        labels = {"target": self._bounded(target.name), "outcome": outcome, "error_class": error_class}
        self._attempts.add(1, labels)
        if attempt.usage is not None:
            self._count_tokens(attempt.usage, target.endpoint.provider)

    def call_ended(self, settlement: Settlement, *, answered: bool) -> None:
        """Count a call, its cost and its first token."""
        self._calls.add(1, {"answered": str(answered).lower()})
        if settlement.split_arm:
            route, _, arm = self._bounded(f"{settlement.route} {settlement.split_arm}").partition(" ")
            self._arms.add(1, {"route": route, "arm": arm, "answered": str(answered).lower()})
        cost = settlement.cost
        if cost is not None and cost.state is not None:
            self._cost.add((cost.nanos or 0) / 1e9, {"state": cost.state.name.lower()})
        if settlement.time_to_first_token is not None:
            self._first_token.record(settlement.time_to_first_token, {"provider": settlement.provider})

    def _count_tokens(self, usage: Usage, provider: str) -> None:
        for kind in _TOKENS:
            count = getattr(usage, kind)
            if count:
                self._tokens.add(count, {"provider": provider, "kind": kind.removesuffix("_tokens")})

    def _bounded(self, name: str) -> str:
        """Keep the number of series bounded, however many endpoints come and go."""
        if name not in self._names:
            if len(self._names) >= _MAX_NAMES:
                return _OTHER
            self._names.add(name)
        return name


def observe(metrics: Metrics, engine: Engine, cache: Cache) -> None:
    """Show the state of the engine and of its view of the registry at each scrape."""
    metrics.gauge("airegistry_calls_running", "Calls that run now.", lambda: engine.admission.running)
    metrics.gauge("airegistry_calls_waiting", "Calls that wait for room.", lambda: engine.admission.waiting)
    metrics.gauge("airegistry_tasks", "Tasks of the event loop.", lambda: len(asyncio.all_tasks()))
    metrics.gauge("airegistry_loop_lag_seconds", "How late the event loop is.", lambda: engine.lag.seconds)
    metrics.gauges("airegistry_breakers", "Endpoints by breaker state.", "state", lambda: _breakers(engine))
    metrics.gauge("airegistry_revision", "The registry revision that calls are routed by.", lambda: cache.revision)
    metrics.gauge("airegistry_resources", "Resources in the view.", lambda: len(cache))
    metrics.gauge("airegistry_view_stale", "1 while the view is stale.", lambda: cache.stale(time.monotonic()))
    metrics.gauge(
        "airegistry_view_silence_seconds", "For how long nothing was heard of the registry.", lambda: _silence(cache)
    )


def _breakers(engine: Engine) -> Mapping[str, float]:
    return Counter(state.value for state in engine.breakers.states().values())


def _silence(cache: Cache) -> float:
    silence = cache.silence(time.monotonic())
    return float("inf") if silence is None else silence
