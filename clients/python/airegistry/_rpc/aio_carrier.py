"""The carrier that needs nothing extra: grpc.aio for the services and uvicorn for the pages, in the program's own loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from airegistry._rpc.carrier import Offer
from airegistry._rpc.channelz import channelz_service
from airegistry._rpc.http_server import HttpServer, open_http_server
from airegistry._rpc.listening import listen_on, listen_shared
from airegistry._rpc.serving import GrpcServer, open_server
from airegistry._rpc.standard_services import with_standard_services

# For a start that fails halfway: nobody can have called yet.
_NOBODY = 1.0


class AioCarrier:
    """Serves gRPC and the pages on an address each, and the pages on an *own* one, too, where the other is shared."""

    def __init__(self, own: str | None = None) -> None:
        self._own = own

    async def open(self, offer: Offer, tasks: asyncio.TaskGroup) -> AioCarried:
        """Serve *offer*; the pages first, so that health is told while gRPC starts."""
        age = offer.age.limit if offer.age is not None else None
        http = await open_http_server(offer.pages, self._listeners(offer), tasks, age=age)
        try:
            grpc = await open_server(
                with_standard_services(offer.services, offer.health, channelz_service()),
                offer.address,
                offer.observer,
                insecure=offer.insecure,
                reuse_port=offer.shared,
                age=offer.age,
            )
        except BaseException:
            await http.close(_NOBODY)
            raise
        offer.show_serving()
        return AioCarried(grpc, http)

    def _listeners(self, offer: Offer) -> Sequence[socket.socket]:
        listen = listen_shared if offer.http_shared else listen_on
        with ExitStack() as stack:
            listeners = [stack.enter_context(listen(offer.http_address, insecure=offer.insecure))]
            if self._own is not None:
                listeners.append(stack.enter_context(listen_on(self._own, insecure=offer.insecure)))
            stack.pop_all()
        return listeners


@dataclass(frozen=True, slots=True)
class AioCarried:
    """A gRPC server and an HTTP server that close together."""

    grpc: GrpcServer
    http: HttpServer

    @property
    def address(self) -> str:
        """Where gRPC is served."""
        return self.grpc.address

    @property
    def http_address(self) -> str:
        """Where the pages are served."""
        return self.http.addresses[0]

    @property
    def own_http_address(self) -> str:
        """Where this process alone serves them."""
        return self.http.addresses[-1]

    async def close(self, drain: float) -> None:
        """Drain both at the same time: the one need not wait for the other's calls."""
        await asyncio.gather(self.grpc.close(drain), self.http.close(drain))
