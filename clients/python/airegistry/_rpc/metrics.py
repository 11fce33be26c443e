"""Metrics of a server: one Prometheus page, the OpenTelemetry meter behind it, and the calls that it served."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from airegistry._rpc.counting import Durations

CONTENT_TYPE = CONTENT_TYPE_LATEST

_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The metrics of one program; several can live in one process."""

    def __init__(self, scope: str) -> None:
        self._page = CollectorRegistry()
        reader = PrometheusMetricReader(disable_target_info=True, scope_info_enabled=False, registry=self._page)
        self._provider = MeterProvider(metric_readers=[reader], shutdown_on_exit=False)
        self.meter: Meter = self._provider.get_meter(scope)
        self.calls = CallMetrics()
        self._page.register(self.calls)

    def gauge(self, name: str, description: str, read: Callable[[], float], unit: str = "") -> None:
        """Show what *read* returns at the time of each scrape."""
        self.meter.create_observable_gauge(name, [lambda _options: [Observation(read())]], unit, description)

    def gauges(self, name: str, description: str, label: str, read: Callable[[], Mapping[str, float]]) -> None:
        """Show one value per label value."""

        def observe(_options: CallbackOptions) -> Iterable[Observation]:
            return [Observation(value, {label: key}) for key, value in read().items()]

        self.meter.create_observable_gauge(name, [observe], "", description)

    def register(self, collector: Collector) -> None:
        """Show what *collector* yields at each scrape."""
        self._page.register(collector)

    def render(self) -> bytes:
        """Return the page in Prometheus' text format."""
        return generate_latest(self._page)

    def close(self) -> None:
        """Stop collecting."""
        self._provider.shutdown()


class CallMetrics(Collector):
    """Counts calls by method and status code, with their latencies. Every call passes here twice."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()
        self._durations = Durations(
            "airegistry_rpc_duration_seconds", "How long calls took, streams included.", _BOUNDS, "method", "code"
        )

    def call_started(self, method: str) -> None:
        """Note that a call began."""
        self._running[method] += 1

    def call_ended(self, method: str, code: str, seconds: float) -> None:
        """Note that a call ended with a status code, by name."""
        self._running[method] -= 1
        self._durations.add(seconds, method, code)

    def running(self, method: str) -> int:
        """Return how many calls of *method* run now."""
        return self._running[method]

    def collect(self) -> Iterator[Metric]:
        """Yield the families for the page."""
        running = GaugeMetricFamily("airegistry_rpc_running", "Calls that run now.", labels=["method"])
        for method, count in self._running.items():
            running.add_metric([method], count)
        yield running
        yield self._durations.family()
