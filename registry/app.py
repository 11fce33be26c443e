"""The registry put together: what starts first stops last."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from starlette.applications import Starlette

from airegistry._rpc.carrier import AsgiApp, CallObserver, Carrier, ConnectionAge, Offer
from airegistry._rpc.health import HealthState
from airegistry._rpc.metrics import Metrics
from airegistry._rpc.process import StartError, end, owned_tasks
from airegistry._rpc.service import Service
from airegistry._rpc.status_pages import Api, status_routes
from airegistry._rpc.usual_carrier import usual_carrier
from airegistry.discovery.index import Index
from airegistry.discovery.naming import NameTable
from airegistry.errors import RegistryError
from airegistry.expressions.expression import compile_expression
from airegistry.invoke.credentials import Credentials
from registry.catalog import Catalog
from registry.config import Config
from registry.metrics import observe
from registry.observation_metrics import ObservationMetrics
from registry.observations.heard import Heard
from registry.observations.intake import Intake
from registry.observations.observations import Observations
from registry.observations.retention import Retention
from registry.probes.ladder import open_ladder
from registry.probes.prober import Prober
from registry.probes.sharding import Share
from registry.rpc.analytics import Analytics
from registry.rpc.analytics_service import analytics_service
from registry.rpc.measuring import Measuring
from registry.rpc.performance_watches import PerformanceWatches
from registry.rpc.reports import Reports
from registry.rpc.service import registry_service
from registry.rpc.watches import Watches, WatchLimits
from registry.store.base import Store
from registry.store.measured import MeasuredStore
from registry.store.sqlite.store import SqliteStore
from registry.upkeep import Upkeep

log = logging.getLogger(__name__)

_AWAY = 2.0
"""A pass of the sweep that comes this late, in seconds, means that the plane itself was away."""


@dataclass(frozen=True, slots=True)
class Registry:
    """A running registry: where it listens, and what it holds."""

    address: str
    http_address: str
    catalog: Catalog


@asynccontextmanager
async def serve(
    config: Config, *, carrier: Carrier | None = None, clock: Callable[[], float] | None = None
) -> AsyncIterator[Registry]:
    """Run a registry for as long as the block runs; StartError when it cannot start.

    Its calls come by *carrier*, by grpc.aio when none is given. *clock* gives the time in seconds since 1970, in the place of the wall clock and of SQLite's; PostgreSQL has its own. A part that dies on its own cancels the block and raises out of it.
    """
    async with owned_tasks() as tasks, AsyncExitStack() as stack:
        opened, where = await _open_store(config, clock)
        store = MeasuredStore(opened)
        stack.push_async_callback(store.close)
        catalog = await _open_catalog(config, store, tasks, stack, clock or time.time)
        watches = Watches(catalog, _watch_limits(config))
        stack.push_async_callback(end, tasks.create_task(watches.run()))
        measuring = await _open_measuring(config, catalog, store, tasks, stack)
        prober = await _open_prober(config, catalog, store, tasks, stack) if config.registry_probes else None
        health = HealthState()
        metrics = Metrics("registry")
        observe(metrics, catalog, watches, store.latencies, prober)
        metrics.register(ObservationMetrics(measuring))
        services = [
            registry_service(catalog, watches, time.monotonic, measuring.heard.hear),
            analytics_service(measuring.reports, measuring.analytics, measuring.watches),
        ]
        pages = Starlette(routes=status_routes(health, metrics, lambda: {"revision": catalog.revision}, _api()))
        offer = _offer(config, services, health, pages, metrics.calls)
        carried = await (carrier or usual_carrier()).open(offer, tasks)
        stack.push_async_callback(carried.close, config.registry_drain)
        # Open watches end here, so that the server need not wait for them.
        stack.callback(catalog.feed.close)
        stack.callback(measuring.observations.lane.close)
        stack.callback(health.close)
        log.info(
            "the registry serves gRPC on %s and %s://%s, data in %s",
            carried.address,
            config.scheme,
            carried.http_address,
            where,
        )
        yield Registry(carried.address, carried.http_address, catalog)


def _api() -> Api:
    return Api("/registry/v1/", files("registry").joinpath("openapi.json").read_bytes())


def _watch_limits(config: Config) -> WatchLimits:
    return WatchLimits(
        max_age=config.registry_max_watch_age,
        max_streams=config.registry_max_watches,
        stall_timeout=config.registry_watch_stall_timeout,
        max_lag_revisions=config.registry_watch_max_lag_revisions,
        max_lag_bytes=config.registry_watch_max_lag_bytes,
    )


async def _open_catalog(
    config: Config, store: Store, tasks: asyncio.TaskGroup, stack: AsyncExitStack, clock: Callable[[], float]
) -> Catalog:
    index = Index(lambda: datetime.fromtimestamp(clock(), UTC), compile_expression)
    catalog = await Catalog.open(store, index=index, names=NameTable())
    upkeep = Upkeep(
        sweep_interval=config.registry_sweep_interval,
        away=config.registry_sweep_interval + _AWAY,
        compact_interval=config.registry_compact_interval,
        keep_history=config.registry_history_age,
        keep_revisions=config.registry_history_revisions,
        max_history_bytes=config.registry_history_bytes,
    )
    stack.push_async_callback(end, tasks.create_task(catalog.run(upkeep)))
    return catalog


async def _open_measuring(
    config: Config, catalog: Catalog, store: Store, tasks: asyncio.TaskGroup, stack: AsyncExitStack
) -> Measuring:
    observations = Observations(
        store.observations, catalog.index, catalog.entries, catalog.feed, reloads=lambda: catalog.tail.reloads
    )
    await observations.load()
    intake = Intake(
        store.observations,
        observations.take,
        gather=config.registry_observations_gather,
        max_waiting=config.registry_observations_waiting,
        max_reporters=config.registry_max_reporters,
    )
    heard = Heard(store.observations, observations)
    retention = Retention(
        minutes=config.registry_rollup_minutes_age,
        hours=config.registry_rollup_hours_age,
        days=config.registry_rollup_days_age,
    )
    limits = replace(_watch_limits(config), max_streams=config.registry_max_performance_watches)
    stack.push_async_callback(end, tasks.create_task(observations.run(intake, heard, retention)))
    return Measuring(
        observations=observations,
        intake=intake,
        heard=heard,
        reports=Reports(observations, intake, catalog.catch_up),
        analytics=Analytics(observations, retention),
        watches=PerformanceWatches(observations, limits),
    )


async def _open_prober(
    config: Config, catalog: Catalog, store: Store, tasks: asyncio.TaskGroup, stack: AsyncExitStack
) -> Prober:
    credentials = Credentials(directory=config.registry_credentials_dir, environment={}, now=time.monotonic)
    ladder = await stack.enter_async_context(open_ladder(credentials=credentials))
    share = Share(store.replica_id, lambda: store.replicas)
    prober = Prober(catalog, catalog.show_verdicts, ladder, share)
    stack.push_async_callback(end, tasks.create_task(prober.run()))
    return prober


async def _open_store(config: Config, clock: Callable[[], float] | None) -> tuple[Store, str]:
    """Return the store, and where it is in words."""
    if url := config.registry_database_url.get_secret_value():
        return await _open_postgres(config, url), "PostgreSQL"
    folder = config.data_dir.expanduser() / "registry"
    return _open_sqlite(folder, clock), str(folder)


async def _open_postgres(config: Config, url: str) -> Store:
    # SQLite, the default, need not pay for the driver.
    from registry.store.postgres import PostgresStore  # noqa: PLC0415

    try:
        return await PostgresStore.open(
            url, notify=config.registry_database_notify, poll_interval=config.registry_poll_interval
        )
    except RegistryError as error:
        raise StartError(f"cannot use the database: {error}") from error


def _open_sqlite(folder: Path, clock: Callable[[], float] | None) -> Store:
    try:
        return SqliteStore(folder, now=clock)
    except OSError as error:
        raise StartError(f"cannot use the data folder {folder}: {(error.strerror or str(error)).lower()}") from error
    except (RegistryError, sqlite3.Error) as error:
        raise StartError(f"cannot open the data in {folder}: {error}") from error


def _offer(
    config: Config, services: Sequence[Service], health: HealthState, pages: AsgiApp, observer: CallObserver
) -> Offer:
    return Offer(
        services=services,
        health=health,
        pages=pages,
        observer=observer,
        address=config.registry_address,
        http_address=config.registry_http_address,
        insecure=config.insecure,
        shared=config.registry_workers > 1,
        age=ConnectionAge(
            config.registry_max_watch_age,
            # Every Watch has ended by then; what is left of one that nobody reads goes with its connection.
            grace=config.registry_max_watch_age + config.registry_watch_stall_timeout,
        ),
    )
