"""Records a log of learned decisions: demo backends of different speed and reliability behind one route.

`python examples/record_decisions.py LOG [--calls 900]` starts a registry, a gateway and three demo backends on free ports, sends
calls by a route whose selection is learned, says of some answers how good they were, and keeps the gateway's log. Compare with
`airegistry replay LOG`.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import random
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import gateway.app
import registry.app
from airegistry import Client, Endpoint, Model, RegistryError, Resource, Route, RouteTarget, RouteTier, ask
from airegistry.learning.feedback import ReportFeedbackRequest
from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.route import RoutePolicy, Selection
from demo_backend.server import serve
from demo_backend.settings import Settings
from gateway.config import Config as GatewayConfig
from gateway.learning import LOG
from registry.config import Config as RegistryConfig

ANYWHERE = "127.0.0.1:0"
BACKENDS = {
    "fast": (Settings(port=0, token_delay=0.002, failure_rate=0.2), 20),
    "steady": (Settings(port=0, token_delay=0.02, failure_rate=0.01), 10),
    "slow": (Settings(port=0, token_delay=0.08), 5),
}
"""How each answers, and what a million of its tokens costs, in US dollars."""

SEED = 7
_FEEDBACK = 0.2
_AT_ONCE = 4


def main(log: Path, calls: int) -> None:
    """Record *calls* calls into *log*."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_record(Path(folder), calls))
        written = (Path(folder) / "gateway" / LOG).read_bytes()
    # Without a time in its head, the same log is the same file.
    log.write_bytes(gzip.compress(written, mtime=0) if log.suffix == ".gz" else written)
    print(f"{written.count(b'chosen')} decisions in {log}, {log.stat().st_size:,} bytes")


async def _record(folder: Path, calls: int) -> None:
    async with AsyncExitStack() as stack:
        urls = {name: await stack.enter_async_context(serve(settings)) for name, (settings, _) in BACKENDS.items()}
        plane = await stack.enter_async_context(registry.app.serve(_registry_config(folder)))
        async with (
            gateway.app.serve(_gateway_config(folder, plane.address)) as running,
            Client(plane.address, gateway=running.address) as client,
        ):
            revision = (await client.register(_resources(urls))).revision
            async with asyncio.timeout(10):
                while running.cache.revision < revision:  # noqa: ASYNC110 - the view is another program's
                    await asyncio.sleep(0.05)
            await _send(client, calls)


def _registry_config(folder: Path) -> RegistryConfig:
    return RegistryConfig(registry_address=ANYWHERE, registry_http_address=ANYWHERE, data_dir=folder)


def _gateway_config(folder: Path, address: str) -> GatewayConfig:
    return GatewayConfig(
        address=address,
        gateway_address=ANYWHERE,
        gateway_http_address=ANYWHERE,
        data_dir=folder,
        gateway_learning=True,
        gateway_learning_seed=SEED,
        # More than anybody would do for long: so that the log says something of everybody.
        gateway_learning_exploration=0.3,
        gateway_learning_first_token=0.1,
    )


def _resources(urls: dict[str, str]) -> list[Resource]:
    route = Route(
        tiers=(RouteTier((RouteTarget(model="models/demo"),)),), policy=RoutePolicy(selection=Selection.LEARNED)
    )
    endpoints = [_endpoint(name, url, BACKENDS[name][1]) for name, url in urls.items()]
    return [Resource("models/demo", model=Model()), *endpoints, Resource("routes/learned", route=route)]


def _endpoint(name: str, url: str, dollars: int) -> Resource:
    buckets = (PriceBucket.INPUT_TOKENS, PriceBucket.OUTPUT_TOKENS)
    prices = tuple(Price(bucket, dollars * 1_000_000_000) for bucket in buckets)
    return Resource(
        f"models/demo/endpoints/{name}",
        endpoint=Endpoint(
            provider=name,
            address=f"{url}/v1",
            upstream_model="demo-ngram",
            communication=Communication(dialect="openai.chat", auth=Auth(AuthMethod.NONE)),
            prices=PriceList(schedules=(PriceSchedule(prices=prices),)),
        ),
    )


async def _send(client: Client, calls: int) -> None:
    rng, left = random.Random(SEED), iter(range(calls))

    async def caller() -> None:
        for _ in left:
            try:
                await _call(client, rng)
            except RegistryError as error:
                print(f"{error.reason}: {error.message}")

    await asyncio.gather(*(caller() for _ in range(_AT_ONCE)))


async def _call(client: Client, rng: random.Random) -> None:
    async for event in client.invoke_stream(ask("routes/learned", "What is a list?", max_output_tokens=5)):
        settlement = event.end.settlement if event.end is not None else None
        if settlement is not None and rng.random() < _FEEDBACK:
            await client.report_feedback(ReportFeedbackRequest(settlement.call_id, accepted=rng.random() < 0.9))  # noqa: PLR2004


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Record a log of learned decisions over demo backends.")
    parser.add_argument("log", type=Path, help="the file to write; compressed when its name ends in .gz")
    parser.add_argument("--calls", type=int, default=900, help="how many calls")
    arguments = parser.parse_args()
    main(arguments.log, arguments.calls)
