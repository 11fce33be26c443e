"""The real catalog of `genai-prices`, taken over without loss."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import pytest
from genai_prices.data import providers
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from airegistry.importers.genai_prices import read_catalog, to_catalog
from airegistry.importers.genai_prices_schedules import BUCKETS
from airegistry.importers.identifiers import Original, assign_ids
from airegistry.importers.inferring import capabilities_of, tasks_of
from airegistry.importers.report import Catalog, count_by_reason
from airegistry.resources.model import Lifecycle, LifecycleStage, Model
from airegistry.resources.names import parse_name
from airegistry.resources.prices import PriceBucket
from airegistry.resources.pricing import in_force, nanos_for
from airegistry.resources.provenance import Provenance

ORIGIN = Provenance("genai-prices", "1")
TIMES = [
    datetime(2024, 1, 1, 3, tzinfo=UTC),
    datetime(2026, 6, 1, 12, tzinfo=UTC),
    datetime(2026, 11, 20, 18, 30, tzinfo=UTC),
]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return read_catalog()


def one_provider(*models: ModelInfo, id_: str = "acme") -> Provider:
    return Provider(id=id_, name=id_, api_pattern="", models=list(models))


def one_model(id_: str, **fields: Any) -> ModelInfo:
    return ModelInfo(id=id_, match=ClauseEquals(id_), **fields)


def model_in(catalog: Catalog, index: int = 0) -> Model:
    model = catalog.resources[index].model
    assert model is not None
    return model


def prices_in(catalog: Catalog, at: datetime = TIMES[0]) -> dict[PriceBucket, int | None]:
    """The prices in force of the only endpoint, by bucket."""
    endpoint = catalog.resources[1].endpoint
    assert endpoint is not None
    assert endpoint.prices is not None
    return {bucket: price.nanos for bucket, price in in_force(endpoint.prices, at).items()}


def test_every_model_of_the_source_becomes_one_model_and_one_endpoint(catalog):
    expected = sum(len(provider.models) for provider in providers)
    assert expected > 2000
    assert sum(resource.model is not None for resource in catalog.resources) == expected
    assert sum(resource.endpoint is not None for resource in catalog.resources) == expected


def test_every_name_follows_the_rules_and_is_unique(catalog):
    names = [resource.name for resource in catalog.resources]
    assert len(set(names)) == len(names)
    for resource in catalog.resources:
        assert parse_name(resource.name).kind is resource.kind


def test_the_original_id_is_kept_on_the_model_and_the_endpoint(catalog):
    originals = {(p.id, m.id) for p in providers for m in p.models}
    models = {(r.model.publisher, r.model.original_ids[0]) for r in catalog.resources if r.model}
    upstream = {(r.endpoint.provider, r.endpoint.upstream_model) for r in catalog.resources if r.endpoint}
    assert models == originals
    plain = {pair for pair in originals if not pair[0].startswith("huggingface_")}
    assert plain <= upstream


def test_no_endpoint_names_a_credential(catalog):
    assert all(not r.endpoint.credential for r in catalog.resources if r.endpoint)


def test_prices_are_those_of_the_source_at_every_time_tier_and_variant(catalog):
    ids, _ = assign_ids([Original(p.id, m.id) for p in providers for m in p.models])
    endpoints = {r.name: r.endpoint for r in catalog.resources if r.endpoint}
    compared = 0
    for provider in providers:
        for info in provider.models:
            endpoint = endpoints[f"models/{ids[Original(provider.id, info.id)]}/endpoints/{provider.id}"]
            for at in TIMES:
                for variant in [None, *(item.when for item in info.price_variants or ())]:
                    theirs = vars(info.get_prices(at, variant)) if info.prices else {}
                    ours = in_force(endpoint.prices, at, variant) if endpoint.prices else {}
                    for key, value in theirs.items():
                        if value is None:
                            continue
                        for total in (0, 1_000, 300_000):
                            assert nanos_for(ours[BUCKETS[key]], total) == expected_nanos(value, total), (info.id, key)
                            compared += 1
    assert compared > 10_000


def expected_nanos(value: Decimal | TieredPrices, total: int) -> int:
    if isinstance(value, TieredPrices):
        value = next((tier.price for tier in reversed(value.tiers) if total > tier.start), value.base)
    return round(value * 10**9)


def test_a_model_without_prices_is_unknown_and_reported():
    catalog = to_catalog([one_provider(one_model("mystery", prices=ModelPrice()))], ORIGIN)
    (_, resource) = catalog.resources
    assert resource.endpoint is not None
    assert resource.endpoint.prices is None
    assert count_by_reason(catalog.notes)["no prices in the source: unknown, not free"] == 1


def test_a_price_of_zero_is_kept_as_zero():
    catalog = to_catalog([one_provider(one_model("free", prices=ModelPrice(input_mtok=Decimal(0))))], ORIGIN)
    assert prices_in(catalog)[PriceBucket.INPUT_TOKENS] == 0


def test_a_price_finer_than_a_nano_usd_is_rounded_and_reported():
    catalog = to_catalog(
        [one_provider(one_model("fine", prices=ModelPrice(input_mtok=Decimal("0.00000000015"))))], ORIGIN
    )
    assert prices_in(catalog)[PriceBucket.INPUT_TOKENS] == 0
    assert "price of input_mtok rounded to a nano-USD" in count_by_reason(catalog.notes)


def test_the_first_price_holds_when_no_condition_does():
    later = ConditionalPrice(
        StartDateConstraint(date(2030, 1, 1)), prices=ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(2))
    )
    catalog = to_catalog([one_provider(one_model("early", prices=[later]))], ORIGIN)
    assert prices_in(catalog)[PriceBucket.INPUT_TOKENS] == 10**9


def test_an_embedding_has_no_output_to_be_billed():
    catalog = to_catalog([one_provider(one_model("voyage-x", prices=ModelPrice(input_mtok=Decimal(1))))], ORIGIN)
    assert prices_in(catalog) == {PriceBucket.INPUT_TOKENS: 10**9, PriceBucket.OUTPUT_TOKENS: 0}


def test_off_peak_prices_hold_in_their_window_only():
    peak = ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(2)))
    night = ConditionalPrice(TimeOfDateConstraint(time(22), time(6)), prices=ModelPrice(input_mtok=Decimal(1)))
    catalog = to_catalog([one_provider(one_model("nightly", prices=[peak, night]))], ORIGIN)
    dollars = {
        hour: prices_in(catalog, datetime(2026, 1, 1, hour, tzinfo=UTC))[PriceBucket.INPUT_TOKENS]
        for hour in (5, 6, 21, 22)
    }
    assert dollars == {5: 1 * 10**9, 6: 2 * 10**9, 21: 2 * 10**9, 22: 1 * 10**9}


def test_a_deprecated_model_is_marked_so():
    catalog = to_catalog([one_provider(one_model("old", deprecated=True, prices=ModelPrice()))], ORIGIN)
    assert model_in(catalog).lifecycle == Lifecycle(LifecycleStage.DEPRECATED)


def test_importing_twice_gives_the_same_resources(catalog):
    assert read_catalog() == catalog


def test_progress_is_told_up_to_the_end():
    told = []
    to_catalog(
        [one_provider(one_model("a", prices=ModelPrice()), one_model("b", prices=ModelPrice()))],
        ORIGIN,
        advance=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 2), (2, 2)]


def test_the_source_and_its_version_are_on_every_resource(catalog):
    for resource in catalog.resources:
        assert resource.spec.provenance.source == "genai-prices"
        assert resource.spec.provenance.source_version == version("genai-prices")
        assert resource.spec.provenance.digest.startswith("sha256:")


@pytest.mark.parametrize(
    ("model_id", "buckets", "task"),
    [
        pytest.param("text-embedding-3-small", {PriceBucket.INPUT_TOKENS}, "feature-extraction", id="embedding"),
        pytest.param("gpt-4o", {PriceBucket.OUTPUT_TOKENS}, "text-generation", id="priced-output"),
        pytest.param("whisper-large-v3", {PriceBucket.AUDIO_HOURS}, "automatic-speech-recognition", id="speech"),
        pytest.param("rerank-v3", {PriceBucket.REQUESTS}, "text-ranking", id="rerank"),
        pytest.param("bge-reranker-base", {PriceBucket.INPUT_TOKENS}, "text-ranking", id="rerank-not-embedding"),
    ],
)
def test_the_task_is_inferred_from_the_id_and_the_prices(model_id, buckets, task):
    assert tasks_of(model_id, buckets) == (task,)


@pytest.mark.parametrize(
    ("model_id", "can"),
    [
        pytest.param("codestral-2508", ("code",), id="code"),
        pytest.param("Qwen/Qwen3-Coder-480B-A35B-Instruct", ("code",), id="coder"),
        pytest.param("gpt-5.3-codex", ("code",), id="codex"),
        pytest.param("mistralai/devstral-2", ("code",), id="devstral"),
        pytest.param("some-decoder", (), id="a-decoder-is-no-coder"),
        pytest.param("neural-codec-7b", (), id="a-codec-is-no-code"),
        pytest.param("unicode-7b", (), id="letters-are-no-code"),
        pytest.param("deepseek-reasoner", ("reasoning",), id="reasoner"),
        pytest.param("grok-4-fast-non-reasoning", (), id="not-reasoning"),
        pytest.param("llama-guard-3-8b", ("moderation",), id="guard"),
        pytest.param("bodyguard9000", (), id="no-guard"),
    ],
)
def test_what_a_model_is_made_for_is_inferred_from_its_name(model_id, can):
    assert capabilities_of(model_id, ("text-generation",), ()) == can
    assert not {"code", "reasoning"} & set(capabilities_of(model_id, ("feature-extraction",), ()))


def test_the_task_stays_unknown_when_nothing_tells():
    assert tasks_of("mystery", set()) == ()


def test_a_shared_slug_gets_the_provider_as_prefix_on_every_side():
    ids, notes = assign_ids([Original("a", "Llama/3"), Original("b", "llama-3"), Original("c", "other")])
    assert ids == {
        Original("a", "Llama/3"): "a.llama-3",
        Original("b", "llama-3"): "b.llama-3",
        Original("c", "other"): "other",
    }
    assert [note.subject for note in notes] == ["a/Llama/3", "b/llama-3"]


def test_two_spellings_of_one_provider_still_get_different_ids():
    ids, _ = assign_ids([Original("a", "x/y"), Original("a", "x-y")])
    assert len(set(ids.values())) == 2
    assert "a.x-y" in ids.values()


def test_ids_do_not_depend_on_the_order_of_the_source():
    originals = [Original("a", "m"), Original("b", "M"), Original("a", "a.m")]
    assert assign_ids(originals)[0] == assign_ids(reversed(originals))[0]


def test_a_stated_equivalence_makes_one_model_of_two_providers():
    same = {"llama-3": [Original("a", "llama-3"), Original("b", "Llama/3")]}
    a = one_provider(one_model("llama-3", prices=ModelPrice()), id_="a")
    b = one_provider(one_model("Llama/3", prices=ModelPrice()), id_="b")
    catalog = to_catalog([a, b], ORIGIN, same)
    assert [resource.name for resource in catalog.resources] == [
        "models/llama-3",
        "models/llama-3/endpoints/a",
        "models/llama-3/endpoints/b",
    ]
    assert model_in(catalog).original_ids == ("llama-3", "Llama/3")
    assert catalog.collisions == ()


def test_an_id_without_any_usable_character_still_gets_one():
    ids, _ = assign_ids([Original("a", "模型")])
    (id_,) = ids.values()
    parse_name(f"models/{id_}")


def test_openais_own_endpoints_are_asked_with_the_field_that_its_reasoning_models_take(catalog):
    own = [r.endpoint for r in catalog.resources if r.endpoint and r.endpoint.provider == "openai"]
    assert own
    assert all(endpoint.capabilities["max_completion_tokens"].supported for endpoint in own)
