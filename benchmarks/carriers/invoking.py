"""Invoke and `/v1/chat/completions` through the gateway on both carriers, beside LiteLLM and Portkey."""

from __future__ import annotations

import math
from contextlib import ExitStack

from benchmarks.gateway import peers
from benchmarks.gateway.calling import SERVER_CORE, WORDS, Load, Tally, provider
from benchmarks.gateway.measuring import DIRECT, STREAM, UNARY, Measured, rounds
from benchmarks.gateway.plane import plane
from benchmarks.gateway.subjects import Subject, ours
from benchmarks.processes import data_dir, pinned
from benchmarks.rows import Row

AIO, ENVOY = "grpc.aio", "Envoy"
LITELLM, PORTKEY = "LiteLLM", "Portkey"
LEAST = 2.0
LEAST_LITELLM, LEAST_PORTKEY = 30.0, 5.0


def measure() -> list[Row]:
    """Start everybody, take turns, and compare."""
    with ExitStack() as stack:
        folder = stack.enter_context(data_dir())
        upstream = stack.enter_context(provider()).address
        known = stack.enter_context(plane(folder, upstream))
        subjects = [Subject(DIRECT, None, upstream)]
        with pinned(SERVER_CORE):
            subjects += stack.enter_context(ours(folder / "aio", known.address, name=AIO))
            subjects += stack.enter_context(ours(folder / "envoy", known.address, name=ENVOY, carrier="envoy"))
            portkey = stack.enter_context(peers.portkey(upstream))
            subjects += [stack.enter_context(peers.litellm(upstream, folder)), *([portkey] if portkey else [])]
        measured = rounds(subjects, (UNARY, STREAM))
    return [
        _beside(measured, UNARY, "Invoke over gRPC, calls/s on a core", f"{ENVOY}, gRPC", f"{AIO}, gRPC", LEAST),
        _beside(measured, UNARY, "chat/completions, calls/s on a core", ENVOY, AIO, None),
        _beside(measured, UNARY, "chat/completions, calls/s on a core", ENVOY, LITELLM, LEAST_LITELLM),
        _beside(measured, UNARY, "chat/completions, calls/s on a core", ENVOY, PORTKEY, LEAST_PORTKEY),
        _beside(
            measured, STREAM, "InvokeStream over gRPC, tokens/s on a core", f"{ENVOY}, gRPC", f"{AIO}, gRPC", LEAST
        ),
        _beside(measured, STREAM, "chat/completions streamed, tokens/s on a core", ENVOY, AIO, None),
    ]


def _beside(measured: Measured, load: Load, work: str, subject: str, reference: str, least: float | None) -> Row:
    ratio = _rate(measured, load, subject) / _rate(measured, load, reference)
    return Row(
        work,
        f"{subject}: {_rate(measured, load, subject):,.0f} = {ratio:.2f} x",
        f"{reference}: {_rate(measured, load, reference):,.0f}",
        "reported" if least is None else f"≥ {least:g} x",
        None if least is None or math.isnan(ratio) else ratio >= least,
    )


def _rate(measured: Measured, load: Load, name: str) -> float:
    def per_core(tally: Tally) -> float:
        return tally.per_cpu_second

    return measured.middle(load, name, per_core) * (WORDS if load.stream else 1)
