"""Discovery, from the index to gRPC, and what it is told."""

from __future__ import annotations

from importlib import import_module

from benchmarks.rows import Row

_PARTS = ("discovery.indexed", "discovery.memory", "discover", "discovery.reporting")


def measure() -> list[Row]:
    """Measure the parts one after the other."""
    return [row for part in _PARTS for row in import_module(f"benchmarks.{part}").measure()]
