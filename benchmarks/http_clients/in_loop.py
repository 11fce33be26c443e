"""Every client in a process of its own, in the loop that the gateway has with grpc.aio."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Self

from benchmarks.http_clients.loops import Turn


class Worker:
    """A process that takes turns when it is told to, and rests meanwhile."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.title = str(json.loads(self._line())["title"])

    def turn(self, work: str) -> Turn:
        """Have one turn taken."""
        assert self._process.stdin is not None  # noqa: S101 - started with a pipe
        print(work, file=self._process.stdin, flush=True)
        return Turn(**json.loads(self._line()))

    def _line(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 - started with a pipe
        if not (line := self._process.stdout.readline()):
            raise RuntimeError("the client's process ended")
        return line


class Workers:
    """One for each client."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.by_name: dict[str, Worker] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stack.close()

    def start(self, name: str, base: str) -> None:
        """Start the one of a client; *base* is where it calls."""
        self.by_name[name] = Worker(self._stack.enter_context(_started(name, base)))


@contextmanager
def _started(name: str, base: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.http_clients.worker", name, base]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
