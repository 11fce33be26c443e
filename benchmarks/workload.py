"""Models, endpoints and queries to measure with: made up, but of the shape and spread of a real catalog."""

from __future__ import annotations

import random
from collections.abc import Iterator

from airegistry.resources.endpoint import Auth, AuthMethod, Communication, DeclaredPerformance, Endpoint
from airegistry.resources.model import Benchmark, Modality, Model, ModelLimits
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.requirements import DiscoverQuery, Preference, Requirements
from airegistry.resources.resource import Resource

_TASKS = ["text-generation"] * 8 + ["feature-extraction", "image-to-text"]
_PROVIDERS = [f"provider-{number}" for number in range(40)]
_CONTEXTS = [4_096, 8_192, 32_768, 128_000, 200_000, 1_000_000]


def resources(endpoints: int, *, per_model: int = 4, seed: int = 7) -> list[Resource]:
    """Return models, each followed by its endpoints, until there are *endpoints* of the latter."""
    rng = random.Random(seed)
    made: list[Resource] = []
    for number in range(endpoints // per_model):
        name = f"models/model-{number:05}"
        made.append(Resource(name=name, model=_model(rng, number)))
        providers = rng.sample(_PROVIDERS, per_model)
        made += [
            Resource(name=f"{name}/endpoints/{provider}", endpoint=_endpoint(rng, provider, number))
            for provider in providers
        ]
    return made


def repeated_query() -> DiscoverQuery:
    """Return a query with three filters: task, price and context."""
    return _query(2_000_000_000, 32_768)


def distinct_queries(seed: int = 11) -> Iterator[DiscoverQuery]:
    """Yield queries of the same three filters, no two alike."""
    rng = random.Random(seed)
    number = 0
    while True:
        number += 1
        yield _query(rng.randrange(500_000_000, 10_000_000_000) + number, rng.randrange(4_096, 200_000))


def _query(max_price: int, min_context: int) -> DiscoverQuery:
    return DiscoverQuery(
        requirements=Requirements(
            task="text-generation", max_price_per_million_nanos=max_price, min_context_tokens=min_context
        ),
        preference=Preference.BALANCED,
    )


def _model(rng: random.Random, number: int) -> Model:
    return Model(
        display_name=f"Model {number}",
        publisher=f"publisher-{number % 50}",
        family=f"family-{number % 200}",
        original_ids=(f"publisher-{number % 50}/Model-{number}",),
        tasks=(rng.choice(_TASKS),),
        input_modalities=(Modality.TEXT,),
        output_modalities=(Modality.TEXT,),
        limits=ModelLimits(context_tokens=rng.choice(_CONTEXTS)),
        benchmarks=(Benchmark("mmlu", round(rng.uniform(30, 90), 1)),),
    )


def _endpoint(rng: random.Random, provider: str, number: int) -> Endpoint:
    cheap = rng.randrange(20_000_000, 3_000_000_000)
    return Endpoint(
        provider=provider,
        address=f"https://{provider}.example/v1",
        upstream_model=f"publisher-{number % 50}/Model-{number}",
        communication=Communication(dialect="openai.chat", auth=Auth(AuthMethod.BEARER)),
        credential=f"{provider.upper().replace('-', '_')}_API_KEY",
        prices=PriceList(
            (
                PriceSchedule(
                    (Price(PriceBucket.INPUT_TOKENS, cheap), Price(PriceBucket.OUTPUT_TOKENS, cheap * 4)),
                ),
            )
        ),
        region=rng.choice(["us-east-1", "eu-west-1", "de", "ap-south-1"]),
        declared=DeclaredPerformance(
            round(rng.uniform(0.1, 2.0), 3), round(rng.uniform(20, 300), 1), round(rng.uniform(0.9, 1.0), 4)
        ),
    )
