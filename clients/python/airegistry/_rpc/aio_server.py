"""grpc.aio as the carrier of services: calls in, answers and statuses out."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import grpc
from grpc import aio

from airegistry._rpc.carrier import CallObserver
from airegistry._rpc.carrying import MAX_RECEIVE_BYTES, known, sending
from airegistry._rpc.service import Method, Service, write
from airegistry._status import DETAILS_KEY, code_of, to_status
from airegistry.errors import RegistryError

# For how long a status that nobody reads is waited for, in seconds. The core keeps it for a peer that reads on later.
_LAST_WORD = 1.0

SERVER_OPTIONS: Sequence[tuple[str, int]] = (
    ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
    ("grpc.max_send_message_length", -1),
    # Agents behind NAT keep idle connections open by pings. (Spelled as in the core: `min_recv_ping_…` sets nothing.)
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # At the defaults a burst of 3,000 Watch opens has hundreds refused.
    ("grpc.server.max_pending_requests", 20_000),
    ("grpc.server.max_pending_requests_hard_limit", 40_000),
)


class AioCall:
    """A call carried by grpc.aio."""

    __slots__ = ("__dict__", "_context", "_task", "ended", "method", "principal", "send")

    def __init__(self, context: aio.ServicerContext[Any, Any], method: str) -> None:
        self._context = context
        self._task = asyncio.current_task()
        self.method = method
        self.principal = ""
        self.ended: RegistryError | None = None
        # The core's own method: whatever stands in between is paid for with each message.
        self.send: Callable[[bytes], Awaitable[None]] = context.write

    @cached_property
    def metadata(self) -> Mapping[str, str | bytes]:
        """The caller's metadata."""
        return dict(self._context.invocation_metadata() or ())

    @property
    def peer(self) -> str:
        """Where the call comes from."""
        return self._context.peer()

    def time_left(self) -> float | None:
        """Return the seconds until the caller's deadline."""
        return self._context.time_remaining()

    def cancelled(self) -> bool:
        """Say whether the peer is gone."""
        return self._context.cancelled()

    def ready(self) -> bool:
        """Say whether it sends without waiting: never."""
        return False

    def send_now(self, _message: bytes, /) -> None:
        """Refuse: it is never `ready`, for grpc.aio has only writes that wait."""
        raise RuntimeError("grpc.aio has only writes that wait")

    def end(self, error: RegistryError) -> None:
        """End the call with *error* now, even while it waits in `send`."""
        if self.ended is None and self._task is not None:
            self.ended = error
            # Nothing else gets a write back that waits for a peer's window.
            self._task.cancel()


def add_service(server: aio.Server, service: Service, observer: CallObserver) -> None:
    """Serve *service* on *server*: every error goes out as a status, and every call is told to *observer*."""
    handlers = {method.name: _handler(method, observer) for method in service.methods}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.name, handlers),))


def _handler(method: Method, observer: CallObserver) -> grpc.RpcMethodHandler[Any, Any]:
    behaviour = _unary(method, observer) if method.stream is None else _stream(method, observer)
    carry = _CARRIED[method.streamed_request, method.stream is not None]
    # Requests are read where errors become statuses: grpc.aio answers UNKNOWN for bytes that are no request.
    return carry(behaviour, request_deserializer=None, response_serializer=write)


_CARRIED: Mapping[tuple[bool, bool], Callable[..., grpc.RpcMethodHandler[Any, Any]]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
"""How grpc carries a method, by whether the request and the response are streams."""


def _unary(method: Method, observer: CallObserver) -> Any:
    handle, path = method.unary, method.path
    assert handle is not None  # noqa: S101 - the caller looked

    async def behaviour(request: Any, context: aio.ServicerContext[Any, Any]) -> Any:
        observer.call_started(path)
        started = time.monotonic()
        code = "OK"
        try:
            return await handle(_read(method, request), AioCall(context, path))
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        except Exception as error:  # noqa: BLE001 - strangers' exceptions stop here
            code = await _abort(context, path, error)
        finally:
            observer.call_ended(path, code, time.monotonic() - started)

    return behaviour


def _stream(method: Method, observer: CallObserver) -> Any:
    handle, path = method.stream, method.path
    assert handle is not None  # noqa: S101 - the caller looked
    answer = sending(handle)

    # Not a generator itself: grpc.aio would only write what it yields, one frame further away.
    async def behaviour(request: Any, context: aio.ServicerContext[Any, Any]) -> None:
        observer.call_started(path)
        started = time.monotonic()
        code = "OK"
        call = AioCall(context, path)
        try:
            await answer(_read(method, request), call)
        except asyncio.CancelledError:
            code = "CANCELLED"
            if call.ended is None:
                raise
            code = await _abort_unread(context, path, call.ended)
        except aio.InternalError as error:
            # A write to a peer that left, which the core may tell sooner than that it did.
            code = "CANCELLED"
            raise asyncio.CancelledError from error
        except Exception as error:  # noqa: BLE001 - strangers' exceptions stop here
            code = await _abort(context, path, error)
        finally:
            observer.call_ended(path, code, time.monotonic() - started)

    return behaviour


def _read(method: Method, request: Any) -> Any:
    """Return the request, or the iterator of requests, for the handler."""
    return (method.read(one) async for one in request) if method.streamed_request else method.read(request)


async def _abort(context: aio.ServicerContext[Any, Any], path: str, error: Exception) -> str:
    """End the call with the status of *error* and return the code's name."""
    told = known(error, path)
    status = to_status(told)
    # The status is sent then; raising on would only make grpc.aio log it again.
    with contextlib.suppress(aio.AbortError):
        await context.abort(status.code, status.message, ((DETAILS_KEY, status.details),))
    return code_of(told).name


async def _abort_unread(context: aio.ServicerContext[Any, Any], path: str, error: RegistryError) -> str:
    """End a call whose peer does not read: its status waits in the core, behind what was written before."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a handler runs in one
    task.uncancel()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LAST_WORD):
            return await _abort(context, path, error)
    return code_of(error).name
