"""What the gateway shows of its log of decisions."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from airegistry.invoke.selection import Journal


class JournalMetrics(Collector):
    """Lines by what became of them."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def collect(self) -> Iterator[Metric]:
        """Yield the families for the page."""
        yield CounterMetricFamily(
            "airegistry_decisions_logged", "Lines of the log of learned decisions.", self._journal.written
        )
        yield CounterMetricFamily(
            "airegistry_decisions_dropped",
            "Lines of the log of learned decisions that could not be written.",
            self._journal.dropped,
        )
