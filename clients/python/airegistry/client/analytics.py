"""The client of AnalyticsService, which the registry serves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

import grpc

from airegistry._convert import duration_to_pb, from_pb, to_pb
from airegistry._rpc.channel import answered, answers, open_channel
from airegistry.backoff import Backoff
from airegistry.client.performances import Lane, PerformanceUpdate, follow_performance
from airegistry.observations.observation import Observation, ReportUsageResponse
from airegistry.observations.performance import GetPerformanceResponse, Performance, WatchPerformanceResponse
from airegistry.v1 import analytics_service_pb2 as pb
from airegistry.v1 import observation_pb2
from airegistry.v1.analytics_service_pb2_grpc import AnalyticsServiceStub

if TYPE_CHECKING:
    # It exists in the stub file only.
    from airegistry.v1.analytics_service_pb2_grpc import AnalyticsServiceAsyncStub

REGISTRY_ADDRESS = "127.0.0.1:50051"
TIMEOUT = 30.0
"""Seconds that a call may take unless the client was made with another timeout."""

_AT_ONCE = 25


class AnalyticsClient:
    """Reports and reads what was measured of endpoints and agents. `RegistryClient` can do it, too, over its connection.

    Every call raises `airegistry.errors.RegistryError` and may take *timeout* seconds.
    """

    def __init__(
        self,
        address: str = REGISTRY_ADDRESS,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self._registry = open_channel(address, credentials)
        self._analytics_stub: AnalyticsServiceAsyncStub = AnalyticsServiceStub(self._registry)
        self._registry_timeout = timeout

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End all calls and the connection."""
        await self._registry.close(None)

    async def report_usage(
        self, observations: Sequence[Observation], *, reporter_id: str, batch_number: int, dropped_count: int = 0
    ) -> ReportUsageResponse:
        """Report one batch of up to 2,000 observations; sent again with the same number, it counts once.

        `Reporter` does this for an engine.
        """
        request = pb.ReportUsageRequest(reporter_id=reporter_id, batch_number=batch_number, dropped_count=dropped_count)
        for start in range(0, len(observations), _AT_ONCE):
            part = observations[start : start + _AT_ONCE]
            request.observations.extend(to_pb(each, observation_pb2.Observation) for each in part)
            # Whoever reports has calls under way, which must not wait for a whole batch.
            await asyncio.sleep(0)
        response = await answered(self._analytics_stub.ReportUsage(request, timeout=self._registry_timeout))
        return from_pb(ReportUsageResponse, response)

    async def get_performance(self, names: Iterable[str]) -> GetPerformanceResponse:
        """Return what was measured of up to 1,000 endpoints and agents, in the order of their names."""
        request = pb.GetPerformanceRequest(names=names)
        response = await answered(self._analytics_stub.GetPerformance(request, timeout=self._registry_timeout))
        return from_pb(GetPerformanceResponse, response)

    def watch_performance(
        self, name_prefix: str = "", *, bookmark_interval: float | None = None
    ) -> AsyncGenerator[PerformanceUpdate, None]:
        """Iterate over what was measured and what changes of it, over restarts and cuts; the first update has everything."""
        lane = Lane(name_prefix, bookmark_interval)
        return follow_performance(self.watch_performance_once, lane, Backoff())

    async def watch_performance_once(self, lane: Lane) -> AsyncGenerator[WatchPerformanceResponse, None]:
        """Iterate over the messages of one stream as they come, until it ends or breaks."""
        interval = None if lane.bookmark_interval is None else duration_to_pb(lane.bookmark_interval)
        request = pb.WatchPerformanceRequest(name_prefix=lane.name_prefix, bookmark_interval=interval)
        async with aclosing(answers(self._analytics_stub.WatchPerformance(request))) as responses:
            async for response in responses:
                performances: list[Performance] = []
                for start in range(0, len(response.performances), _AT_ONCE):
                    part = response.performances[start : start + _AT_ONCE]
                    performances.extend(from_pb(Performance, each) for each in part)
                    # As above: a message has hundreds of names, and each takes a tenth of a millisecond.
                    await asyncio.sleep(0)
                del response.performances[:]
                yield replace(from_pb(WatchPerformanceResponse, response), performances=tuple(performances))

    async def get_stats(
        self, name: str, *, period: float | None = None, step: float | None = None
    ) -> tuple[Performance, ...]:
        """Return what was measured of one endpoint or agent over time, the oldest window first.

        *period* is how far back, a day unless it is given; *step* how long each window is, both in seconds.
        """
        request = pb.GetStatsRequest(
            name=name,
            period=None if period is None else duration_to_pb(period),
            step=None if step is None else duration_to_pb(step),
        )
        response = await answered(self._analytics_stub.GetStats(request, timeout=self._registry_timeout))
        return tuple(from_pb(Performance, each) for each in response.performances)

    async def wait_for_reconnect(self) -> None:
        """Wait until the connection to the registry was lost and stands again."""
        ready = grpc.ChannelConnectivity.READY
        state = self._registry.get_state()
        if state is ready:
            # It may stand again before we hear that it was lost.
            await self._registry.wait_for_state_change(state)
            state = self._registry.get_state()
        while state is not ready:
            await self._registry.wait_for_state_change(state)
            state = self._registry.get_state(try_to_connect=True)
