"""Registries that take reports in the way that a test tells them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from google.protobuf import descriptor_pool

from airegistry._convert import from_pb
from airegistry._rpc.metrics import CallMetrics
from airegistry._rpc.service import service
from airegistry._rpc.serving import open_server
from airegistry.observations.observation import Observation
from airegistry.v1 import analytics_service_pb2 as pb
from tests.ports import free_address

SERVICE = "airegistry.v1.AnalyticsService"
Answer = Callable[["Reports"], Awaitable[None]]


class Reports:
    """Batches as they come; each takes the next behaviour, which may raise, and the last one stays."""

    def __init__(self, *behaviours: Answer) -> None:
        self._behaviours = list(behaviours)
        self.address = ""
        self.requests: list[pb.ReportUsageRequest] = []

    async def report_usage(self, request: pb.ReportUsageRequest, _call: Any) -> pb.ReportUsageResponse:
        self.requests.append(request)
        behaviour = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
        await behaviour(self)
        return pb.ReportUsageResponse(counted=len(request.observations))

    def behave(self, *behaviours: Answer) -> None:
        self._behaviours = list(behaviours)

    @property
    def observations(self) -> list[Observation]:
        """Return the observations of each batch, whichever was sent again only once."""
        batches = {request.batch_number: request.observations for request in self.requests}
        return [from_pb(Observation, each, strict=True) for _, batch in sorted(batches.items()) for each in batch]


async def taken(_reports: Reports) -> None:
    """Count it."""


def refused(error: Exception) -> Answer:
    async def behave(_reports: Reports) -> None:
        raise error

    return behave


@asynccontextmanager
async def taking(*behaviours: Answer, address: str = "") -> AsyncIterator[Reports]:
    """Run a server that knows nothing but reports, on a free port where none is given."""
    reports = Reports(*behaviours or (taken,))
    handlers = service(descriptor_pool.Default().FindServiceByName(SERVICE), reports)
    server = await open_server([handlers], address or free_address(), CallMetrics())
    reports.address = server.address
    try:
        yield reports
    finally:
        await server.close(0.0)
