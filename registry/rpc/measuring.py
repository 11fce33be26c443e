"""All that a registry has for what was measured, put together by the application."""

from __future__ import annotations

from dataclasses import dataclass

from registry.observations.heard import Heard
from registry.observations.intake import Intake
from registry.observations.observations import Observations
from registry.rpc.analytics import Analytics
from registry.rpc.performance_watches import PerformanceWatches
from registry.rpc.reports import Reports


@dataclass(frozen=True, slots=True)
class Measuring:
    """What is known, what is taken in, and the handlers in front of it."""

    observations: Observations
    intake: Intake
    heard: Heard
    reports: Reports
    analytics: Analytics
    watches: PerformanceWatches
