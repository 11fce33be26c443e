"""Start and idle memory with Envoy, all processes of it together."""

from __future__ import annotations

import time
from contextlib import ExitStack

from airegistry._rpc.post import CarrierName
from benchmarks.processes import Server, data_dir, gateway, registry
from benchmarks.rows import Row, median

RUNS = 3
MAX_SECONDS = 3.0
MAX_MEBIBYTES = 200.0
_IDLE = 1.0


def measure() -> list[Row]:
    """Start each program a few times on each carrier."""
    figures: dict[tuple[str, CarrierName], list[tuple[float, float]]] = {}
    for _ in range(RUNS):
        for carrier in ("aio", "envoy"):
            for name, figure in _started(carrier).items():
                figures.setdefault((name, carrier), []).append(figure)
    return [_row(name, figures[name, "envoy"], figures[name, "aio"]) for name in ("registry", "gateway")]


def _started(carrier: CarrierName) -> dict[str, tuple[float, float]]:
    with ExitStack() as stack:
        folder = stack.enter_context(data_dir())
        plane = stack.enter_context(registry(folder / "registry", carrier=carrier))
        data_plane = stack.enter_context(gateway(folder / "gateway", plane.address, carrier=carrier))
        time.sleep(_IDLE)
        return {"registry": _figures(plane), "gateway": _figures(data_plane)}


def _figures(server: Server) -> tuple[float, float]:
    return server.start_seconds, server.resident_bytes() / 2**20


def _row(name: str, envoy: list[tuple[float, float]], aio: list[tuple[float, float]]) -> Row:
    seconds, mebibytes = _middle(envoy)
    return Row(
        f"{name}: start until healthy; idle memory",
        f"{seconds:.2f} s; {mebibytes:.0f} MiB",
        "grpc.aio: {:.2f} s; {:.0f} MiB".format(*_middle(aio)),
        f"≤ {MAX_SECONDS:.0f} s; ≤ {MAX_MEBIBYTES:.0f} MiB",
        seconds <= MAX_SECONDS and mebibytes <= MAX_MEBIBYTES,
    )


def _middle(figures: list[tuple[float, float]]) -> tuple[float, float]:
    return median([seconds for seconds, _ in figures]), median([mebibytes for _, mebibytes in figures])
