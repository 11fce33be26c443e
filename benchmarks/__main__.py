"""Measure everything, or what is named, and print the table: `python -m benchmarks [name …]`."""

from __future__ import annotations

import os
import platform
import resource
import sys
from importlib import import_module

import psutil

from benchmarks.rows import Row, print_table

NAMES = (
    "discover",
    "discover_embedded",
    "watching",
    "crowds",
    "storm",
    "replicas",
    "leases",
    "etcd",
    "registering",
    "importing",
    "invoking",
    "reporting",
    "starting",
)
ASKED_FOR = ("gateway", "gateway.embedded", "discovery", "discovery.reporting", "carriers", "http_clients.costs")
"""Run only by name: the first installs the gateways of others, the second is its row that needs none of them; the third
goes with those of discovery, the next has Envoy beside grpc.aio, and the last needs clients that are installed for it."""

QUIET_LOAD = 0.5


def main() -> None:
    """Run the benchmarks one after the other; exit 1 when a row misses its target."""
    names = sys.argv[1:] or NAMES
    known = (*NAMES, *ASKED_FOR)
    if unknown := set(names) - set(known):
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    _prepare()
    if (busy := psutil.getloadavg()[0]) > QUIET_LOAD:
        print(f"this machine has other work (load {busy:.1f}): only the ratios say something", file=sys.stderr)
    rows: list[Row] = []
    for name in names:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        rows += import_module(f"benchmarks.{name}").measure()
    machine = f"{psutil.cpu_count()} cores, Python {platform.python_version()}"
    sys.exit(0 if print_table(rows, f"AI Registry on {machine}") else 1)


def _prepare() -> None:
    # Thousands of connections; the servers inherit the limit.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # Servers are started while a channel is open; nothing that is forked here calls gRPC before it runs a program.
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"


if __name__ == "__main__":
    main()
