"""Servers as processes of their own, on free ports and a folder of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from airegistry._rpc.post import CarrierName

_START_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; the processes that it started count as its own."""

    process: psutil.Process
    address: str
    http: str = ""
    start_seconds: float = 0.0

    def cpu_seconds(self) -> float:
        """Return the processor time that it used so far."""
        return sum(times.user + times.system for times in (each.cpu_times() for each in self._processes()))

    def resident_bytes(self) -> int:
        """Return the memory that it holds."""
        return sum(each.memory_info().rss for each in self._processes())

    def _processes(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


def free_port(count: int = 1) -> int:
    """Return a port of the loopback interface that nobody listens on; the first of *count* in a row."""
    while True:
        with ExitStack() as stack:
            probes = [stack.enter_context(socket.socket()) for _ in range(count)]
            probes[0].bind(("127.0.0.1", 0))
            first = int(probes[0].getsockname()[1])
            # Its neighbour may be in use, or beyond the last port.
            with suppress(OSError, OverflowError):
                for place, probe in enumerate(probes[1:], 1):
                    probe.bind(("127.0.0.1", first + place))
                return first


@contextmanager
def registry(
    data_dir: Path, *, database: str = "", workers: int = 1, notify: bool = True, carrier: CarrierName = "aio"
) -> Iterator[Server]:
    """Run a registry: on SQLite in its folder, or on a PostgreSQL database that others may share."""
    # Each worker has an HTTP address of its own, the next one up.
    grpc, http = free_port(), free_port(workers)
    if carrier == "envoy" and workers == 1:
        # It has everything on one port.
        http = grpc
    environment = {
        "AIREGISTRY_DATA_DIR": str(data_dir),
        "AIREGISTRY_REGISTRY_ADDRESS": f"127.0.0.1:{grpc}",
        "AIREGISTRY_REGISTRY_HTTP_ADDRESS": f"127.0.0.1:{http}",
        "AIREGISTRY_REGISTRY_DATABASE_URL": database,
        "AIREGISTRY_REGISTRY_WORKERS": str(workers),
        "AIREGISTRY_REGISTRY_DATABASE_NOTIFY": str(notify),
        # The addresses of the workload are made up: to look for them is none of what is measured.
        "AIREGISTRY_REGISTRY_PROBES": "false",
        "AIREGISTRY_CARRIER": carrier,
    }
    with _serve("registry", environment, grpc, http, [http + worker for worker in range(workers)]) as server:
        yield server


@contextmanager
def gateway(
    data_dir: Path, registry_address: str, *, carrier: CarrierName = "aio", workers: int = 1
) -> Iterator[Server]:
    """Run a gateway that follows a registry."""
    # Each of several workers has an HTTP address of its own beside those that they share.
    grpc, own = free_port(), free_port(workers)
    http = grpc if carrier == "envoy" else free_port()
    environment = {
        "AIREGISTRY_DATA_DIR": str(data_dir),
        "AIREGISTRY_ADDRESS": registry_address,
        "AIREGISTRY_GATEWAY_ADDRESS": f"127.0.0.1:{grpc}",
        "AIREGISTRY_GATEWAY_HTTP_ADDRESS": f"127.0.0.1:{http}",
        "AIREGISTRY_GATEWAY_WORKERS": str(workers),
        "AIREGISTRY_GATEWAY_WORKERS_HTTP_ADDRESS": f"127.0.0.1:{own}",
        "AIREGISTRY_CARRIER": carrier,
    }
    pages = [own + worker for worker in range(workers)] if workers > 1 else [http]
    with _serve("gateway", environment, grpc, http, pages) as server:
        yield server


@contextmanager
def etcd(data_dir: Path) -> Iterator[Server]:
    """Run an etcd of one member, with its defaults."""
    clients, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    command = [
        *(str(Path(sys.executable).with_name("etcd")), "--name", "bench", "--data-dir", str(data_dir)),
        *("--listen-client-urls", clients, "--advertise-client-urls", clients),
        *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", f"bench={peers}"),
        *("--log-level", "error"),
    ]
    with _run(command, {}) as process:
        started = time.monotonic()
        _await_health(f"{clients}/health", process)
        address = clients.removeprefix("http://")
        yield Server(psutil.Process(process.pid), address, address, time.monotonic() - started)


@contextmanager
def script(module: str, *arguments: str) -> Iterator[Server]:
    """Run a module of the benchmarks that takes `--port` and listens there."""
    port = free_port()
    with _run([sys.executable, "-m", module, "--port", str(port), *arguments], {}) as process:
        started = time.monotonic()
        _await_port(port, process)
        yield Server(psutil.Process(process.pid), f"127.0.0.1:{port}", start_seconds=time.monotonic() - started)


@contextmanager
def program(command: Sequence[str], port: int, environment: Mapping[str, str], *, health: str = "") -> Iterator[Server]:
    """Run a program of somebody else, without what it says, until it listens on *port* and answers at *health*."""
    started = time.monotonic()
    with _run(command, environment, silent=True) as process:
        _await_port(port, process)
        if health:
            _await_health(f"http://127.0.0.1:{port}{health}", process)
        address = f"127.0.0.1:{port}"
        yield Server(psutil.Process(process.pid), address, address, time.monotonic() - started)


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Have what is started in the block run on one core; core 0 again where there are not as many."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(allowed)[core % len(allowed)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


@contextmanager
def data_dir() -> Iterator[Path]:
    """Lend an empty folder."""
    with tempfile.TemporaryDirectory(prefix="airegistry-bench-") as folder:
        yield Path(folder)


@contextmanager
def _serve(module: str, environment: Mapping[str, str], grpc: int, http: int, pages: Sequence[int]) -> Iterator[Server]:
    """Run a server until it is not needed; *pages* are the ports where each of its processes tells of its health."""
    started = time.monotonic()
    with _run([sys.executable, "-m", module], environment) as process:
        for page in pages:
            _await_health(f"http://127.0.0.1:{page}/health", process)
        address = f"127.0.0.1:{http}"
        yield Server(psutil.Process(process.pid), f"127.0.0.1:{grpc}", address, time.monotonic() - started)


@contextmanager
def _run(
    command: Sequence[str], environment: Mapping[str, str], *, silent: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    own = {key: value for key, value in os.environ.items() if not key.startswith("AIREGISTRY_")}
    quiet = {"AIREGISTRY_LOG_LEVEL": "warning"} if environment else {}
    process = subprocess.Popen(
        command,
        env=own | quiet | dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL if silent else None,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_health(url: str, process: subprocess.Popen[bytes]) -> None:
    def healthy() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - loopback
                return bool(answer.status == 200)  # noqa: PLR2004 - OK
        except OSError:
            return False

    _await(healthy, url, process)


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    def listening() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    _await(listening, f"port {port}", process)


def _await(ready: Callable[[], bool], what: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while not ready():
        if process.poll() is not None:
            raise RuntimeError(f"the server of {what} ended with {process.returncode}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} is not ready")
        time.sleep(0.01)
