"""The servers as processes that a test may kill, on ports that stay theirs over restarts."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self


class Server:
    """`python -m {module}`, which may be killed and started again; what it logs goes to *log*."""

    def __init__(self, module: str, settings: Mapping[str, str], log: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIREGISTRY_")}
        self._environment = kept | {f"AIREGISTRY_{name}": value for name, value in settings.items()}
        self._module = module
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> Self:
        """Start it, and wait until it says that it serves."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self._module, env=self._environment, stderr=log
            )
        size = self._log.stat().st_size
        async with asyncio.timeout(30):
            while b"serves gRPC" not in self._log.read_bytes()[size:]:
                assert self._process.returncode is None, self._log.read_text()
                await asyncio.sleep(0.02)
        return self

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        """End it without a chance to clean up; nothing when it does not run."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What it logged so far, over all starts."""
        return self._log.read_text()


@asynccontextmanager
async def registry_process(folder: Path, address: str, **settings: str) -> AsyncIterator[Server]:
    """Run a registry at *address*."""
    fixed = {
        "DATA_DIR": str(folder),
        "REGISTRY_ADDRESS": address,
        "REGISTRY_HTTP_ADDRESS": "127.0.0.1:0",
        "LOG_FORMAT": "json",
    }
    server = Server("registry", fixed | settings, folder / "registry.log")
    try:
        yield await server.start()
    finally:
        await server.kill()


@asynccontextmanager
async def gateway_process(folder: Path, registry: str, address: str, **settings: str) -> AsyncIterator[Server]:
    """Run a gateway at *address* for the registry at *registry*."""
    fixed = {
        "DATA_DIR": str(folder),
        "ADDRESS": registry,
        "GATEWAY_ADDRESS": address,
        "GATEWAY_HTTP_ADDRESS": "127.0.0.1:0",
        "LOG_FORMAT": "json",
    }
    server = Server("gateway", fixed | settings, folder / "gateway.log")
    try:
        yield await server.start()
    finally:
        await server.kill()
