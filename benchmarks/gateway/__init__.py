"""Our gateway beside LiteLLM, Portkey and Envoy: the same machine, provider and load, a core each."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import ExitStack
from pathlib import Path

from airegistry.resources.endpoint import Auth, AuthMethod, Communication, Endpoint
from airegistry.resources.model import Model
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.resource import Resource
from benchmarks.gateway import embedded, peers
from benchmarks.gateway.calling import SERVER_CORE, provider
from benchmarks.gateway.measuring import DIRECT, rounds
from benchmarks.gateway.subjects import MODELS, Subject, ours
from benchmarks.gateway.table import rows
from benchmarks.processes import Server, data_dir, pinned, registry
from benchmarks.registering import register_all
from benchmarks.rows import Row

MAX_SECONDS = 2.0
MAX_MEBIBYTES = 150
_IDLE = 1.0


def measure() -> list[Row]:
    """Start everybody, take turns, and compare."""
    before = os.getloadavg()[0]
    with ExitStack() as stack:
        folder = stack.enter_context(data_dir())
        upstream = stack.enter_context(provider()).address
        with pinned(SERVER_CORE):
            plane = stack.enter_context(registry(folder / "registry"))
            asyncio.run(register_all(plane.address, _resources(f"http://{upstream}/v1")))
            front, grpc = stack.enter_context(ours(folder / "gateway", plane.address))
        assert front.server is not None  # noqa: S101 - ours has one
        time.sleep(_IDLE)
        idle = _idle(front.server)
        # Before the others start: they share that core, and do something also when nobody calls.
        alone = embedded.measure(plane.address, upstream)
        with pinned(SERVER_CORE):
            others = _peers(stack, folder, upstream)
        measured = rounds([Subject(DIRECT, None, upstream), *others, front, grpc])
        return [
            *rows(measured),
            alone,
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


def _resources(address: str) -> list[Resource]:
    prices = PriceSchedule((Price(PriceBucket.INPUT_TOKENS, 10**9), Price(PriceBucket.OUTPUT_TOKENS, 2 * 10**9)))
    found: list[Resource] = []
    for name in MODELS:
        endpoint = Endpoint(
            provider="local",
            address=address,
            upstream_model=name,
            communication=Communication(dialect="openai.chat", auth=Auth(AuthMethod.NONE)),
            prices=PriceList((prices,)),
        )
        found.append(Resource(name=f"models/{name}", model=Model(tasks=("text-generation",))))
        found.append(Resource(name=f"models/{name}/endpoints/local", endpoint=endpoint))
    return found
