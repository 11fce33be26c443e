"""The gateway put together: what starts first stops last."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from airegistry._rpc.carrier import Carrier, ConnectionAge, Offer
from airegistry._rpc.health import HealthState
from airegistry._rpc.metrics import Metrics
from airegistry._rpc.process import end, owned_tasks
from airegistry._rpc.usual_carrier import usual_carrier
from airegistry.cache import Cache
from airegistry.client import RegistryClient
from airegistry.invoke import Engine, EngineSettings, open_engine
from airegistry.invoke.credentials import Credentials
from airegistry.invoke.observer import Observer, Observers
from airegistry.invoke.transport import TransportSettings
from airegistry.reporting import Reporter
from airegistry.reporting.reporter import CLOSING
from airegistry.resources.route import RoutePolicy
from airegistry.snapshots import SnapshotFile
from airegistry.watching import CacheFeeder
from gateway.clocks import Clocks
from gateway.config import Config
from gateway.fronts.app import fronts
from gateway.learning import open_learning
from gateway.link import registry_credentials
from gateway.metrics import InvocationMetrics, observe
from gateway.proxies import proxies_for
from gateway.reporting_metrics import ReportingMetrics
from gateway.rpc.invocations import Feedback
from gateway.rpc.service import gateway_service
from gateway.siblings import open_siblings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway: where it listens, and what it stands on."""

    address: str
    http_address: str
    cache: Cache
    engine: Engine


@asynccontextmanager
async def serve(
    config: Config,
    *,
    carrier: Carrier | None = None,
    environment: Mapping[str, str] | None = None,
    now: Callable[[], float] = time.monotonic,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[Gateway]:
    """Run a gateway for as long as the block runs; StartError when it cannot start.

    It starts and serves while the registry is away, by the last good view. Its calls come by *carrier*, by grpc.aio and
    uvicorn when none is given. Credentials may be in *environment*; *now* is the
    monotonic clock of all its parts, *clock* gives the seconds since 1970. A part that dies on its own cancels the block and
    raises out of it.
    """
    clocks = Clocks(now, clock)
    async with owned_tasks() as tasks, AsyncExitStack() as stack:
        folder = config.data_dir.expanduser() / "gateway"
        client = await stack.enter_async_context(
            RegistryClient(config.address, credentials=registry_credentials(config))
        )
        cache = await _open_cache(config, client, folder, tasks, stack, clocks)
        metrics = Metrics("gateway")
        stack.callback(metrics.close)
        credentials = _credentials(config, folder, environment or {}, now)
        learned = open_learning(config, folder, metrics, tasks, stack, clocks)
        engine = await stack.enter_async_context(
            open_engine(
                cache,
                credentials=credentials,
                settings=_settings(config, environment or {}),
                observer=_observer(config, client, metrics, tasks, stack, clocks),
                now=now,
                clock=clocks.wall,
                learned=learned,
            )
        )
        observe(metrics, engine, cache, now)
        health = HealthState()
        app = fronts(
            engine, health, metrics, lambda: _facts(cache, now()), max_body_bytes=config.gateway_max_body_bytes
        )
        feedback = await _open_feedback(config, engine, stack)
        offer = Offer(
            services=[gateway_service(engine, feedback)],
            health=health,
            pages=app,
            observer=metrics.calls,
            address=config.gateway_address,
            http_address=config.gateway_http_address,
            insecure=config.insecure,
            shared=config.gateway_workers > 1,
            http_shared=config.gateway_workers > 1,
            age=ConnectionAge(config.gateway_max_connection_age),
        )
        carried = await (carrier or usual_carrier()).open(offer, tasks)
        stack.push_async_callback(carried.close, config.gateway_drain)
        stack.callback(health.close)
        log.info(
            "the gateway serves gRPC on %s and %s://%s, registry at %s",
            carried.address,
            config.scheme,
            carried.http_address,
            config.address,
        )
        if config.gateway_workers > 1:
            log.info("this process alone is at %s://%s", config.scheme, carried.own_http_address)
        yield Gateway(carried.address, carried.http_address, cache, engine)


async def _open_cache(
    config: Config,
    client: RegistryClient,
    folder: Path,
    tasks: asyncio.TaskGroup,
    stack: AsyncExitStack,
    clocks: Clocks,
) -> Cache:
    """Return a cache that is fed, after it showed something or the wait for that was over."""
    cache = Cache(clocks.wall, stale_after=config.gateway_stale_after)
    feeder = CacheFeeder(client, cache, file=SnapshotFile(folder / "snapshot"), clock=clocks.monotonic)
    await feeder.load()
    stack.push_async_callback(feeder.save)
    stack.push_async_callback(end, tasks.create_task(feeder.run()))
    try:
        async with asyncio.timeout(config.gateway_start_wait):
            await feeder.wait_until_ready()
    except TimeoutError:
        log.warning("the registry at %s does not answer; serving without a view until it does", config.address)
    return cache


def _observer(
    config: Config,
    client: RegistryClient,
    metrics: Metrics,
    tasks: asyncio.TaskGroup,
    stack: AsyncExitStack,
    clocks: Clocks,
) -> Observer:
    """Return who is told of attempts: the metrics, and who reports to the registry."""
    counted = InvocationMetrics(metrics)
    if not config.gateway_report:
        return counted
    reporter = Reporter(
        client, interval=config.gateway_report_interval, kept=config.gateway_report_kept, clock=clocks.wall
    )
    metrics.register(ReportingMetrics(reporter))
    stack.push_async_callback(end, tasks.create_task(reporter.run()))
    # Calls have ended by then; the registry may be stopping, too.
    stack.push_async_callback(reporter.flush, min(CLOSING, config.gateway_drain))
    return Observers(counted, reporter)


async def _open_feedback(config: Config, engine: Engine, stack: AsyncExitStack) -> Feedback | None:
    """Return who brings what callers say to the worker that answered; None where the engine knows all answers itself."""
    if not config.gateway_learning or config.gateway_workers == 1:
        return None
    siblings = await stack.enter_async_context(open_siblings(engine, config.gateway_address))
    return None if siblings is None else siblings.report


def _credentials(config: Config, folder: Path, environment: Mapping[str, str], now: Callable[[], float]) -> Credentials:
    return Credentials(
        directory=config.gateway_credentials_dir or folder / "credentials",
        environment=environment,
        pattern=config.gateway_credential_pattern,
        now=now,
    )


def _settings(config: Config, environment: Mapping[str, str]) -> EngineSettings:
    max_in_flight = _share(config.gateway_max_in_flight, config)
    return EngineSettings(
        policy=RoutePolicy(
            max_attempts=config.gateway_max_attempts,
            connect_timeout=config.gateway_connect_timeout,
            first_token_timeout=config.gateway_first_token_timeout,
            idle_timeout=config.gateway_idle_timeout,
            total_timeout=config.gateway_total_timeout,
        ),
        max_in_flight=max_in_flight,
        queue_length=_share(config.gateway_queue_length, config),
        longest_wait=config.gateway_queue_wait,
        longest_pause=config.gateway_longest_pause,
        longest_lag=config.gateway_longest_lag,
        hedge_share=config.gateway_hedge_share,
        transport=TransportSettings(
            # More than calls can be with providers at once: none waits for a connection unseen.
            max_connections=2 * max_in_flight,
            max_answer_bytes=config.gateway_max_answer_bytes,
            ca_file=config.gateway_ca_file,
            proxies=proxies_for(config, environment),
        ),
    )


def _share(limit: int, config: Config) -> int:
    """Return what one of the processes may have of a limit of all of them; together they have it, and no more than one each beyond."""
    return math.ceil(limit / config.gateway_workers)


def _facts(cache: Cache, at: float) -> Mapping[str, object]:
    return {"revision": cache.revision, "stale": cache.stale(at), "silence": cache.silence(at)}
