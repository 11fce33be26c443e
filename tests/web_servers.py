"""Servers that browsers can call, on either carrier: inside Envoy by themselves, else behind a proxy that carries gRPC-Web."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.listening import until_listening
from tests.ports import free_address
from tests.robustness.processes import Server, gateway_process, registry_process
from tests.web_proxy import web_proxy

Carrier = Literal["aio", "envoy"]
CARRIERS: tuple[Carrier, ...] = ("aio", "envoy")


@dataclass(frozen=True)
class WebServer:
    """A server as a process with data in `folder`: where it carries gRPC, gRPC-Web and its metrics."""

    process: Server
    folder: Path
    address: str
    web: str
    http: str

    async def start_again(self) -> None:
        """Start the process that was killed, and wait until it takes calls."""
        await self.process.start()
        # Envoy listens once the program inside says that it serves.
        await until_listening(self.address)


@asynccontextmanager
async def web_registry(carrier: Carrier, folder: Path, **settings: str) -> AsyncIterator[WebServer]:
    """Run a registry that pages of every origin may call."""
    places = _Places(carrier, folder)
    async with (
        registry_process(folder, places.address, **places.settings("REGISTRY"), **settings) as process,
        places.server(process) as server,
    ):
        yield server


@asynccontextmanager
async def web_gateway(carrier: Carrier, folder: Path, registry: str, **settings: str) -> AsyncIterator[WebServer]:
    """Run a gateway that pages of every origin may call, for the registry at an address."""
    places = _Places(carrier, folder)
    async with (
        gateway_process(folder, registry, places.address, **places.settings("GATEWAY"), **settings) as process,
        places.server(process) as server,
    ):
        yield server


@dataclass(frozen=True)
class _Places:
    carrier: Carrier
    folder: Path
    address: str = field(default_factory=free_address)
    http: str = field(default_factory=free_address)

    def settings(self, program: str) -> dict[str, str]:
        """Return what a program is told of them."""
        if self.carrier == "aio":
            return {"CARRIER": "aio", f"{program}_HTTP_ADDRESS": self.http}
        return {"CARRIER": "envoy", "CORS_ORIGINS": "*"}

    @asynccontextmanager
    async def server(self, process: Server) -> AsyncIterator[WebServer]:
        """Lend the server that runs there, with a proxy where it needs one."""
        await until_listening(self.address)
        if self.carrier == "envoy":
            yield WebServer(process, self.folder, self.address, self.address, self.address)
            return
        async with AsyncExitStack() as stack:
            web = await stack.enter_async_context(web_proxy(self.address))
            yield WebServer(process, self.folder, self.address, web, self.http)
