"""Watchers in a process of their own, told what to do by lines: `wait <count> <seconds>`, `take`, `cut`, `resume`.

Each answers with one line: `wait` with how many changes came so far, to all watchers together; `take` with how many
follow as pairs of 64-bit integers, change and nanoseconds, and then begins anew. `cut` closes every connection, and
`resume` opens all streams again, each from its last token.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

_OPEN_TIMEOUT = 60.0
_HERE = Path(__file__).parent
_BUILT = _HERE.parents[1] / "build" / "benchmarks" / "watchers"


@dataclass(frozen=True, slots=True)
class Watched:
    """A stream that can be opened many times."""

    address: str
    path: str
    request: bytes
    open: bool = False


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Which change came, and when by `now`: one of each for every watcher it came to."""

    changes: NDArray[np.int64]
    nanos: NDArray[np.int64]


class Receiver:
    """A process of watchers."""

    def __init__(self, process: asyncio.subprocess.Process, watchers: int) -> None:
        self._process = process
        self._usage = psutil.Process(process.pid)
        self.watchers = watchers

    def cpu_seconds(self) -> float:
        """Return the processor time that the watchers used so far."""
        times = self._usage.cpu_times()
        return float(times.user + times.system)

    async def wait(self, changes: int, *, seconds: float = 60.0) -> bool:
        """Wait until this many changes came to each watcher, and say whether they did in time."""
        wanted = changes * self.watchers
        return int(await self._ask(f"wait {wanted} {seconds}")) >= wanted

    async def take(self) -> Arrivals:
        """Return what came since the last time."""
        count = int(await self._ask("take"))
        pairs = np.frombuffer(await self._output.readexactly(count * 16), dtype="<i8").reshape(-1, 2)
        return Arrivals(pairs[:, 0], pairs[:, 1])

    async def cut(self) -> None:
        """Close every connection; no new one is made before `resume`."""
        await self._ask("cut")

    async def resume(self) -> None:
        """Let every stream go on from its last token."""
        await self._ask("resume")

    @property
    def _output(self) -> asyncio.StreamReader:
        assert self._process.stdout is not None  # noqa: S101 - it was started with a pipe
        return self._process.stdout

    async def _ask(self, command: str) -> bytes:
        assert self._process.stdin is not None  # noqa: S101 - the same
        self._process.stdin.write(f"{command}\n".encode())
        return await self.answer()

    async def answer(self) -> bytes:
        """Return the next line; RuntimeError when there is none, because the process ended."""
        line = await self._output.readline()
        if not line:
            raise RuntimeError(f"the watchers ended with {await self._process.wait()}")
        return line


@asynccontextmanager
async def receiver(watched: Watched, watchers: int, *, channels: int, python: bool = False) -> AsyncIterator[Receiver]:
    """Open *watchers* streams over *channels* connections; with *python*, as Python clients do."""
    command = [
        *(_python() if python else _fastest()),
        *("--address", watched.address, "--path", watched.path),
        *("--request", base64.b64encode(watched.request).decode()),
        *("--watchers", str(watchers), "--channels", str(channels)),
        *(["--open"] if watched.open else []),
    ]
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=2**20)
    try:
        started = Receiver(process, watchers)
        async with asyncio.timeout(_OPEN_TIMEOUT):
            await started.answer()
        yield started
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def now() -> int:
    """Return nanoseconds of the clock that the watchers read, too."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def _python() -> Sequence[str]:
    return (sys.executable, "-m", "benchmarks.receiving.watchers")


@cache
def _fastest() -> Sequence[str]:
    if (go := shutil.which("go")) is None:
        print("no Go here: the watchers are in Python, and most of a figure is their own work", file=sys.stderr)
        return _python()
    subprocess.run([go, "build", "-buildvcs=false", "-o", str(_BUILT), "."], cwd=_HERE, check=True)
    return (str(_BUILT),)
