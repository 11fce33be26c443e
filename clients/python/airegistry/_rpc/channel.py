"""The caller's end: a channel with settings that survive restarts and silent networks, and errors as ours."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from typing import Protocol, TypeVar

import grpc
from grpc import aio

from airegistry._rpc.targets import target_of
from airegistry._status import from_call

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

CHANNEL_OPTIONS: Sequence[tuple[str, str | int]] = (
    # A List page or a Watch message is at most 3 MiB; invocations may carry images.
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.max_send_message_length", 64 * 1024 * 1024),
    # A half-open connection is noticed within 30 s, though nothing is being sent.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # gRPC would wait up to two minutes before it looks again for a server that restarted.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # How long one attempt to connect may take, despite the name.
    ("grpc.min_reconnect_backoff_ms", 10_000),
    # Clients of one process do not share connections, so that closing and backing off stay their own.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
)


class StreamCall(Protocol[T_co]):
    """A call whose answers come one by one, as gRPC gives it."""

    def __aiter__(self) -> AsyncIterator[T_co]:
        """Iterate over the answers."""
        ...

    def cancel(self) -> bool:
        """End the call."""
        ...


def open_channel(address: str, credentials: grpc.ChannelCredentials | None = None) -> aio.Channel:
    """Return a channel to *address*: `host:port`, any gRPC target, or several `ip:port` with commas between them.

    It connects when it is first used. Of several servers each takes its share of the calls, and one that is away none.
    """
    target = target_of(address)
    options: Sequence[tuple[str, str | int]] = CHANNEL_OPTIONS
    if target != address:
        # The server's name for certificates and proxies; gRPC would take the whole list for it.
        options = [*CHANNEL_OPTIONS, ("grpc.default_authority", address.partition(",")[0].strip())]
    if credentials is None:
        return aio.insecure_channel(target, options=options)
    return aio.secure_channel(target, credentials, options=options)


async def answered(call: Awaitable[T]) -> T:
    """Return the answer of a call, or raise the error that the server meant."""
    try:
        return await call
    except aio.AioRpcError as error:
        raise from_call(error) from error


async def answers(call: StreamCall[T]) -> AsyncGenerator[T, None]:
    """Iterate over the answers of a call; whoever stops early ends the call."""
    try:
        async for answer in call:
            yield answer
    except aio.AioRpcError as error:
        raise from_call(error) from error
    finally:
        call.cancel()
