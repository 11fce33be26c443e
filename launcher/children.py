"""The server processes: started in order, watched, and stopped in the reverse order."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from airegistry._rpc.process import StartError

STOPPING = 15.0
"""Seconds that a process gets to stop: longer than the servers let running calls finish."""
KILLING = 5.0

_LAST_LINES = 12
_LAST_BYTES = 16 * 1024


@dataclass(slots=True)
class Child:
    """One program: how it is started, the file that it writes to, and the process that runs it now."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: asyncio.subprocess.Process

    @property
    def ending(self) -> str:
        """How its process ended, in words."""
        code = self.process.returncode or 0
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def last_lines(self) -> str:
        """Return the end of what it wrote."""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - _LAST_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-_LAST_LINES:])


class ChildDiedError(StartError):
    """A process ended that should go on; the message has the end of what it wrote."""

    def __init__(self, child: Child) -> None:
        super().__init__(
            f"the {child.name} ended by itself ({child.ending}); the last lines of {child.log}:\n{child.last_lines()}"
        )


class Children:
    """Processes of Python modules, each in a session of its own.

    So Ctrl-C in the terminal reaches only their parent, which stops them in order. When the parent is killed they stop by
    themselves, all at once.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: list[Child] = []

    def __iter__(self) -> Iterator[Child]:
        return iter(self._children)

    async def start(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start `python -m …`; what it writes goes to a file, from its beginning."""
        log = self._folder / f"{name.replace(' ', '-')}.log"
        log.write_bytes(b"")
        child = Child(name, arguments, environment, log, await _process(arguments, environment, log))
        self._children.append(child)
        return child

    async def start_again(self, child: Child) -> None:
        """Start one that ended; its log goes on."""
        child.process = await _process(child.arguments, child.environment, child.log)

    async def stop(self) -> None:
        """Stop one after the other, the last started first, and kill what does not stop in time."""
        try:
            for child in reversed(self._children):
                await _end(child.process, signal.SIGTERM, STOPPING)
        finally:
            # Also when the waiting was cut short: nothing may be left behind.
            for child in self._children:
                await _end(child.process, signal.SIGKILL, KILLING)


async def _process(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> asyncio.subprocess.Process:
    with log.open("ab") as file:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "launcher.leashed", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=file,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )


async def _end(process: asyncio.subprocess.Process, how: signal.Signals, seconds: float) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.send_signal(how)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await process.wait()
