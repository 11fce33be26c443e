"""The command against real servers, which run in a thread of their own."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from airegistry.cli.app import build
from airegistry.cli.arguments import hoisted
from demo_backend.server import serve as demo_at
from demo_backend.settings import Settings as DemoSettings
from tests.planes import gateway_at, registry_at
from tests.providers import Behaviour, provider

_APP = build()


@dataclass(frozen=True)
class Servers:
    """Where a registry, a gateway, a demo backend and further providers answer."""

    registry: str
    gateway: str
    demo: str
    providers: Mapping[str, str]

    def run(self, *arguments: str, given: str | bytes | None = None, **env: str) -> Result:
        """Run `airegistry` in this process. Its environment has no keys but those in *env*."""
        return CliRunner().invoke(_APP, hoisted(arguments), input=given, env=self.environment(**env))

    def data(self, *arguments: str, given: str | bytes | None = None, **env: str) -> Any:
        """Run a command that must succeed, and return what it writes as JSON."""
        result = self.run("--output", "json", *arguments, given=given, **env)
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def environment(self, **env: str) -> Mapping[str, str | None]:
        """Return what is different in the environment of a command for these servers."""
        own: dict[str, str | None] = {key: None for key in os.environ if key.endswith(("_API_KEY", "_API_TOKEN"))}
        return own | {"AIREGISTRY_ADDRESS": self.registry, "AIREGISTRY_GATEWAY_ADDRESS": self.gateway} | env

    def until_gateway_knows(self) -> None:
        """Wait until the gateway has seen what the registry holds now."""
        registry, gateway = self.data("status")["planes"]
        while gateway["revision"] < registry["revision"]:
            _, gateway = self.data("status")["planes"]


@contextmanager
def servers(folder: Path, **behaviours: Behaviour) -> Iterator[Servers]:
    """Run all of them on free ports for as long as the block runs, with a provider for each behaviour."""
    started: Future[tuple[Servers, Callable[[], object]]] = Future()

    async def serve() -> None:
        stopped = asyncio.Event()
        async with AsyncExitStack() as stack:
            registry = await stack.enter_async_context(registry_at(folder))
            gateway = await stack.enter_async_context(gateway_at(folder, registry.address))
            demo = await stack.enter_async_context(demo_at(DemoSettings(port=0, token_delay=0.0, drain=0.0)))
            urls = {
                name: (await stack.enter_async_context(provider(behaviour))).url
                for name, behaviour in behaviours.items()
            }
            stop = partial(asyncio.get_running_loop().call_soon_threadsafe, stopped.set)
            started.set_result((Servers(registry.address, gateway.address, demo, urls), stop))
            await stopped.wait()

    with ThreadPoolExecutor(1) as pool:
        running: Future[Any] = pool.submit(asyncio.run, serve())
        ends: list[Future[Any]] = [running, started]
        wait(ends, return_when=FIRST_COMPLETED)
        if running.done():
            running.result()
        found, stop = started.result()
        try:
            yield found
        finally:
            stop()
            running.result()
