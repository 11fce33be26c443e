"""AnalyticsService over observations in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from airegistry._convert import duration_from_pb, from_pb, to_pb
from airegistry._rpc.call import Call
from airegistry.errors import FieldViolation, InvalidArgumentError, NotFoundError
from airegistry.observations.observation import (
    Observation,
    RejectedObservations,
    RejectionReason,
    ReportUsageResponse,
)
from airegistry.observations.performance import (
    WINDOWS,
    GetPerformanceResponse,
    Performance,
    WatchPerformanceResponse,
)
from airegistry.resources.names import parse_name
from airegistry.testing.history import History
from airegistry.testing.measured import Measured
from airegistry.v1 import analytics_service_pb2 as pb
from airegistry.v1 import observation_pb2

_REPORTER_ID_LENGTHS = range(8, 129)
_MAX_BATCH = 2_000
_MAX_APART = 64
_MAX_NAMES = 1_000
_BOOKMARK_INTERVAL = 10.0
_FUTURE = timedelta(minutes=1)
_PAST = timedelta(seconds=WINDOWS[-1])
_STEPS = (60.0, 300.0, 1_800.0, 3_600.0, 86_400.0)
_FEW_WINDOWS, _MANY_WINDOWS = 300, 1_500


class Analytics:
    """The service. A name is told as soon as it changed, however often that is."""

    def __init__(self, history: History) -> None:
        self.measured = Measured()
        self.dropped = 0
        self._history = history
        history.heard = self._heard
        self._batches: dict[tuple[str, int], pb.ReportUsageRequest] = {}

    async def report_usage(self, request: pb.ReportUsageRequest, _call: Call) -> pb.ReportUsageResponse:
        """Count a batch once."""
        observations = _checked(request)
        batch = (request.reporter_id, request.batch_number)
        answer = ReportUsageResponse(replayed=True, observation_epoch=self.measured.epoch)
        if self._fresh(batch, request):
            self._batches[batch] = request
            self.dropped += request.dropped_count
            answer = self._counted(observations)
            self._history.wake()
        response: pb.ReportUsageResponse = to_pb(answer, pb.ReportUsageResponse)
        return response

    async def get_performance(self, request: pb.GetPerformanceRequest, _call: Call) -> pb.GetPerformanceResponse:
        """Return what was measured of each name."""
        if not 1 <= len(request.names) <= _MAX_NAMES:
            raise InvalidArgumentError.of("names", f"must have 1 to {_MAX_NAMES:,} elements")
        for i, name in enumerate(request.names):
            self._check_registered(name, f"names[{i}]")
        answer = GetPerformanceResponse(self._performances(request.names), self.measured.epoch)
        response: pb.GetPerformanceResponse = to_pb(answer, pb.GetPerformanceResponse)
        return response

    async def watch_performance(
        self, request: pb.WatchPerformanceRequest, _call: Call
    ) -> AsyncIterator[pb.WatchPerformanceResponse]:
        """Stream everything, and then what changes."""
        interval = _BOOKMARK_INTERVAL
        if request.HasField("bookmark_interval"):
            interval = duration_from_pb(request.bookmark_interval)
        if interval < 1:
            raise InvalidArgumentError.of("bookmark_interval", "must be at least 1 s")
        after, told = 0, -1
        while not self._history.closed:
            changed = self.measured.changed[after:]
            names = {name for name in changed if name.startswith(request.name_prefix)}
            message = WatchPerformanceResponse(self._performances(sorted(names)), self.measured.epoch, told < 0)
            after, told = after + len(changed), self.measured.epoch
            yield to_pb(message, pb.WatchPerformanceResponse)
            await self._news(told, interval)

    async def get_stats(self, request: pb.GetStatsRequest, _call: Call) -> pb.GetStatsResponse:
        """Return what was measured of one name over time."""
        self._check_registered(request.name, "name")
        period = duration_from_pb(request.period) if request.HasField("period") else _STEPS[-1]
        step = duration_from_pb(request.step) if request.HasField("step") else _fitting(period)
        if step not in _STEPS:
            raise InvalidArgumentError.of("step", "must be 1 minute, 5 minutes, 30 minutes, 1 hour or 1 day")
        if not 0 < period <= step * _MANY_WINDOWS:
            raise InvalidArgumentError.of("period", f"must be positive, and at most {_MANY_WINDOWS:,} times the step")
        found = self.measured.stats(request.name, datetime.now(UTC), period=period, step=step)
        return pb.GetStatsResponse(performances=[to_pb(each, observation_pb2.Performance) for each in found])

    def _heard(self, name: str, load: float | None) -> None:
        if self.measured.hear(name, load, datetime.now(UTC)):
            self._history.cache.observe(self._performances((name,)), self.measured.epoch)
            self._history.wake()

    def _fresh(self, batch: tuple[str, int], request: pb.ReportUsageRequest) -> bool:
        known = self._batches.get(batch)
        if known is not None and known != request:
            raise InvalidArgumentError.of("batch_number", f"{batch[1]} was used for a batch with other content")
        newest = max((number for reporter, number in self._batches if reporter == batch[0]), default=0)
        if known is None and newest - batch[1] >= _MAX_APART:
            raise InvalidArgumentError.of(
                "batch_number", f"is {batch[1]}; {newest} was counted, and numbers may be at most {_MAX_APART} apart"
            )
        return known is None

    def _counted(self, observations: Iterable[Observation]) -> ReportUsageResponse:
        now = datetime.now(UTC)
        good: list[Observation] = []
        rejected: dict[RejectionReason, RejectedObservations] = {}
        for i, each in enumerate(observations):
            reason = self._refusal(each, now)
            if reason is None:
                good.append(each)
                continue
            known = rejected.get(reason)
            first, count = (known.first_index, known.count) if known is not None else (i, 0)
            rejected[reason] = RejectedObservations(reason, count + 1, first)
        self.measured.add(good)
        # A Discover ranks by it, as that of the real one does.
        names = dict.fromkeys(each.target for each in good)
        self._history.cache.observe(self._performances(names), self.measured.epoch)
        return ReportUsageResponse(len(good), rejected=tuple(rejected.values()), observation_epoch=self.measured.epoch)

    def _refusal(self, seen: Observation, now: datetime) -> RejectionReason | None:
        target = self._history.cache.get(seen.target)
        time = seen.time or now
        if target is None:
            return RejectionReason.UNKNOWN_TARGET
        if time > now + _FUTURE:
            return RejectionReason.FROM_THE_FUTURE
        if time < now - _PAST:
            return RejectionReason.TOO_OLD
        if target.create_time is not None and time < target.create_time:
            return RejectionReason.BEFORE_TARGET
        return None

    def _performances(self, names: Iterable[str]) -> tuple[Performance, ...]:
        now, listed = datetime.now(UTC), tuple(names)
        for name in listed:
            if name not in self._history.leases:
                self.measured.forget(name)
        return tuple(self.measured.performance(name, now) for name in listed)

    def _check_registered(self, name: str, field: str) -> None:
        parse_name(name, field=field)
        if self._history.cache.get(name) is None:
            raise NotFoundError(f"{name} does not exist", metadata={"name": name})

    async def _news(self, told: int, interval: float) -> None:
        try:
            async with asyncio.timeout(interval):
                while self.measured.epoch == told and not self._history.closed:
                    await self._history.woken()
        except TimeoutError:
            return


def _checked(request: pb.ReportUsageRequest) -> list[Observation]:
    if len(request.reporter_id) not in _REPORTER_ID_LENGTHS:
        raise InvalidArgumentError.of("reporter_id", "must have 8 to 128 characters")
    if request.batch_number < 1:
        raise InvalidArgumentError.of("batch_number", "must be at least 1")
    if not 1 <= len(request.observations) <= _MAX_BATCH:
        raise InvalidArgumentError.of("observations", f"must have 1 to {_MAX_BATCH:,} elements")
    now = datetime.now(UTC)
    observations = []
    for i, each in enumerate(request.observations):
        path = f"observations[{i}]"
        read = from_pb(Observation, each, path=path, strict=True)
        if violations := list(_violations(read, path)):
            raise InvalidArgumentError(violations=violations)
        observations.append(read if read.time is not None else replace(read, time=now))
    return observations


def _violations(seen: Observation, path: str) -> Iterable[FieldViolation]:
    if not seen.target:
        yield FieldViolation(f"{path}.target", "is required")
    if seen.outcome is None:
        yield FieldViolation(f"{path}.outcome", "is required")
    for field in ("duration", "time_to_first_token"):
        if (getattr(seen, field) or 0) < 0:
            yield FieldViolation(f"{path}.{field}", "must not be negative")


def _fitting(period: float) -> float:
    return next((step for step in _STEPS if period / step <= _FEW_WINDOWS), _STEPS[-1])
