"""What the registry shows of what was measured: reports, epochs, windows, watchers."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from airegistry.observations.observation import RejectionReason
from registry.rpc.measuring import Measuring


class ObservationMetrics(Collector):
    """What was reported to this replica, and what it shows."""

    def __init__(self, measuring: Measuring) -> None:
        self._measuring = measuring

    def collect(self) -> Iterator[Metric]:
        """Yield the families for the page."""
        tally, intake = self._measuring.reports.tally, self._measuring.intake
        observations = self._measuring.observations
        yield CounterMetricFamily("airegistry_observations", "Observations that were counted here.", tally.counted)
        rejected = CounterMetricFamily(
            "airegistry_observations_rejected", "Observations that were not counted, by reason.", labels=["reason"]
        )
        for reason in RejectionReason:
            rejected.add_metric([reason.name.lower()], tally.rejected[reason])
        yield rejected
        yield CounterMetricFamily(
            "airegistry_observations_dropped", "Observations that reporters said they dropped.", tally.dropped
        )
        yield CounterMetricFamily("airegistry_reports_replayed", "Reports that were counted before.", tally.replayed)
        yield CounterMetricFamily(
            "airegistry_reports_clashed", "Groups of reports of which another replica counted one.", intake.clashes
        )
        yield GaugeMetricFamily("airegistry_observations_waiting", "Observations to be counted.", intake.waiting)
        yield GaugeMetricFamily("airegistry_reporters", "Reporters that are remembered.", len(intake.reporters))
        yield GaugeMetricFamily("airegistry_observation_epoch", "The observation epoch shown.", observations.epoch)
        yield GaugeMetricFamily("airegistry_measured", "Targets of which something is known.", observations.measured)
        yield GaugeMetricFamily(
            "airegistry_observation_counters", "Counters held of what was measured.", observations.entries
        )
        watches = self._measuring.watches
        yield GaugeMetricFamily("airegistry_performance_watches", "WatchPerformance streams open.", len(watches))
        yield CounterMetricFamily(
            "airegistry_performance_watches_stalled", "WatchPerformance streams nobody read.", watches.stalled
        )
