"""grpc.channelz.v1: what the gRPC core knows of its own servers, sockets and channels."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from grpc_channelz.v1 import channelz

from airegistry._rpc.call import Call
from airegistry._rpc.service import Service, service, snake_case
from airegistry.errors import InternalError, NotFoundError

# Importing the package put its descriptors into the pool. Its stubs do not name the servicer.
_DESCRIPTOR = descriptor_pool.Default().FindServiceByName("grpc.channelz.v1.Channelz")
_SERVICER: Any = vars(channelz)["ChannelzServicer"]


def channelz_service() -> Service:
    """Serve the core's own view. It is process-wide, so one server of the process is enough."""
    return service(_DESCRIPTOR, _Channelz())


class _Channelz:
    """Each method asks the installed servicer, which wants a context only to report errors."""

    def __getattr__(self, name: str) -> Callable[[Any, Call], Awaitable[Any]]:
        ask = _ASK.get(name)
        if ask is None:
            raise AttributeError(name)

        async def handle(request: Any, _call: Call) -> Any:
            problem = _Problem()
            response = ask(request, problem)
            if response is None:
                problem.raise_error()
            return response

        return handle


_ASK: dict[str, Callable[[Any, Any], Any]] = {
    snake_case(method.name): getattr(_SERVICER, method.name) for method in _DESCRIPTOR.methods
}


class _Problem:
    """Stands where the servicer expects a context, and keeps what it says went wrong."""

    def __init__(self) -> None:
        self._code = grpc.StatusCode.INTERNAL
        self._details = ""

    def set_code(self, code: grpc.StatusCode) -> None:
        self._code = code

    def set_details(self, details: str) -> None:
        self._details = details

    def raise_error(self) -> None:
        if self._code is grpc.StatusCode.NOT_FOUND:
            raise NotFoundError(self._details)
        raise InternalError(self._details)
