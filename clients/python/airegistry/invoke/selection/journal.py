"""The log of decisions: lines in a file that is turned over when it is full."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

log = logging.getLogger(__name__)

_INTERVAL = 0.5
_WAITING = 10_000


class Journal:
    """Writes lines to *path* in the background, and loses them rather than hold up a call.

    A file of *most_bytes* becomes `path.1`, and that one `path.2`; *files* of them are kept in all. At most 10,000 lines wait
    to be written; `dropped` counts those beyond, and those that could not be written. Several processes may share the file:
    each line is appended whole, and a full file is turned over once.
    """

    def __init__(self, path: Path, *, most_bytes: int, files: int) -> None:
        self.path = path
        self.written = 0
        self.dropped = 0
        self._most_bytes = most_bytes
        self._files = files
        self._lines: deque[str] = deque()
        self._failing = False
        # Held while lines are written and files turned over: flushes at the end of the program meet the last one of `run`.
        self._writing = asyncio.Lock()

    def add(self, line: str) -> None:
        """Have a line written."""
        if len(self._lines) >= _WAITING:
            self._lines.popleft()
            self.dropped += 1
        self._lines.append(line)

    async def run(self) -> None:
        """Write, without an end."""
        while True:
            await asyncio.sleep(_INTERVAL)
            await self.flush()

    async def flush(self) -> None:
        """Write what waits now."""
        async with self._writing:
            if not self._lines:
                return
            lines, self._lines = self._lines, deque()
            data = "".join(f"{line}\n" for line in lines).encode()
            writing = asyncio.ensure_future(asyncio.to_thread(self._write, data))
            # What is cancelled meanwhile is written all the same: the thread may not even have begun.
            try:
                await asyncio.wait([writing])
            except asyncio.CancelledError:
                await asyncio.wait([writing])
                raise
            finally:
                if writing.done():
                    self._count(len(lines), writing)

    def _count(self, lines: int, writing: asyncio.Future[None]) -> None:
        try:
            writing.result()
        except OSError as error:
            self.dropped += lines
            if not self._failing:
                log.warning("cannot write decisions to %s, and drops them: %s", self.path, error)
            self._failing = True
        else:
            self.written += lines
            self._failing = False

    def _write(self, data: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked() as descriptor:
            while data:
                data = data[os.write(descriptor, data) :]
            if os.fstat(descriptor).st_size >= self._most_bytes:
                self._turn_over()

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Open the file for this process alone, until the block ends."""
        while True:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # Whoever had it before us may have turned it over: then it is the log no more.
                if self._is_log(descriptor):
                    yield descriptor
                    return
            finally:
                os.close(descriptor)

    def _is_log(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.stat())
        except FileNotFoundError:
            return False

    def _turn_over(self) -> None:
        names = [self.path, *(Path(f"{self.path}.{number}") for number in range(1, self._files))]
        for older, newer in zip(reversed(names), [*reversed(names[:-1]), None], strict=True):
            with suppress(FileNotFoundError):
                if newer is not None:
                    newer.replace(older)
                elif len(names) == 1:
                    older.unlink()
