"""AnalyticsService as data: which handler answers which method."""

from __future__ import annotations

from types import SimpleNamespace

from google.protobuf import descriptor_pool

from airegistry._rpc.service import Service, service
from airegistry.v1 import analytics_service_pb2
from registry.rpc.analytics import Analytics
from registry.rpc.performance_watches import PerformanceWatches
from registry.rpc.reports import Reports

NAME = analytics_service_pb2.DESCRIPTOR.services_by_name["AnalyticsService"].full_name


def analytics_service(reports: Reports, analytics: Analytics, watches: PerformanceWatches) -> Service:
    """Serve what was measured."""
    handlers = SimpleNamespace(
        report_usage=reports.report,
        get_performance=analytics.get_performance,
        watch_performance=watches.watch,
        get_stats=analytics.get_stats,
    )
    return service(descriptor_pool.Default().FindServiceByName(NAME), handlers, raw={"ReportUsage"})
