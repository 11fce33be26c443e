"""The carrier as the program inside Envoy sees it: calls and requests come as ASGI, from a listener that is there already."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from airegistry._rpc.asgi.app import GrpcApp
from airegistry._rpc.asgi.headers import is_grpc
from airegistry._rpc.asgi.pages import Pages
from airegistry._rpc.carrier import Offer, Receive, Send
from airegistry._rpc.envoy.admin import Admin
from airegistry._rpc.envoy.draining import DrainingPages
from airegistry._rpc.standard_services import with_standard_services

# Seconds for the ends of calls to go out, however short the drain is.
_LAST_BYTES = 0.5


class EnvoyCarrier:
    """Serves an offer where this Envoy listens, of which *admin* tells; *listen* makes it, and returns when it does."""

    def __init__(self, admin: Admin, listen: Callable[[], Awaitable[None]]) -> None:
        self._admin = admin
        self._listen = listen
        self._calls: GrpcApp | None = None
        self._requests: DrainingPages | None = None

    async def open(self, offer: Offer, _tasks: asyncio.TaskGroup) -> EnvoyCarried:
        """Serve *offer*."""
        calls = GrpcApp(with_standard_services(offer.services, offer.health), offer.observer)
        pages = DrainingPages(Pages(offer.pages))
        self._calls, self._requests = calls, pages
        offer.show_serving()
        await self._listen()
        addresses = await self._admin.addresses()
        # Others share the first; the last is this process's own, when there are several.
        http_address = addresses[0] if offer.http_shared else addresses[-1]
        return EnvoyCarried(addresses[0], http_address, addresses[-1], self._admin, calls, pages)

    def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Serve one call or request."""
        serve = self._calls if _is_call(scope) else self._requests
        assert serve is not None  # noqa: S101 - Envoy listens once there is an offer
        return serve(scope, receive, send)


@dataclass(frozen=True, slots=True)
class EnvoyCarried:
    """An offer served inside this Envoy."""

    address: str
    http_address: str
    own_http_address: str
    admin: Admin
    calls: GrpcApp
    pages: DrainingPages

    async def close(self, drain: float) -> None:
        """Take no new connections, refuse new calls and requests, and give the running ones *drain* seconds to end."""
        until = time.monotonic() + drain
        await self.admin.stop_listening()
        await asyncio.gather(self.calls.drain(drain), self.pages.drain(drain))
        # The program has said its last; its callers may not have read it.
        with suppress(TimeoutError):
            async with asyncio.timeout(max(until - time.monotonic(), _LAST_BYTES)):
                await self.admin.idle()


def _is_call(scope: Mapping[str, Any]) -> bool:
    for name, value in scope["headers"]:
        if name == b"content-type":
            return is_grpc(value)
    return False
