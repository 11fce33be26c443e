"""Everything that `airegistry up` starts, as processes of its own on free ports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_ports

BIN = Path(sys.executable).parent
READY = "Ctrl-C stops all of it."


@dataclass(frozen=True)
class Plane:
    registry: str
    registry_http: str
    gateway: str
    gateway_http: str
    demo: str

    @property
    def environment(self) -> dict[str, str]:
        """What a shell needs, so that the CLI finds this plane."""
        own = {key: value for key, value in os.environ.items() if not key.startswith("AIREGISTRY_")}
        return own | {"AIREGISTRY_ADDRESS": self.registry, "AIREGISTRY_GATEWAY_ADDRESS": self.gateway}

    def placed(self, text: str) -> str:
        """Put the addresses of this plane in the place of the usual ones."""
        usual = {
            "127.0.0.1:50051": self.registry,
            "127.0.0.1:50052": self.gateway,
            "127.0.0.1:3001": self.registry_http,
            "127.0.0.1:3002": self.gateway_http,
            "127.0.0.1:3003": self.demo,
        }
        for address, ours in usual.items():
            text = text.replace(address, ours)
        return text


@contextmanager
def plane_at(folder: Path) -> Iterator[Plane]:
    """Run `airegistry up` until it says that it is ready; stop it with Ctrl-C, and see it stop."""
    ports = free_ports(5)
    names = ("registry-port", "registry-http-port", "gateway-port", "gateway-http-port", "demo-port")
    options = [f"--{name}={port}" for name, port in zip(names, ports, strict=True)]
    process = subprocess.Popen(
        [BIN / "airegistry", "up", f"--data-dir={folder}", *options],
        env={key: value for key, value in os.environ.items() if not key.startswith("AIREGISTRY_")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        _await_ready(process)
        yield Plane(*(f"127.0.0.1:{port}" for port in ports))
        process.send_signal(signal.SIGINT)
        assert process.wait(30) in {0, 130}
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _await_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    said: list[str] = []
    timer = threading.Timer(60, process.kill)
    timer.start()
    try:
        for line in process.stdout:
            said.append(line)
            if READY in line:
                return
    finally:
        timer.cancel()
    raise AssertionError("airegistry up did not get ready:\n" + "".join(said))
