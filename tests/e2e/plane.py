"""Everything that `airegistry up` starts, as processes of its own on free ports."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.environments import environment
from tests.planes import CARRIER
from tests.ports import free_ports, free_ports_apart

BIN = Path(sys.executable).parent
PORTS = ("registry", "registry-http", "gateway", "gateway-http", "demo")
"""What has a port of its own by default, as the options of `airegistry up` name it."""
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
        return environment(ADDRESS=self.registry, GATEWAY_ADDRESS=self.gateway)

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
    ports = ports_by_option()
    options = [f"--{name}-port={port}" for name, port in ports.items()]
    process = subprocess.Popen(
        [BIN / "airegistry", "up", f"--data-dir={folder}", *options],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        _await_ready(process)
        yield Plane(*(f"127.0.0.1:{port}" for port in ports.values()))
        process.send_signal(signal.SIGINT)
        assert process.wait(60) in {0, 130}
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def ports_by_option() -> dict[str, int]:
    """Return a free port for each server."""
    return _on_one_port(dict(zip(PORTS, free_ports(len(PORTS)), strict=True)))


def ports_of_replicas() -> dict[str, int]:
    """Return the same for three replicas of the registry, ten apart."""
    apart = {"registry": free_ports_apart(10, 3), "registry-http": free_ports_apart(10, 3)}
    return _on_one_port(ports_by_option() | apart)


def _on_one_port(ports: dict[str, int]) -> dict[str, int]:
    """Inside Envoy a server has everything on its port for gRPC."""
    if CARRIER == "envoy":
        return ports | {"registry-http": ports["registry"], "gateway-http": ports["gateway"]}
    return ports


def _await_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    said: list[str] = []
    timer = threading.Timer(100, process.kill)
    timer.start()
    try:
        for line in process.stdout:
            said.append(line)
            if READY in line:
                return
    finally:
        timer.cancel()
    raise AssertionError("airegistry up did not get ready:\n" + "".join(said))
