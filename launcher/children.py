"""The server processes: started in order, watched, and stopped in the reverse order."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from airegistry._rpc.process import StartError

STOPPING = 15.0
"""Seconds that a process gets to stop: longer than the servers let running calls finish."""
KILLING = 5.0

_LAST_LINES = 12
_LAST_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Child:
    """One process, and the file that it writes to."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    def last_lines(self) -> str:
        """Return the end of what it wrote."""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - _LAST_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-_LAST_LINES:])


class ChildDiedError(StartError):
    """A process ended that should go on; the message has the end of what it wrote."""

    def __init__(self, child: Child) -> None:
        code = child.process.returncode or 0
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        super().__init__(
            f"the {child.name} ended by itself ({how}); the last lines of {child.log}:\n{child.last_lines()}"
        )


class Children:
    """Processes of Python modules, each in a session of its own.

    So Ctrl-C in the terminal reaches only their parent, which stops them in order.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: list[Child] = []

    async def start(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start `python -m …`; what it writes goes to a file, from its beginning."""
        log = self._folder / f"{arguments[0]}.log"
        with log.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
            )
        child = Child(name, process, log)
        self._children.append(child)
        return child

    async def first_death(self) -> Child:
        """Wait until one of the processes ends."""
        waiting = {asyncio.create_task(child.process.wait()): child for child in self._children}
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        return waiting[next(iter(done))]

    async def stop(self) -> None:
        """Stop one after the other, the last started first, and kill what does not stop in time."""
        try:
            for child in reversed(self._children):
                await _end(child.process, signal.SIGTERM, STOPPING)
        finally:
            # Also when the waiting was cut short: nothing may be left behind.
            for child in self._children:
                await _end(child.process, signal.SIGKILL, KILLING)


async def _end(process: asyncio.subprocess.Process, how: signal.Signals, seconds: float) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.send_signal(how)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await process.wait()
