"""The whole real catalog, by the command that users run."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from benchmarks.processes import data_dir, registry
from benchmarks.rows import Row

MAX_SECONDS = 10.0


def measure() -> list[Row]:
    """Import into an empty registry, and again into the full one."""
    with data_dir() as folder, registry(folder) as server:
        first, again = _import(server.address), _import(server.address)
    target = f"≤ {MAX_SECONDS:.0f} s"
    return [
        Row(
            "import genai-prices, whole catalog",
            f"{first:.1f} s",
            "the command as a whole",
            target,
            first <= MAX_SECONDS,
        ),
        Row(
            "import genai-prices, nothing new", f"{again:.1f} s", "the command as a whole", target, again <= MAX_SECONDS
        ),
    ]


def _import(address: str) -> float:
    started = time.perf_counter()
    command = [sys.executable, "-m", "airegistry.cli", "import", "genai-prices"]
    subprocess.run(command, env=os.environ | {"AIREGISTRY_ADDRESS": address}, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started
