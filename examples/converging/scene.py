"""A registry, a gateway and three demo backends of one model, in a time that moves on with the calls."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import gateway.app
import registry.app
from airegistry import Client, Endpoint, Model, RegistryError, Resource, ask
from airegistry.discovery.answers import Candidate
from airegistry.invocations.invocation import Attempt
from airegistry.resources.endpoint import Auth, AuthMethod, Communication, DeclaredPerformance
from airegistry.resources.requirements import DiscoverQuery, Requirements
from demo_backend.server import serve
from demo_backend.settings import Behaviour, Settings
from gateway.config import Config as GatewayConfig
from registry.config import Config as RegistryConfig

MODEL = "models/demo"
FAST, SLOW, FLAKY = "fast", "slow", "flaky"
GOOD = Settings(port=0, token_delay=0.005, drain=0.0)
_TO_ALL = DiscoverQuery(requirements=Requirements(models=(MODEL,)))
_BACKENDS = {
    FAST: (GOOD, None),
    SLOW: (Settings(port=0, token_delay=0.08, drain=0.0), DeclaredPerformance(0.3, 80, 0.99)),
    FLAKY: (Settings(port=0, token_delay=0.005, failure_rate=0.2, drain=0.0), DeclaredPerformance(0.3, 80, 0.95)),
}
"""How each answers, and what it says of itself: the best one says nothing, so it begins behind the others."""

SECONDS_PER_CALL = 8.0
"""How far the clock of the registry and the gateway moves on with each call: half an hour is 225 calls."""

_PACE = 0.025
"""Seconds between two calls in truth, so that they hardly wait for each other."""

_WAIT = 0.05
_ANYWHERE = "127.0.0.1:0"


@dataclass(frozen=True, slots=True)
class Look:
    """What was said after so many calls, when all had been told what these came to.

    `scores` are those of the registry's Discover, `explained` is the order of the gateway's Explain, `asked` who was asked first
    by the calls since the look before.
    """

    calls: int
    scores: Mapping[str, float]
    explained: tuple[str, ...]
    asked: Mapping[str, int]

    @property
    def order(self) -> tuple[str, ...]:
        """The names, the best first."""
        return tuple(self.scores)

    @property
    def minutes(self) -> float:
        """The time of the look, by the clock of the registry."""
        return self.calls * SECONDS_PER_CALL / 60


class Clock:
    """The seconds since 1970, as if each call came some seconds after the one before it."""

    def __init__(self) -> None:
        self.calls = 0
        self._began = time.time()

    def __call__(self) -> float:
        """Return the time."""
        return self._began + self.calls * SECONDS_PER_CALL


class Scene:
    """Callers of the model, and the backends, whose behaviours may be changed while they run."""

    def __init__(self, client: Client, clock: Clock, backends: Mapping[str, Behaviour]) -> None:
        self.backends = backends
        self.failed: list[RegistryError] = []
        self._client = client
        self._clock = clock
        self._attempts = 0
        self._asked: Counter[str] = Counter()

    async def play(self, calls: int) -> Look:
        """Make so many calls through the gateway, and look at the order that follows from them."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(calls):
                self._clock.calls += 1
                tasks.create_task(self._call())
                await asyncio.sleep(_PACE)
        async with asyncio.timeout(30):
            return await self._look()

    async def _call(self) -> None:
        try:
            async for event in self._client.invoke_stream(ask(MODEL, "What is a list?", max_output_tokens=3)):
                if event.end is not None and event.end.settlement is not None:
                    self._note(event.end.settlement.attempts)
        except RegistryError as error:
            self.failed.append(error)
            self._note(error.attempts)

    def _note(self, attempts: Sequence[Attempt]) -> None:
        self._attempts += len(attempts)
        self._asked.update(_short(attempt.target) for attempt in attempts[:1])

    async def _look(self) -> Look:
        """Wait until the registry has counted all attempts and the gateway was told, and say what they answer then."""
        while True:
            counted = await self._counted()
            found = await self._client.discover(_TO_ALL, limit=len(self.backends))
            explained = await self._client.explain(ask(MODEL, ""))
            if counted == self._attempts and found.observation_epoch == explained.observation_epoch:
                break
            await asyncio.sleep(_WAIT)
        asked, self._asked = self._asked, Counter()
        scores = {_name(each): each.score.total for each in found.candidates if each.score is not None}
        return Look(self._clock.calls, scores, tuple(_name(each.candidate) for each in explained.candidates), asked)

    async def _counted(self) -> int:
        names = [f"{MODEL}/endpoints/{name}" for name in self.backends]
        found = await self._client.get_performance(names)
        return sum(max((window.attempts for window in each.windows), default=0) for each in found.performances)


@asynccontextmanager
async def open_scene(folder: Path) -> AsyncIterator[Scene]:
    """Run it all on free ports, with the data in *folder*."""
    async with AsyncExitStack() as stack:
        behaviours = {name: settings.behaviour for name, (settings, _) in _BACKENDS.items()}
        resources = [Resource(MODEL, model=Model())]
        for name, (settings, declared) in _BACKENDS.items():
            url = await stack.enter_async_context(serve(settings, behaviours[name]))
            resources.append(_endpoint(name, url, declared))
        clock = Clock()
        plane = await stack.enter_async_context(registry.app.serve(_registry_config(folder), clock=clock))
        running = await stack.enter_async_context(
            gateway.app.serve(_gateway_config(folder, plane.address), clock=clock)
        )
        client = await stack.enter_async_context(Client(plane.address, gateway=running.address))
        revision = (await client.register(resources)).revision
        async with asyncio.timeout(10):
            while running.cache.revision < revision:  # noqa: ASYNC110 - the view is another program's
                await asyncio.sleep(0.05)
        yield Scene(client, clock, behaviours)


def _registry_config(folder: Path) -> RegistryConfig:
    return RegistryConfig(
        registry_address=_ANYWHERE, registry_http_address=_ANYWHERE, data_dir=folder, registry_observations_gather=0.05
    )


def _gateway_config(folder: Path, address: str) -> GatewayConfig:
    return GatewayConfig(
        address=address,
        gateway_address=_ANYWHERE,
        gateway_http_address=_ANYWHERE,
        data_dir=folder,
        # Each look waits for it.
        gateway_report_interval=0.1,
    )


def _endpoint(name: str, url: str, declared: DeclaredPerformance | None) -> Resource:
    return Resource(
        f"{MODEL}/endpoints/{name}",
        endpoint=Endpoint(
            provider=name,
            address=f"{url}/v1",
            upstream_model="demo-ngram",
            communication=Communication(dialect="openai.chat", auth=Auth(AuthMethod.NONE)),
            declared=declared,
        ),
    )


def _name(candidate: Candidate | None) -> str:
    return _short(candidate.resource.name) if candidate is not None and candidate.resource is not None else ""


def _short(target: str) -> str:
    return target.rpartition("/")[2]
