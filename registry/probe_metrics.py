"""What the prober shows of itself."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from registry.probes.tally import Tally


class ProbeMetrics(Collector):
    """Probes by outcome, and what this replica believes of the endpoints that it probes."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def collect(self) -> Iterator[Metric]:
        """Yield the families for the page."""
        done = CounterMetricFamily("airegistry_probes", "Probes that were done, by outcome.", labels=["outcome"])
        for outcome, count in self._tally.done.items():
            done.add_metric([outcome], count)
        yield done
        yield GaugeMetricFamily("airegistry_probes_running", "Probes that run now.", self._tally.running)
        believed = GaugeMetricFamily(
            "airegistry_probed_endpoints", "Endpoints that this replica probes, by what it believes.", labels=["health"]
        )
        for health, endpoints in self._tally.by_health().items():
            believed.add_metric([health], endpoints)
        yield believed
        yield GaugeMetricFamily(
            "airegistry_probes_unbelieved",
            "Whether so many addresses fail at once that probes call nothing down.",
            float(self._tally.guarding()),
        )
