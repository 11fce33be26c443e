"""A registry, a gateway and the demo backend as processes, each server inside Envoy and on one port."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from tests.ports import free_ports


@dataclass(frozen=True)
class Plane:
    registry: str
    gateway: str
    demo: str

    def placed(self, text: str) -> str:
        """Put the addresses of this plane in the place of the usual ones, and what is enough time here in that of seconds."""
        text = text.replace("--max-time 2 ", "--max-time 5 ")
        usual = {"127.0.0.1:50051": self.registry, "127.0.0.1:50052": self.gateway, "127.0.0.1:3003": self.demo}
        for address, ours in usual.items():
            text = text.replace(address, ours)
        return text

    def usual(self, text: str) -> str:
        """Put the usual address of the demo in the place of this plane's, as `placed` the other way."""
        return text.replace(self.demo, "127.0.0.1:3003")


@contextmanager
def plane_in_envoy(folder: Path) -> Iterator[Plane]:
    """Run all three until the block ends."""
    with ExitStack() as stack:
        (port,) = free_ports(1)
        stack.enter_context(_process("demo_backend", "--host", "127.0.0.1", "--port", str(port)))
        registry = stack.enter_context(_server("registry", AIREGISTRY_DATA_DIR=str(folder)))
        gateway = stack.enter_context(
            _server(
                "gateway", AIREGISTRY_DATA_DIR=str(folder), AIREGISTRY_ADDRESS=registry, AIREGISTRY_GATEWAY_DRAIN="0"
            )
        )
        yield Plane(registry, gateway, f"127.0.0.1:{port}")


@contextmanager
def _server(name: str, **settings: str) -> Iterator[str]:
    """Run a server; yield where it is."""
    anywhere = {f"AIREGISTRY_{name.upper()}_ADDRESS": "127.0.0.1:0", "AIREGISTRY_CARRIER": "envoy"}
    with _process(name, AIREGISTRY_LOG_FORMAT="json", **anywhere, **settings) as process:
        assert process.stderr is not None
        said: list[str] = []
        for line in process.stderr:
            said.append(line)
            event = json.loads(line).get("event", "") if line.startswith("{") else ""
            if event.startswith(f"the {name} serves"):
                address = event.replace(",", "").split()[5]
                _await_health(address)
                yield address
                return
        raise AssertionError(f"the {name} did not start:\n{''.join(said)}")


def _await_health(address: str) -> None:
    """Wait until a server answers: Envoy listens a moment after the program has said where."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with suppress(OSError), urlopen(f"http://{address}/health", timeout=5):
            return
        time.sleep(0.05)
    raise AssertionError(f"nobody answers at {address}")


@contextmanager
def _process(module: str, *arguments: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    own = {key: value for key, value in os.environ.items() if not key.startswith("AIREGISTRY_")}
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], env=own | settings, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
        process.terminate()
        process.wait(20)
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()
