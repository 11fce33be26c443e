"""What the plane shows of its own health: the store, the log that replicas follow, leases and compaction."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from airegistry._rpc.counting import cumulated
from registry.catalog import Catalog
from registry.store.measured import BOUNDS, Latencies


class StoreMetrics(Collector):
    """How long the store takes, by operation."""

    def __init__(self, latencies: Latencies) -> None:
        self._latencies = latencies

    def collect(self) -> Iterator[Metric]:
        """Yield the families for the page."""
        seconds = HistogramMetricFamily(
            "airegistry_store_seconds", "How long the store took, waits included.", labels=["operation"]
        )
        failures = CounterMetricFamily(
            "airegistry_store_failures", "What the store could not do: unreachable, or too late.", labels=["operation"]
        )
        for operation, buckets in self._latencies.buckets.items():
            seconds.add_metric([operation], list(cumulated(BOUNDS, buckets)), self._latencies.seconds[operation])
            failures.add_metric([operation], self._latencies.failures[operation])
        yield seconds
        yield failures


class PlaneMetrics(Collector):
    """How this replica keeps up, and what it knows of leases while it is the one that sweeps."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def collect(self) -> Iterator[Metric]:
        """Yield the families for the page."""
        tail, due = self._catalog.tail, self._catalog.due
        yield CounterMetricFamily(
            "airegistry_feed_gap",
            "Revisions that the log should have had and did not. Never anything but 0.",
            tail.gaps,
        )
        yield CounterMetricFamily(
            "airegistry_feed_reloads",
            "How often this replica read everything anew, because it was too far behind.",
            tail.reloads,
        )
        yield CounterMetricFamily(
            "airegistry_write_conflicts",
            "Groups of writes decided anew because another replica changed what they were about.",
            self._catalog.writer.conflicts,
        )
        yield GaugeMetricFamily(
            "airegistry_feed_floor", "The revision up to which the history is compacted.", self._catalog.feed.oldest - 1
        )
        yield GaugeMetricFamily(
            "airegistry_sweeping", "Whether this replica looks after the leases.", float(self._catalog.sweeping)
        )
        # All 0 where another replica sweeps, so that the sum over replicas is right.
        yield GaugeMetricFamily("airegistry_leases", "Leases that are held.", due.total)
        yield GaugeMetricFamily(
            "airegistry_leases_overdue", "Leases not renewed within their time to live.", due.overdue
        )
        yield GaugeMetricFamily(
            "airegistry_lease_overdue_seconds", "For how long the most overdue step of a lease has been due.", due.late
        )
        yield GaugeMetricFamily(
            "airegistry_leases_preserving",
            "Whether so many leases are overdue that none of them ends.",
            float(due.preserving),
        )
