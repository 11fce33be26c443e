"""Envoy as the carrier beside grpc.aio: the same servers, load and machine, a core for each server."""

from __future__ import annotations

import os

from benchmarks.carriers import discovering, invoking, starting, watching
from benchmarks.rows import Row


def measure() -> list[Row]:
    """Measure each kind of work on both carriers, taking turns."""
    before = os.getloadavg()[0]
    rows = [row for work in (starting, discovering, invoking, watching) for row in work.measure()]
    load = f"{before:.1f} before, {os.getloadavg()[0]:.1f} after"
    return [*rows, Row("load average of the machine", load, "", "reported")]
