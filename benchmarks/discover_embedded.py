"""Discover in the embedded index: 10,000 endpoints, three filters, the ten best explained.

Run it with `python benchmarks/discover_embedded.py`; `measure()` is for a script that collects all benchmarks.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from airegistry.discovery.index import Index
from airegistry.resources.endpoint import Auth, AuthMethod, Communication, DeclaredPerformance, Endpoint
from airegistry.resources.model import Benchmark, Capability, Modality, Model, ModelLimits
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.requirements import DiscoverQuery, Preference, Requirements, ScoreWeights, TokenMix
from airegistry.resources.resource import Resource

ENDPOINTS = 10_000
ENDPOINTS_PER_MODEL = 4
TARGET_P50 = 50e-6

_AT = datetime(2026, 1, 1, tzinfo=UTC)
_PROVIDERS = tuple(f"provider-{number}" for number in range(40))
_REGIONS = ("eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "ap-south-1", "")
_CAPABILITIES = ("tools", "structured_output", "reasoning", "streaming", "prompt_caching", "seed", "code")
_CONTEXTS = (8_192, 32_768, 131_072, 200_000, 1_048_576)


def resources(endpoints: int = ENDPOINTS) -> Iterator[Resource]:
    """Yield models and their endpoints, the same ones every time."""
    rng = random.Random(7)
    for number in range(endpoints // ENDPOINTS_PER_MODEL):
        yield Resource(name=f"models/model-{number}", model=_model(rng))
        for place in range(ENDPOINTS_PER_MODEL):
            yield Resource(name=f"models/model-{number}/endpoints/e{place}", endpoint=_endpoint(rng))


def _model(rng: random.Random) -> Model:
    return Model(
        tasks=(rng.choice(("text-generation", "text-generation", "image-text-to-text", "feature-extraction")),),
        input_modalities=(Modality.TEXT, Modality.IMAGE)[: rng.randint(1, 2)],
        output_modalities=(Modality.TEXT,),
        capabilities={name: Capability(supported=rng.random() < 0.8) for name in _CAPABILITIES},
        limits=ModelLimits(context_tokens=rng.choice(_CONTEXTS), max_output_tokens=8_192),
        benchmarks=(Benchmark(name="mmlu", score=rng.uniform(20, 95)),),
    )


def _endpoint(rng: random.Random) -> Endpoint:
    nanos = rng.randint(20_000_000, 15_000_000_000)
    prices = (
        Price(bucket=PriceBucket.INPUT_TOKENS, nanos=nanos),
        Price(bucket=PriceBucket.OUTPUT_TOKENS, nanos=nanos * 4),
    )
    return Endpoint(
        provider=rng.choice(_PROVIDERS),
        address="https://example.com/v1",
        upstream_model="model",
        communication=Communication(dialect="openai.chat", auth=Auth(method=AuthMethod.NONE)),
        prices=PriceList(schedules=(PriceSchedule(prices=prices),)),
        region=rng.choice(_REGIONS),
        declared=DeclaredPerformance(
            time_to_first_token=rng.uniform(0.1, 3), tokens_per_second=rng.uniform(10, 300), reliability=rng.random()
        ),
    )


def repeated(count: int) -> Iterator[DiscoverQuery]:
    """Yield one query over and over: task, capability, context."""
    for _ in range(count):
        yield _query(min_context_tokens=100_000)


def distinct_filters(count: int) -> Iterator[DiscoverQuery]:
    """Yield queries that all differ in what they require; the meaning of "best" is one of the named ones."""
    for number in range(count):
        preference = list(Preference)[number % len(Preference)]
        yield _query(preference=preference, min_context_tokens=20_000 + number)


def distinct_prices(count: int) -> Iterator[DiscoverQuery]:
    """Yield queries that all differ in the price they admit."""
    for number in range(count):
        yield _query(max_price_per_million_nanos=3_000_000_000 + number, regions=("eu-*",))


def distinct_mixes(count: int) -> Iterator[DiscoverQuery]:
    """Yield queries that all differ in the tokens that costs are computed for."""
    for number in range(count):
        yield _query(min_context_tokens=100_000, usage=TokenMix(input_tokens=1_000 + number, output_tokens=500))


def distinct_weights(count: int) -> Iterator[DiscoverQuery]:
    """Yield queries that all differ in what "best" means."""
    for number in range(count):
        yield _query(weights=ScoreWeights(cost=1 + number, latency=7, quality=3), min_context_tokens=100_000)


def _query(
    *, preference: Preference | None = None, weights: ScoreWeights | None = None, **requirements: object
) -> DiscoverQuery:
    asked = Requirements(task="text-generation", all_capabilities=("tools",), **requirements)  # type: ignore[arg-type]  # by keyword
    return DiscoverQuery(requirements=asked, preference=preference, weights=weights)


def measure(calls: int = 2_000) -> dict[str, dict[str, float]]:
    """Return p50 and p99 in seconds of a Discover per kind of query, and of a change per kind of resource."""
    index = Index(lambda: _AT)
    everything = list(resources())
    started = time.perf_counter()
    index.replace(everything, 1)
    build = time.perf_counter() - started
    rows: dict[str, dict[str, float]] = {"build of the index": {"p50": build, "p99": build}}
    for queries in (repeated, distinct_filters, distinct_prices, distinct_mixes, distinct_weights):
        rows[f"discover, {queries.__name__.replace('_', ' ')}"] = _timed(index.discover, queries(calls))
    changes = [resource for resource in everything if resource.endpoint][:calls]
    rows["apply, one endpoint"] = _timed(lambda resource: index.apply((resource,), (), 2), changes)
    return rows


def _timed(call: Callable[..., object], arguments: Iterable[object]) -> dict[str, float]:
    times = []
    for argument in arguments:
        started = time.perf_counter()
        call(argument)
        times.append(time.perf_counter() - started)
    return {"p50": statistics.median(times), "p99": statistics.quantiles(times, n=100)[98]}


def main() -> None:
    print(f"{'work, 10,000 endpoints':<36}{'p50':>12}{'p99':>12}")
    for name, row in measure().items():
        print(f"{name:<36}{row['p50'] * 1e6:>9,.1f} µs{row['p99'] * 1e6:>9,.1f} µs")


if __name__ == "__main__":
    main()
