"""`python -m gateway` with several workers, and its log as it comes."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.environments import environment
from tests.planes import ANYWHERE

_SERVES = re.compile(r"the gateway serves gRPC on (\S+) and \w+://(\S+), registry at")
_ALONE = re.compile(r"this process alone is at \w+://(\S+)")


class Several:
    """A gateway of several workers: the addresses that they share, and each worker's own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.address = ""
        self.http_address = ""
        self.own: dict[int, str] = {}
        self.lines: list[dict[str, Any]] = []

    async def until_serving(self, *workers: int) -> None:
        """Read the log until these workers say, from now on, where they serve."""
        wanted = set(workers)
        async with asyncio.timeout(60):
            while wanted:
                line = await self.next_line()
                if found := _SERVES.match(line["event"]):
                    self.address, self.http_address = found.groups()
                elif found := _ALONE.match(line["event"]):
                    self.own[line["worker"]] = found[1]
                    wanted.discard(line["worker"])

    async def until_said(self, words: str) -> dict[str, Any]:
        """Read the log until a line has *words*."""
        async with asyncio.timeout(60):
            while words not in (line := await self.next_line())["event"]:
                pass
        return line

    async def next_line(self) -> dict[str, Any]:
        assert self.process.stderr is not None
        text = await self.process.stderr.readline()
        assert text, f"it ended; it had said {self.lines}"
        self.lines.append(json.loads(text))
        return self.lines[-1]

    async def stop(self) -> None:
        """Ask it to stop, and wait until it has."""
        self.process.terminate()
        async with asyncio.timeout(60):
            _, code = await asyncio.gather(self._read_on(), self.process.wait())
        assert code == 0

    async def _read_on(self) -> None:
        assert self.process.stderr is not None
        while text := await self.process.stderr.readline():
            self.lines.append(json.loads(text))


@asynccontextmanager
async def several_gateways(folder: Path, carrier: str, workers: int = 2, **settings: object) -> AsyncIterator[Several]:
    """Run a gateway of *workers* on a carrier; it is killed if nobody stopped it."""
    process = await start(folder, CARRIER=carrier, GATEWAY_WORKERS=workers, **settings)
    running = Several(process)
    try:
        await running.until_serving(*range(workers))
        yield running
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def refused(folder: Path, **settings: object) -> tuple[int | None, str]:
    """Start a gateway that is expected to end by itself; return its exit code and what it said."""
    process = await start(folder, **settings)
    try:
        _, said = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, said.decode()


async def start(folder: Path, **settings: object) -> asyncio.subprocess.Process:
    """Start a gateway on free ports, unless *settings* say otherwise."""
    usual = {
        "DATA_DIR": folder,
        "LOG_FORMAT": "json",
        "GATEWAY_ADDRESS": ANYWHERE,
        "GATEWAY_HTTP_ADDRESS": ANYWHERE,
        "GATEWAY_WORKERS_HTTP_ADDRESS": ANYWHERE,
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", env=environment(**usual | settings), stderr=asyncio.subprocess.PIPE
    )


async def metric(http_address: str, name: str) -> float:
    """Return the sum of a metric on the page of a worker, over all its labels."""
    async with aiohttp.ClientSession(f"http://{http_address}") as http, http.get("/metrics") as page:
        lines = (await page.text()).splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if re.match(rf"{name}[ {{]", line))
