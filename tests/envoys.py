"""Real Envoys for tests, with an application inside them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp

from airegistry._rpc.envoy.bootstrap import admin_socket
from airegistry._rpc.envoy.installed import find_envoy
from airegistry._rpc.envoy.plan import Plan
from airegistry._rpc.envoy.planning import write
from airegistry._rpc.listening import join_address
from tests.envoy_app import SERVICE


def plan(folder: Path, **changes: Any) -> Plan:
    """Return a plan for the small application on a free port."""
    usual = Plan(
        app="tests.envoy_app:app",
        addresses=("127.0.0.1:0",),
        pyvoy_module=find_envoy().pyvoy_module,
        folder=folder,
        services=(SERVICE,),
    )
    return replace(usual, **changes)


@dataclass
class Running:
    """A running Envoy: where it listens, and who it is."""

    addresses: Sequence[str]
    process: asyncio.subprocess.Process
    admin: Path

    @property
    def address(self) -> str:
        return self.addresses[0]

    @property
    def url(self) -> str:
        return f"http://{self.address}"


@asynccontextmanager
async def running(plan: Plan) -> AsyncIterator[Running]:
    """Lend an Envoy that does what *plan* says."""
    config = write(plan)
    log = plan.folder / "envoy.log"
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *_command(config), env={**os.environ, **find_envoy().environment}, stdout=said, stderr=said
        )
    try:
        yield Running(await addresses_of(admin_socket(plan), process, log), process, admin_socket(plan))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def validate(plan: Plan) -> str:
    """Return what Envoy has against *plan*; nothing when it takes it."""
    process = await asyncio.create_subprocess_exec(
        *_command(write(plan)),
        "--mode",
        "validate",
        env={**os.environ, **find_envoy().environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return said.decode() if process.returncode else ""


async def ask_admin(admin: Path, path: str) -> bytes:
    """Return an admin page."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(admin))) as session,
        session.get(f"http://admin{path}") as answer,
    ):
        return await answer.read()


def _command(config: Path) -> list[str]:
    return [
        str(find_envoy().program),
        "-c",
        str(config),
        "--use-dynamic-base-id",
        "--file-flush-interval-msec",
        "100",
        "--concurrency",
        "1",
        "--log-level",
        "error",
    ]


async def addresses_of(admin: Path, process: asyncio.subprocess.Process, log: Path) -> Sequence[str]:
    """Wait until an Envoy listens, and return where."""
    async with asyncio.timeout(60):
        while process.returncode is None:
            try:
                listeners = json.loads(await ask_admin(admin, "/listeners?format=json"))["listener_statuses"]
            except (OSError, aiohttp.ClientError, KeyError):
                await asyncio.sleep(0.05)
                continue
            places = [listeners[0]["local_address"], *listeners[0].get("additional_local_addresses", [])]
            return [join_address(at["address"], at["port_value"]) for at in (one["socket_address"] for one in places)]
    raise AssertionError(f"Envoy ended at its start: {_said(log)}")


def _said(log: Path) -> str:
    return log.read_text()
