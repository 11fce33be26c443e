"""What the registry shows of itself on /metrics, beside the calls it served."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from airegistry._rpc.metrics import Metrics
from registry.catalog import Catalog
from registry.plane_metrics import PlaneMetrics, StoreMetrics
from registry.probe_metrics import ProbeMetrics
from registry.probes.prober import Prober
from registry.rpc.watches import Watches
from registry.store.measured import Latencies
from registry.watch_metrics import WatchMetrics


def observe(metrics: Metrics, catalog: Catalog, watches: Watches, latencies: Latencies, prober: Prober | None) -> None:
    """Show the state of *catalog*, *watches* and the store at each scrape."""
    feed = catalog.feed
    metrics.gauge("airegistry_revision", "The revision that memory shows.", lambda: catalog.revision)
    metrics.gauges("airegistry_resources", "Resources by kind.", "kind", lambda: _by_kind(catalog))
    metrics.gauge("airegistry_feed_bytes", "Serialized bytes of the history.", lambda: feed.size)
    metrics.gauge("airegistry_feed_revisions", "Revisions in the history.", lambda: feed.newest - feed.oldest + 1)
    metrics.gauge("airegistry_writes_waiting", "Writes that wait for their turn.", lambda: len(catalog.writer))
    metrics.register(PlaneMetrics(catalog))
    metrics.register(StoreMetrics(latencies))
    if prober is not None:
        metrics.register(ProbeMetrics(prober.tally))
    metrics.register(WatchMetrics(watches))


def _by_kind(catalog: Catalog) -> Mapping[str, float]:
    counts = Counter(entry.kind for entry in catalog.entries.values())
    return {kind.name.lower(): count for kind, count in counts.items()}
