"""A gRPC server as one object: services in, a bound address out, closed with a drain time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from grpc import aio

from airegistry._rpc.aio_server import SERVER_OPTIONS, CallObserver, add_service
from airegistry._rpc.listening import ListenError, join_address, listen_on
from airegistry._rpc.service import Service


class GrpcServer:
    """A started server. `address` is where it listens, with the port that was taken."""

    def __init__(self, server: aio.Server, address: str) -> None:
        self._server = server
        self.address = address

    async def close(self, drain: float) -> None:
        """Refuse new calls, and give the running ones *drain* seconds to end."""
        await self._server.stop(drain)


async def open_server(
    services: Sequence[Service], address: str, observer: CallObserver, *, insecure: bool = False
) -> GrpcServer:
    """Serve *services* on `host:port`, or raise ListenError naming the address."""
    server = aio.server(options=SERVER_OPTIONS)
    for service in services:
        add_service(server, service, observer)
    bound = _bind(server, address, insecure=insecure)
    await _start(server)
    return GrpcServer(server, bound)


async def _start(server: aio.Server) -> None:
    # A start that is cut in the middle cannot be stopped, and keeps its port and its threads.
    starting = asyncio.ensure_future(server.start())
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await starting
        await server.stop(None)
        raise


def _bind(server: aio.Server, address: str, *, insecure: bool) -> str:
    # gRPC says only that it failed, and logs the rest; a socket of our own learns why. It also takes the free port.
    with listen_on(address, insecure=insecure) as probe:
        host, port = probe.getsockname()[:2]
    bound = join_address(host, port)
    try:
        taken = server.add_insecure_port(bound)
    except RuntimeError as error:
        raise ListenError(f"cannot listen on {bound}") from error
    if taken != port:
        raise ListenError(f"cannot listen on {bound}")
    return bound
