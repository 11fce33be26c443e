"""The seam between a server program and what carries its calls: services and HTTP pages in, addresses out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from airegistry._rpc.health import HealthState
from airegistry._rpc.service import Service

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
AsgiApp = Callable[[Any, Receive, Send], Awaitable[None]]
"""An application of ASGI 3; its events are dicts."""

API_PAGES = ("health", "metrics", "openapi.json")
"""What a server's pages have below the path of its REST API, where no RPC stands behind it."""

PATH_FIELDS = ("name", "collection", "resource.name")
"""The fields of requests that the paths of the REST API say, so that no parameter may say them again."""


class CallObserver(Protocol):
    """Who wants to know about calls: metrics. Both methods must be quick and must not raise."""

    def call_started(self, method: str) -> None:
        """Note that a call began."""
        ...

    def call_ended(self, method: str, code: str, seconds: float) -> None:
        """Note that a call ended with a status code, by name."""
        ...


@dataclass(frozen=True, slots=True)
class ConnectionAge:
    """How long connections live, in seconds.

    At `limit`, give or take a tenth, a connection takes no new calls: its client opens another one, perhaps to another
    server. What still runs there `grace` seconds after that is cut; without a grace it ends by itself.
    """

    limit: float
    grace: float | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """What a program serves, and where.

    The carrier adds health, which tells of `health`, and reflection. `pages` is an ASGI application. With `shared` other
    processes of this user may serve gRPC on `address`, too, with `http_shared` the pages on `http_address`; connections are
    spread over all of them. Without an `age`, connections live for as long as their clients want.
    """

    services: Sequence[Service]
    health: HealthState
    pages: AsgiApp
    observer: CallObserver
    address: str
    http_address: str
    insecure: bool = False
    shared: bool = False
    http_shared: bool = False
    age: ConnectionAge | None = None

    def show_serving(self) -> None:
        """Let health say that the process serves, and each service."""
        for name in ("", *(service.name for service in self.services)):
            self.health.set(name, True)


class Carried(Protocol):
    """An offer that is being served. The addresses have the ports that were taken; they may be one and the same."""

    @property
    def address(self) -> str:
        """Where gRPC is served."""
        ...

    @property
    def http_address(self) -> str:
        """Where the HTTP pages are served."""
        ...

    @property
    def own_http_address(self) -> str:
        """Where this process alone serves them, when others share the addresses."""
        ...

    async def close(self, drain: float) -> None:
        """Refuse new calls and requests, and give the running ones *drain* seconds to end."""
        ...


class Carrier(Protocol):
    """What can serve an offer."""

    async def open(self, offer: Offer, tasks: asyncio.TaskGroup) -> Carried:
        """Serve *offer*, with tasks of its own in *tasks*; StartError when it cannot, ListenError for an address."""
        ...
