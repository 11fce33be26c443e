"""What Watch shows of itself: streams, how far they are behind, and how long changes take to reach them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from airegistry._rpc.counting import cumulated
from registry.rpc.propagation import BOUNDS
from registry.rpc.watches import Watches


class WatchMetrics(Collector):
    """What Watch shows. Only the slowest streams are shown one by one, by the numbers that the registry gave them."""

    def __init__(self, watches: Watches) -> None:
        self._watches = watches

    def collect(self) -> Iterator[Metric]:
        """Yield the families for the page."""
        watches = self._watches
        yield GaugeMetricFamily("airegistry_watch_streams", "Watch streams that are open.", len(watches.streams))
        yield from self._lags()
        yield CounterMetricFamily(
            "airegistry_watch_stalled", "Watch streams ended because their peer read nothing.", watches.streams.stalled
        )
        yield CounterMetricFamily(
            "airegistry_watch_resets", "New snapshots for streams that were too far behind.", watches.resets
        )
        propagation = HistogramMetricFamily(
            "airegistry_propagation_seconds",
            "From the commit of a revision until the carrier took it: each delivery, by the oldest revision in it.",
        )
        counted = list(cumulated(BOUNDS, watches.propagation.buckets))
        propagation.add_metric([], counted, watches.propagation.seconds)
        yield propagation

    def _lags(self) -> Iterator[Metric]:
        streams = self._watches.streams
        slowest = [(str(s.number), streams.lag(s), self._watches.lag_seconds(s)) for s in streams.slowest()]
        _, most, longest = slowest[0] if slowest else ("", 0, 0.0)
        yield GaugeMetricFamily("airegistry_watch_lag_revisions", "Revisions the slowest Watch is behind.", most)
        yield GaugeMetricFamily("airegistry_watch_lag_seconds", "Seconds the slowest Watch is behind.", longest)
        revisions = GaugeMetricFamily(
            "airegistry_watch_stream_lag_revisions", "Revisions behind, of the slowest streams.", labels=["stream"]
        )
        seconds = GaugeMetricFamily(
            "airegistry_watch_stream_lag_seconds", "Seconds behind, of the slowest streams.", labels=["stream"]
        )
        for number, behind, late in slowest:
            revisions.add_metric([number], behind)
            seconds.add_metric([number], late)
        yield revisions
        yield seconds
        classes = GaugeMetricFamily(
            "airegistry_watch_streams_behind", "Streams by how many revisions they are behind.", labels=["at_most"]
        )
        for end, count in streams.by_lag().items():
            classes.add_metric([end], count)
        yield classes
