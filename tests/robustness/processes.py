"""The servers as processes that a test may kill, on ports that stay theirs over restarts."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self

import psutil

from tests.environments import environment

_MILD = re.compile(r'"level": ?"(debug|info|warning)"')
_SERVES = re.compile(rb"serves gRPC on \S+ and https?://([^\s,]+)")


def kill(pid: int) -> Sequence[psutil.Process]:
    """End a program and the server that it started, if that is another process; return that."""
    try:
        started = psutil.Process(pid)
        servers = started.children()
        # First who would start it again.
        started.kill()
    except psutil.NoSuchProcess:
        # It ended a moment ago, which its parent has not looked at yet.
        return []
    for server in servers:
        with suppress(psutil.NoSuchProcess):
            server.kill()
    return servers


class Server:
    """`python -m {module}`, which may be killed and started again; what it logs goes to *log*.

    Inside Envoy it is a child of the process that is started; what is done to the server is done to that.
    """

    http_address = ""
    _serving: psutil.Process

    def __init__(self, module: str, settings: Mapping[str, str], log: Path) -> None:
        self._environment = environment(**settings)
        self._module = module
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> Self:
        """Start it, and wait until it says that it serves."""
        with self._log.open("ab") as log:
            # Before it starts: it may say so before anything else is done here.
            size = self._log.stat().st_size
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self._module, env=self._environment, stderr=log
            )
        async with asyncio.timeout(60):
            while (said := _SERVES.search(self._log.read_bytes()[size:])) is None:
                assert self._process.returncode is None, self._log.read_text()
                await asyncio.sleep(0.02)
        self.http_address = said[1].decode()
        started = psutil.Process(self._process.pid)
        self._serving = next(iter(started.children()), started)
        return self

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server."""
        self._serving.send_signal(number)

    async def kill(self) -> None:
        """End it without a chance to clean up; nothing when it does not run."""
        if self._process is None or self._process.returncode is not None:
            return
        left = kill(self._process.pid)
        await self._process.wait()
        await asyncio.to_thread(psutil.wait_procs, left)

    @property
    def pid(self) -> int:
        """The number of the process that serves."""
        return self._serving.pid

    @property
    def processes(self) -> list[psutil.Process]:
        """The process that was started, and all below it."""
        assert self._process is not None
        started = psutil.Process(self._process.pid)
        return [started, *started.children(recursive=True)]

    @property
    def admin(self) -> Path | None:
        """The socket of Envoy's admin pages; None where there is no Envoy."""
        configured = [Path(word) for word in self._serving.cmdline() if word.endswith("/envoy.json")]
        return configured[0].with_name("admin.sock") if configured else None

    @property
    def died(self) -> bool:
        """Whether the process that served first is no more, though another may have taken its place."""
        try:
            return self._serving not in self.processes or self._serving.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    @property
    def complaints(self) -> list[str]:
        """What it logged that is worse than a warning; what Envoy or Python say by themselves is, too."""
        return [line for line in self.log.splitlines() if not _MILD.search(line)]

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
