"""What the gateway shows of its reports to the registry."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from airegistry.reporting import Reporter


class ReportingMetrics(Collector):
    """Observations by what became of them."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def collect(self) -> Iterator[Metric]:
        """Yield the families for the page."""
        yield CounterMetricFamily(
            "airegistry_observations_reported", "Attempts that the registry counted.", self._reporter.reported
        )
        rejected = CounterMetricFamily(
            "airegistry_observations_rejected", "Attempts that the registry did not count.", labels=["reason"]
        )
        for reason, count in self._reporter.rejected.items():
            rejected.add_metric([reason.name.lower()], count)
        yield rejected
        yield CounterMetricFamily(
            "airegistry_observations_dropped",
            "Attempts that could not be kept until the registry took them, or that it refused.",
            self._reporter.dropped,
        )
        yield GaugeMetricFamily(
            "airegistry_observations_waiting",
            "Attempts that the registry has not acknowledged.",
            self._reporter.waiting,
        )
