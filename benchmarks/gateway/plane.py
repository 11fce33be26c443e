"""The registry of a run: two models, which the provider serves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from airegistry.resources.endpoint import Auth, AuthMethod, Communication, Endpoint
from airegistry.resources.model import Model
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.resource import Resource
from benchmarks.gateway.calling import SERVER_CORE
from benchmarks.gateway.subjects import MODELS
from benchmarks.processes import Server, pinned, registry
from benchmarks.registering import register_all


@contextmanager
def plane(folder: Path, upstream: str) -> Iterator[Server]:
    """Run a registry that knows who serves the models."""
    with ExitStack() as stack:
        with pinned(SERVER_CORE):
            server = stack.enter_context(registry(folder / "registry"))
            asyncio.run(register_all(server.address, _resources(f"http://{upstream}/v1")))
        yield server


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
