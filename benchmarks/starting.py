"""Cold start and idle memory of each process."""

from __future__ import annotations

import time

from benchmarks.processes import Server, data_dir, gateway, registry
from benchmarks.rows import Row, median

RUNS = 3
MAX_SECONDS = 2.0
MAX_MEBIBYTES = 150


def measure() -> list[Row]:
    """Start each process a few times on an empty folder and let it idle."""
    registries: list[tuple[float, int]] = []
    gateways: list[tuple[float, int]] = []
    for _ in range(RUNS):
        with data_dir() as folder, registry(folder / "registry") as plane:
            with gateway(folder / "gateway", plane.address) as data_plane:
                time.sleep(1)
                gateways.append(_figures(data_plane))
            registries.append(_figures(plane))
    return [_row("registry", registries), _row("gateway", gateways)]


def _figures(server: Server) -> tuple[float, int]:
    return server.start_seconds, server.resident_bytes()


def _row(name: str, figures: list[tuple[float, int]]) -> Row:
    seconds = median([start for start, _ in figures])
    mebibytes = median([resident for _, resident in figures]) / 2**20
    return Row(
        f"{name}: start until healthy; idle memory",
        f"{seconds:.2f} s; {mebibytes:.0f} MiB",
        "",
        f"≤ {MAX_SECONDS:.0f} s; ≤ {MAX_MEBIBYTES} MiB",
        seconds <= MAX_SECONDS and mebibytes <= MAX_MEBIBYTES,
    )
