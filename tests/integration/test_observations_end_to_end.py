"""What calls through a gateway came to, at the registry and back in the gateway's view."""

import asyncio
import inspect
import urllib.request
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from airegistry.backoff import Backoff
from airegistry.client import GatewayClient, RegistryClient
from airegistry.discovery.answers import Score
from airegistry.errors import RegistryError
from airegistry.invocations.invocation import Attempt, AttemptOutcome
from airegistry.invoke import open_engine
from airegistry.invoke.observer import Circumstances
from airegistry.observations.performance import ErrorCount
from airegistry.reporting import Reporter
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.route import ErrorClass
from airegistry.routing.target import Target
from airegistry.watching import CacheFeeder
from tests import catalogs, providers
from tests.catalogs import cache_of, chat
from tests.engines import streamed
from tests.planes import gateway_at, registry_at
from tests.ports import free_address
from tests.providers import provider, slow_first_token, status
from tests.robustness.processes import registry_process

A, B = "models/m/endpoints/a", "models/m/endpoints/b"
NOWHERE = "http://127.0.0.1:1/v1"


async def until(condition):
    """Wait for something that may be looked up over the network."""
    async with asyncio.timeout(30):
        while True:
            found = condition()
            if found := await found if inspect.isawaitable(found) else found:
                return found
            await asyncio.sleep(0.05)


async def window(client, name, attempts):
    """Return what was measured of *name* in the last minute once so many attempts were; None before."""
    (performance,) = (await client.get_performance([name])).performances
    first = performance.windows[0] if performance.windows else None
    return first if first is not None and first.attempts == attempts else None


def page(address):
    """Return the metrics that have no labels."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as response:
        lines = response.read().decode().splitlines()
    return {name: float(value) for name, _, value in (line.partition(" ") for line in lines) if name.isidentifier()}


async def all_told(gateway):
    """Return a gateway's metrics once it knows that the registry has all that it measured; None before."""
    shown = await asyncio.to_thread(page, gateway.http_address)
    return shown if shown["airegistry_observations_waiting"] == 0 else None


@asynccontextmanager
async def planes(folder, *behaviours, **settings):
    """Run providers, a registry that knows them, and a gateway before it; yield clients of both, and the gateway."""
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(registry_at(folder / "registry"))
        client = await stack.enter_async_context(RegistryClient(registry.address))
        one, other = [await stack.enter_async_context(provider(behaviours[place])) for place in (0, -1)]
        await client.register([
            catalogs.model(),
            catalogs.endpoint("a", one.url, priority=0, prices=catalogs.PRICES),
            catalogs.endpoint("b", other.url, priority=1, prices=catalogs.PRICES),
        ])  # fmt: skip
        options = {"gateway_report_interval": 0.1, "gateway_drain": 5.0} | settings
        gateway = await stack.enter_async_context(gateway_at(folder, registry.address, **options))
        yield client, gateway, await stack.enter_async_context(GatewayClient(gateway.address))


async def test_traffic_through_a_gateway_is_measured_and_comes_back(tmp_path):
    async with planes(tmp_path, status(429), slow_first_token(0.05)) as (client, gateway, calls):
        for _ in range(5):
            events = [event async for event in calls.invoke_stream(chat())]
            assert events[-1].end.settlement.target == B
        good = await until(lambda: window(client, B, 5))
        assert (good.errors, good.canceled) == ((), 0)
        assert good.time_to_first_token.count == good.duration.count == 5
        assert 0.04 < good.time_to_first_token.p50 < 10
        assert (good.cost_nanos, good.costed, good.tokens) == (5 * 18_000, 5, 5 * 14)
        tried = (await client.get_performance([A])).performances[0].windows[0]
        assert tried.errors == (ErrorCount(ErrorClass.RATE_LIMITED, tried.attempts),)
        assert (tried.time_to_first_token, tried.cost_nanos) == (None, None)
        shown = await until(lambda: all_told(gateway))
        assert shown["airegistry_observations_reported_total"] == 5 + tried.attempts
        assert shown["airegistry_observations_dropped_total"] == 0
        # And back: the gateway ranks by it.
        await until(lambda: gateway.cache.index._evidence.get(B))
        assert gateway.cache.index.observation_epoch > 0


@pytest.mark.parametrize(
    ("reports", "attempts"), [pytest.param(True, [1], id="by-default"), pytest.param(False, [], id="told-not-to")]
)
async def test_what_is_left_is_reported_when_the_gateway_stops(tmp_path, monkeypatch, reports, attempts):
    # As long as a busy machine needs for it.
    monkeypatch.setattr("gateway.app.CLOSING", 30.0)
    settings = {"gateway_report": reports, "gateway_report_interval": 60.0, "gateway_drain": 30.0}
    async with (
        registry_at(tmp_path / "registry") as registry,
        RegistryClient(registry.address) as client,
        provider(providers.ok) as up,
    ):
        await client.register([catalogs.model(), catalogs.endpoint("a", up.url)])
        async with (
            gateway_at(tmp_path, registry.address, **settings) as gateway,
            GatewayClient(gateway.address) as calls,
        ):
            await calls.invoke(chat())
        (performance,) = (await client.get_performance([A])).performances
        assert [window.attempts for window in performance.windows[:1]] == attempts


async def test_a_callers_own_mistakes_are_counted_and_harm_nobody(tmp_path):
    async with planes(tmp_path, status(400)) as (client, _, calls):
        before = (await client.discover(limit=2)).candidates
        for _ in range(3):
            with pytest.raises(RegistryError):
                await calls.invoke(chat())
        found = await until(lambda: window(client, A, 3))
        assert found.errors == (ErrorCount(ErrorClass.INVALID_REQUEST, 3),)
        after = (await client.discover(limit=2)).candidates
        reliability = [[part.value for part in each.score.parts] for each in (*before, *after)]
        assert reliability[0] == reliability[2]


async def test_an_embedded_engine_reports_and_is_fed_likewise(tmp_path):
    async with (
        registry_at(tmp_path) as registry,
        RegistryClient(registry.address) as client,
        provider(slow_first_token(0.02)) as up,
    ):
        await client.register([catalogs.model(), catalogs.endpoint("a", up.url)])
        cache = cache_of([], 0)
        async with CacheFeeder(client, cache) as feeder, Reporter(client, interval=0.1) as reporter:
            await feeder.wait_until_ready()
            async with open_engine(cache, observer=reporter) as engine:
                await streamed(engine, chat())
            await until(lambda: cache.index._evidence.get(A))
        assert (reporter.reported, reporter.waiting) == (1, 0)


async def test_a_registry_that_is_killed_again_and_again_counts_each_attempt_once(tmp_path):
    address = free_address()
    async with registry_process(tmp_path, address) as registry, RegistryClient(address) as client:
        await client.register([catalogs.model(), catalogs.endpoint("a", NOWHERE)])
        options: dict[str, Any] = {"interval": 0.02, "backoff": lambda: Backoff(first=0.02, most=0.2)}
        async with Reporter(client, **options) as reporter:
            noted, target = 0, Target(catalogs.endpoint("a", NOWHERE), Endpoint(), Score())
            for _ in range(3):
                for _ in range(40):
                    for _ in range(5):
                        attempt = Attempt(A, AttemptOutcome.OK, duration=1.0)
                        reporter.attempt_ended(target, attempt, Circumstances())
                        noted += 1
                    await asyncio.sleep(0.01)
                await registry.kill()
                await registry.start()
            await until(lambda: not reporter.waiting)
        (performance,) = (await client.get_performance([A])).performances
        assert performance.windows[-1].attempts == noted == 600
        assert (reporter.reported, reporter.dropped) == (600, 0)
