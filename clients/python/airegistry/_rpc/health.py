"""grpc.health.v1: what each service of this process says of itself, and who watches that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from grpc_health.v1 import health_pb2

from airegistry._rpc.call import Call
from airegistry._rpc.service import Service, service
from airegistry.errors import NotFoundError

_POOL = descriptor_pool.Default()
_Status = health_pb2.HealthCheckResponse
_UNKNOWN = _Status.SERVICE_UNKNOWN
# By name: the published type stubs are older than List.
_ListResponse: Any = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("grpc.health.v1.HealthListResponse"))


class HealthState:
    """The state of every service; the empty name stands for the whole process.

    Watchers look here at their own pace and only ever see the latest state, so `set` never waits for one of them.
    """

    def __init__(self) -> None:
        self._statuses: dict[str, int] = {}
        self._changed = asyncio.Event()
        self._closed = False

    @property
    def serving(self) -> bool:
        """Whether the process as a whole serves."""
        return self.status("") == _Status.SERVING

    def set(self, service: str, serving: bool) -> None:  # noqa: FBT001 - reads as "set this service to serving"
        """Say whether *service* serves. After `close` nothing serves again."""
        if not self._closed:
            self._statuses[service] = _Status.SERVING if serving else _Status.NOT_SERVING
            self._wake()

    def close(self) -> None:
        """Say that nothing serves any more, and end every watch once it has said so."""
        for name in list(self._statuses):
            self.set(name, False)
        self._closed = True
        self._wake()

    def status(self, service: str) -> int:
        """Return the number of the service's status; SERVICE_UNKNOWN for one that nobody set."""
        return self._statuses.get(service, _UNKNOWN)

    def statuses(self) -> dict[str, int]:
        """Return the status of each service."""
        return dict(self._statuses)

    async def watch(self, service: str) -> AsyncIterator[int]:
        """Yield the service's status, and again whenever it is another one."""
        seen = -1
        while True:
            # Taken before looking, so that no change is missed.
            changed = self._changed
            if (status := self.status(service)) != seen:
                seen = status
                yield status
            elif self._closed:
                return
            else:
                await changed.wait()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def health_service(state: HealthState) -> Service:
    """Serve *state* as grpc.health.v1.Health."""
    return service(_POOL.FindServiceByName("grpc.health.v1.Health"), _Health(state))


class _Health:
    def __init__(self, state: HealthState) -> None:
        self._state = state

    async def check(self, request: Any, _call: Call) -> Any:
        status = self._state.status(request.service)
        if status == _UNKNOWN:
            raise NotFoundError(f"no service {request.service[:200]!r} here")
        return _response(status)

    async def list(self, _request: Any, _call: Call) -> Any:
        statuses = self._state.statuses()
        return _ListResponse(statuses={name: _response(status) for name, status in statuses.items()})

    async def watch(self, request: Any, _call: Call) -> AsyncIterator[Any]:
        async for status in self._state.watch(request.service):
            yield _response(status)


def _response(status: int) -> Any:
    message = health_pb2.HealthCheckResponse()
    message.status = status
    return message
