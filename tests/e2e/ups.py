"""`airegistry up` as a process that a test may stop in every way."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.e2e.plane import READY, ports_by_option
from tests.environments import environment

COMMAND = [sys.executable, "-m", "airegistry.cli"]


@dataclass
class Up:
    process: subprocess.Popen[str]
    ports: dict[str, int]
    said: str = ""

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if READY in line:
                return
        raise AssertionError(f"it ended: {self.said}{self.process.communicate()[1]}")

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Send a signal, and return the exit code and what was said on standard error."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said

    def run(self, *arguments: str) -> str:
        """Run another command against these servers."""
        where = ["--registry", f"127.0.0.1:{self.ports['registry']}", "--gateway", f"127.0.0.1:{self.ports['gateway']}"]
        result = subprocess.run(
            [*COMMAND, *where, *arguments], env=environment(), capture_output=True, text=True, timeout=60, check=False
        )
        assert result.returncode == 0, result.stderr
        return result.stdout


@contextmanager
def up(folder: Path, *options: str, ports: dict[str, int] | None = None) -> Iterator[Up]:
    ports = ports or ports_by_option()
    places = [argument for name, port in ports.items() for argument in (f"--{name}-port", str(port))]
    process = subprocess.Popen(
        [*COMMAND, "up", "--data-dir", str(folder), *places, *options],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running = Up(process, ports)
    try:
        yield running
    finally:
        if process.poll() is None:
            left = running.children()
            process.kill()
            for child in left:
                child.kill()
        process.communicate()


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def wait_until_gone(processes: list[psutil.Process]) -> None:
    """Wait for processes that are nobody's children any more."""
    deadline = time.monotonic() + 30
    while not gone(processes):
        assert time.monotonic() < deadline, [process for process in processes if not gone([process])]
        time.sleep(0.05)
