"""Our gateway beside LiteLLM, Portkey and Envoy: the same machine, provider and load, a core each."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.gateway import embedded, peers
from benchmarks.gateway.calling import SERVER_CORE, provider
from benchmarks.gateway.measuring import DIRECT, rounds
from benchmarks.gateway.plane import plane
from benchmarks.gateway.subjects import Subject, ours
from benchmarks.gateway.table import rows
from benchmarks.processes import Server, data_dir, pinned
from benchmarks.rows import Row

MAX_SECONDS = 2.0
MAX_MEBIBYTES = 150
_IDLE = 1.0


def measure() -> list[Row]:
    """Start everybody, take turns, and compare."""
    before = os.getloadavg()[0]
    # With nobody else on its core: in a program of one's own there is no gateway.
    alone = embedded.measure()
    with ExitStack() as stack:
        folder = stack.enter_context(data_dir())
        upstream = stack.enter_context(provider()).address
        known = stack.enter_context(plane(folder, upstream))
        with pinned(SERVER_CORE):
            front, grpc = stack.enter_context(ours(folder / "gateway", known.address))
        assert front.server is not None  # noqa: S101 - ours has one
        time.sleep(_IDLE)
        idle = _idle(front.server)
        with pinned(SERVER_CORE):
            others = _peers(stack, folder, upstream)
        measured = rounds([Subject(DIRECT, None, upstream), *others, front, grpc])
        return [
            *rows(measured),
            *alone,
            idle,
            Row("load average of the machine", f"{before:.1f} before, {os.getloadavg()[0]:.1f} after", "", "reported"),
        ]


def _peers(stack: ExitStack, folder: Path, upstream: str) -> list[Subject]:
    portkey = stack.enter_context(peers.portkey(upstream))
    litellm = stack.enter_context(peers.litellm(upstream, folder))
    envoy = stack.enter_context(peers.envoy(upstream, folder))
    return [envoy, litellm, *([portkey] if portkey is not None else [])]


def _idle(server: Server) -> Row:
    mebibytes = server.resident_bytes() / 2**20
    return Row(
        "gateway: start until healthy; idle memory",
        f"{server.start_seconds:.2f} s; {mebibytes:.0f} MiB",
        "",
        f"≤ {MAX_SECONDS:.0f} s; ≤ {MAX_MEBIBYTES} MiB",
        server.start_seconds <= MAX_SECONDS and mebibytes <= MAX_MEBIBYTES,
    )
