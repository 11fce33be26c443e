"""Every client inside one Envoy, which passes calls on by the client that is named."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from pyvoy import HTTPVersion, PyvoyServer, Upstream

from benchmarks.http_clients.app import CLUSTER, PROCESSOR
from benchmarks.http_clients.clients.ours import opened
from benchmarks.http_clients.clients.port import Client, Options
from benchmarks.http_clients.loops import WORKS, Turn, call_of, turn


class Carried:
    """Takes turns through an Envoy, whose processor time counts: its own share is in it."""

    def __init__(self, address: str, caller: Client) -> None:
        self._address = address
        self._caller = caller

    async def turn(self, name: str, work: str) -> Turn:
        """Have one turn taken by a client, or by whoever else the application knows."""
        call = call_of(self._caller, f"{self._address}/{quote(name)}", WORKS[work])
        return await turn(call, WORKS[work], self._processor)

    async def _processor(self) -> float:
        return float((await self._caller.whole(self._address + PROCESSOR, b"{}")).body)


@asynccontextmanager
async def carried(provider: str) -> AsyncIterator[Carried]:
    """Run an Envoy with one thread for calls; *provider* is its address."""
    server = PyvoyServer(
        "benchmarks.http_clients.app:app",
        upstreams=[Upstream(CLUSTER, provider, HTTPVersion.HTTP1)],
        additional_envoy_args=["--concurrency", "1"],
        env={"BENCH_PROVIDER": f"http://{provider}", "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])},
        lifespan=False,
        loop="uvloop",
    )
    async with server:
        caller = await opened(Options())
        yield Carried(f"http://127.0.0.1:{server.listener_port}", caller)
        await caller.close()
