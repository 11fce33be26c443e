"""How much is measured, by the environment: `BENCH_DISCOVERY_SIZES=10000 BENCH_DISCOVERY_ROUNDS=1` for a short run."""

from __future__ import annotations

import os

SIZES = tuple(sorted(map(int, os.environ.get("BENCH_DISCOVERY_SIZES", "10000,100000,1000000").split(","))))
ROUNDS = int(os.environ.get("BENCH_DISCOVERY_ROUNDS", "3"))

_LARGE = 100_000
UPDATED = max((size for size in SIZES if size <= _LARGE), default=SIZES[0])
"""The size at which updates and memory are measured."""
