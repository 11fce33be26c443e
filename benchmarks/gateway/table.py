"""What was measured as rows, with the targets."""

from __future__ import annotations

import math
from collections.abc import Iterator

from benchmarks.gateway.calling import WORDS, Load, Tally
from benchmarks.gateway.measuring import LIGHT, PACED_STREAM, STREAM, UNARY, Measured, Pick
from benchmarks.rows import Row

OURS, GRPC = "ours", "ours, gRPC"
LITELLM, PORTKEY, ENVOY = "LiteLLM", "Portkey", "Envoy, no translation"
_TIMES_LITELLM, _TIMES_PORTKEY = 15.0, 2.0


def rows(measured: Measured) -> Iterator[Row]:
    """Return all rows of the gateways."""
    yield _rate(measured, UNARY, LITELLM, _TIMES_LITELLM)
    yield _rate(measured, UNARY, PORTKEY, _TIMES_PORTKEY)
    yield _rate(measured, UNARY, ENVOY, None)
    yield _beside(measured, UNARY)
    yield _later(measured, "unary at 20/s: added latency, p50", LIGHT, lambda tally: tally.whole[0])
    yield _later(measured, "unary at 20/s: added latency, p99", LIGHT, lambda tally: tally.whole[1])
    yield _later(
        measured, "8 paced streams: added time to first token, p50", PACED_STREAM, lambda tally: tally.first[0]
    )
    yield _rate(measured, STREAM, LITELLM, 1.0)
    yield _rate(measured, STREAM, PORTKEY, 1.0)
    yield _rate(measured, STREAM, ENVOY, None)
    yield _beside(measured, STREAM)
    yield _per_token(measured)


def _rate(measured: Measured, load: Load, peer: str, least: float | None) -> Row:
    """Compare rates by processor time: on a core shared with others the clock also counts their work."""
    ratio = _per_core(measured, load, OURS) / _per_core(measured, load, peer)
    target = "reported" if least is None else f"≥ {least:g} x" if least > 1 else "above"
    return Row(
        f"{_work(load)}: ours to {peer}",
        f"{_rates(measured, load, OURS)} = {ratio:.2f} x",
        f"{peer}: {_rates(measured, load, peer)}",
        target,
        None if least is None or math.isnan(ratio) else ratio >= least,
    )


def _beside(measured: Measured, load: Load) -> Row:
    method = "InvokeStream" if load.stream else "Invoke"
    return Row(
        f"{_work(load)}: {method} over gRPC",
        _rates(measured, load, GRPC),
        f"HTTP front: {_rates(measured, load, OURS)}",
        "reported",
    )


def _later(measured: Measured, work: str, load: Load, pick: Pick) -> Row:
    ours = measured.added(load, OURS, pick)
    peers = {peer: measured.added(load, peer, pick) for peer in (LITELLM, PORTKEY)}
    there = [value for value in peers.values() if not math.isnan(value)]
    beside = [f"{name} {measured.added(load, name, pick):+.2f}" for name in (*peers, ENVOY, GRPC)]
    return Row(work, f"{ours:+.2f} ms", ", ".join(beside) + " ms", "below both", all(ours < value for value in there))


def _per_token(measured: Measured) -> Row:
    def micros(name: str) -> float:
        return 1e6 / (measured.middle(PACED_STREAM, name, lambda tally: tally.per_cpu_second) * WORDS)

    return Row(
        "8 paced streams: processor time of a token",
        f"{micros(OURS):.0f} µs",
        ", ".join(f"{name} {micros(name):.0f}" for name in (LITELLM, PORTKEY, ENVOY, GRPC)) + " µs",
        "reported",
    )


def _work(load: Load) -> str:
    return "streams of 100 tokens, tokens/s on a core" if load.stream else "unary, calls/s on a core"


def _per_core(measured: Measured, load: Load, name: str) -> float:
    return measured.middle(load, name, lambda tally: tally.per_cpu_second)


def _rates(measured: Measured, load: Load, name: str) -> str:
    each = WORDS if load.stream else 1

    def clock(tally: Tally) -> float:
        return tally.per_second

    return (
        f"{_per_core(measured, load, name) * each:,.0f} ({measured.middle(load, name, clock) * each:,.0f} by the clock)"
    )
