"""Measure everything, or what is named, and print the table: `python -m benchmarks [name …]`."""

from __future__ import annotations

import platform
import sys
from importlib import import_module

import psutil

from benchmarks.rows import Row, print_table

NAMES = ("discover", "discover_embedded", "watching", "registering", "importing", "invoking", "starting")


def main() -> None:
    """Run the benchmarks one after the other; exit 1 when a row misses its target."""
    names = sys.argv[1:] or NAMES
    if unknown := set(names) - set(NAMES):
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    rows: list[Row] = []
    for name in names:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        rows += import_module(f"benchmarks.{name}").measure()
    machine = f"{psutil.cpu_count()} cores, Python {platform.python_version()}"
    sys.exit(0 if print_table(rows, f"AI Registry on {machine}") else 1)


if __name__ == "__main__":
    main()
