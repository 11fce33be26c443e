"""Everything from the first start to the last stop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from airegistry._rpc.post import CarrierName
from airegistry._rpc.process import StartError, owned_tasks
from airegistry._rpc.settings import ServerSettings, read_environment
from airegistry.cli.session import Session
from airegistry.client import RegistryClient
from airegistry.errors import RegistryError
from airegistry.keeping import LEASE_TTL, LeaseKeeper, owner_id_file
from launcher.catalog import load_catalog
from launcher.children import Child, ChildDiedError, Children
from launcher.database import folder_for_root, wait_for_database
from launcher.demo import demo_resources
from launcher.health import wait_until_healthy
from launcher.places import Places
from launcher.postgres import PostgresServer
from launcher.tour import show_tour

_DATABASE = ("AIREGISTRY_REGISTRY_DATABASE_URL", "AIREGISTRY_REGISTRY_DATABASE_URL_FILE")
_AWAY = 2.0
"""Seconds that a dead replica stays away, so that one can see how the others do without it."""

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked for on the command line; None and False leave it to the environment."""

    data_dir: Path | None = None
    carrier: CarrierName | None = None
    catalog: bool = True
    insecure: bool = False


def run(session: Session, places: Places, wishes: Wishes) -> int:
    """Run everything until a signal or until a part dies; return the exit code."""
    try:
        settings = read_environment(ServerSettings, "launcher")
        folder = (wishes.data_dir or settings.data_dir).expanduser().absolute()
        insecure = wishes.insecure or settings.insecure
        carrier = wishes.carrier or settings.carrier
        places = replace(places, one_port=carrier == "envoy")
        places.check(insecure=insecure)
        shared = {"DATA_DIR": str(folder), "INSECURE": str(insecure).lower(), "CARRIER": carrier}
        everything = Everything(session, places, folder, _made(folder / "logs"), shared)
        return asyncio.run(_until_signalled(everything, catalog=wishes.catalog))
    except StartError as error:
        session.note(str(error), style="red")
        return error.exit_code
    except RegistryError as error:
        session.note(f"{error.reason}: {error}", style="red")
        return 1


class Everything:
    """The servers, and what is registered for them. The *settings* are those that all of them share."""

    def __init__(self, session: Session, places: Places, folder: Path, logs: Path, settings: Mapping[str, str]) -> None:
        self._session = session
        self._places = places
        self._folder = folder
        self._settings = settings
        self._children = Children(logs)
        self._registries: list[Child] = []

    async def run(self, *, catalog: bool) -> None:
        """Start everything and go on until a part dies (ChildDiedError) or the task is cancelled; then stop everything.

        A replica of the registry is no such part where there are others: it is started again.
        """
        async with AsyncExitStack() as stack:
            # Last to be pushed is first to go: the demo's leases end while there is a registry to tell.
            stack.push_async_callback(self._children.stop)
            await self._start(stack, catalog=catalog)
            show_tour(self._session, self._places, self._folder, [child.process.pid for child in self._registries])
            async with owned_tasks() as tasks:
                for child in self._children:
                    spared = child in self._registries and len(self._registries) > 1
                    tasks.create_task(self._keep(child) if spared else _need(child))

    async def _keep(self, child: Child) -> None:
        """Start a process again whenever it ends."""
        while True:
            await child.process.wait()
            self._session.note(f"the {child.name} ended ({child.ending}); the others go on, and it is started again")
            await asyncio.sleep(_AWAY)
            await self._children.start_again(child)
            self._session.note(f"the {child.name} is back: process {child.process.pid}")

    async def _start(self, stack: AsyncExitStack, *, catalog: bool) -> None:
        self._session.note("starting the servers")
        # First, because it trains its models for longer than the others start.
        demo = await self._start_demo() if self._places.demo is not None else None
        environment = self._environment(await self._start_database())
        await self._start_registries(environment)
        gateway = await self._children.start("gateway", ["gateway"], environment)
        client = await stack.enter_async_context(RegistryClient(self._places.registry))
        if catalog:
            self._session.note(await load_catalog(client, self._session))
        if demo is not None and self._places.demo is not None:
            await wait_until_healthy(demo, self._places.demo)
            await self._register_demo(client, stack, self._places.demo)
        revision = (await client.list_page("models", page_size=1)).revision
        # What is about to be recommended works only once the gateway knows it.
        await wait_until_healthy(
            gateway, self._places.gateway_http, satisfied=lambda facts: int(facts["revision"]) >= revision
        )

    async def _start_database(self) -> str | None:
        """Start a database where replicas need one and the environment names none; return its URL."""
        if self._places.replicas == 1 or any(os.environ.get(name) for name in _DATABASE):
            return None
        folder = self._folder / "postgres"
        if os.geteuid() == 0 and (elsewhere := folder_for_root(folder)) != folder:
            self._session.note(f"PostgreSQL keeps its data in {elsewhere}: as root it runs as nobody")
            folder = elsewhere
        server = await asyncio.to_thread(PostgresServer, folder)
        database = await self._children.start(
            "database", ["launcher.database", str(folder), str(server.port)], os.environ
        )
        await wait_for_database(database, server.url())
        return server.url()

    async def _start_registries(self, environment: Mapping[str, str]) -> None:
        for number, (address, http) in enumerate(
            zip(self._places.registries, self._places.registries_http, strict=True), 1
        ):
            own = {"AIREGISTRY_REGISTRY_ADDRESS": address, "AIREGISTRY_REGISTRY_HTTP_ADDRESS": http}
            name = "registry" if self._places.replicas == 1 else f"registry {number}"
            self._registries.append(await self._children.start(name, ["registry"], {**environment, **own}))
        for registry, http in zip(self._registries, self._places.registries_http, strict=True):
            await wait_until_healthy(registry, http)

    async def _start_demo(self) -> Child:
        arguments = ["demo_backend", "--host", "127.0.0.1", "--port", str(self._places.demo_port)]
        return await self._children.start("demo backend", arguments, os.environ)

    async def _register_demo(self, client: RegistryClient, stack: AsyncExitStack, address: str) -> None:
        """Register the demo's models for as long as we run; their leases end them if we are killed."""
        resources = demo_resources(address)
        owner_id = owner_id_file(self._folder / "demo-owner-id")
        # Asked for here, so that a refusal is told at once; the keeper renews what is there.
        await client.register(resources, lease_ttl=LEASE_TTL, owner_id=owner_id)
        await stack.enter_async_context(LeaseKeeper(client, resources, owner_id=owner_id))

    def _environment(self, database_url: str | None) -> Mapping[str, str]:
        own = {
            **{f"AIREGISTRY_{name}": value for name, value in self._settings.items()},
            "AIREGISTRY_ADDRESS": self._places.registry,
            "AIREGISTRY_GATEWAY_ADDRESS": self._places.gateway,
            "AIREGISTRY_GATEWAY_HTTP_ADDRESS": self._places.gateway_http,
        }
        return os.environ | own | ({"AIREGISTRY_REGISTRY_DATABASE_URL": database_url} if database_url else {})


async def _need(child: Child) -> NoReturn:
    """Wait until a process ends, which is the end of everything."""
    await child.process.wait()
    raise ChildDiedError(child)


async def _until_signalled(everything: Everything, *, catalog: bool) -> int:
    """Run until a signal; a second one cuts the stopping short."""
    running = asyncio.create_task(everything.run(catalog=catalog))
    loop = asyncio.get_running_loop()
    for number in _STOPPING:
        loop.add_signal_handler(number, running.cancel)
    with suppress(asyncio.CancelledError):
        await running
    return 0


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"cannot use {folder}: {(error.strerror or str(error)).lower()}") from error
    return folder
