"""GetPerformance and GetStats."""

from __future__ import annotations

from collections.abc import Iterable

from airegistry._convert import from_pb, to_pb
from airegistry._rpc.call import Call
from airegistry.errors import FieldViolation, InvalidArgumentError, NotFoundError, RequestTooLargeError
from airegistry.observations.performance import Performance
from airegistry.resources.names import parse_name
from airegistry.v1 import analytics_service_pb2 as pb
from airegistry.v1 import observation_pb2
from registry.observations.observations import Observations
from registry.observations.past import past
from registry.observations.retention import Retention
from registry.observations.targets import MEASURED
from registry.rpc.requests import GetStats

MAX_NAMES = 1_000


class Analytics:
    """The handlers that read what was measured."""

    def __init__(self, observations: Observations, retention: Retention) -> None:
        self._observations = observations
        self._retention = retention

    async def get_performance(self, request: pb.GetPerformanceRequest, _call: Call) -> pb.GetPerformanceResponse:
        """Return what was measured, as of the newest epoch; nothing is awaited in between, so that all show one."""
        if not request.names:
            raise InvalidArgumentError.of("names", "must have at least one element")
        if len(request.names) > MAX_NAMES:
            raise RequestTooLargeError(
                violations=[
                    FieldViolation("names", f"has {len(request.names)}; at most {MAX_NAMES} are answered at once")
                ],
                metadata={"limit": str(MAX_NAMES), "count": str(len(request.names))},
            )
        for index, name in enumerate(request.names):
            _check_name(name, f"names[{index}]")
        found = [self._observations.performance(name) for name in request.names]
        return pb.GetPerformanceResponse(performances=_messages(found), observation_epoch=self._observations.epoch)

    async def get_stats(self, request: pb.GetStatsRequest, _call: Call) -> pb.GetStatsResponse:
        """Return the kept rollups of one target."""
        wanted = from_pb(GetStats, request, strict=True)
        _check_name(wanted.name, "name")
        found = self._observations.targets.get(wanted.name)
        if found is None:
            raise NotFoundError(f"{wanted.name} does not exist", metadata={"name": wanted.name})
        performances = await past(self._observations.store, found[0], wanted.period, wanted.step, self._retention)
        return pb.GetStatsResponse(performances=_messages(performances))


def _check_name(name: str, field: str) -> None:
    if parse_name(name, field=field).kind not in MEASURED:
        raise InvalidArgumentError.of(field, f"is {name}; it must be an endpoint or an agent")


def _messages(performances: Iterable[Performance]) -> list[observation_pb2.Performance]:
    return [to_pb(performance, observation_pb2.Performance) for performance in performances]
