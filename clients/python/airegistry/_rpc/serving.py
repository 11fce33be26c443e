"""A gRPC server as one object: services in, a bound address out, closed with a drain time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from grpc import aio

from airegistry._rpc.aio_server import SERVER_OPTIONS, add_service
from airegistry._rpc.carrier import CallObserver, ConnectionAge
from airegistry._rpc.listening import ListenError, bind_shared, join_address, listen_on
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
    services: Sequence[Service],
    address: str,
    observer: CallObserver,
    *,
    insecure: bool = False,
    reuse_port: bool = False,
    age: ConnectionAge | None = None,
) -> GrpcServer:
    """Serve *services* on `host:port`, or raise ListenError naming the address.

    With *reuse_port* other processes of this user may serve there, too; connections are spread over all of them.
    Without an *age*, connections live for as long as their clients want.
    """
    options = [*SERVER_OPTIONS, ("grpc.so_reuseport", int(reuse_port)), *_age_options(age)]
    server = aio.server(options=options)
    for service in services:
        add_service(server, service, observer)
    bound = _bind(server, address, insecure=insecure, reuse_port=reuse_port)
    await _start(server)
    return GrpcServer(server, bound)


def _age_options(age: ConnectionAge | None) -> list[tuple[str, int]]:
    if age is None:
        return []
    options = [("grpc.max_connection_age_ms", round(age.limit * 1000))]
    if age.grace is not None:
        options.append(("grpc.max_connection_age_grace_ms", round(age.grace * 1000)))
    return options


async def _start(server: aio.Server) -> None:
    # A start that is cut in the middle cannot be stopped, and keeps its port and its threads.
    starting = asyncio.ensure_future(server.start())
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await starting
        await server.stop(None)
        raise


def _bind(server: aio.Server, address: str, *, insecure: bool, reuse_port: bool) -> str:
    # gRPC says only that it failed, and logs the rest; a socket of our own learns why. It also takes the free port.
    # Where others serve it must not listen: connections that came to it would be cut when it closes.
    with (bind_shared if reuse_port else listen_on)(address, insecure=insecure) as probe:
        host, port = probe.getsockname()[:2]
    bound = join_address(host, port)
    try:
        taken = server.add_insecure_port(bound)
    except RuntimeError as error:
        raise ListenError(f"cannot listen on {bound}", address) from error
    if taken != port:
        raise ListenError(f"cannot listen on {bound}", address)
    return bound
