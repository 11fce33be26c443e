"""A file in the form of models.dev's api.json, read for what it says."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airegistry.importers.files import SourceFile
from airegistry.importers.models_dev.catalog import read_path, to_catalog
from airegistry.importers.report import count_by_reason
from airegistry.resources.model import Capability, LifecycleStage, Modality
from airegistry.resources.prices import PriceBucket
from airegistry.resources.pricing import in_force, nanos_for
from airegistry.resources.provenance import Provenance
from airegistry.resources.validation import validate

SAMPLE = Path(__file__).parents[1] / "models_dev_sample.json"
NOW = datetime(2026, 11, 29, tzinfo=UTC)
DOLLAR = 10**9
YES, NO = Capability(supported=True), Capability(supported=False)


@pytest.fixture(scope="module")
def catalog():
    return to_catalog(read_path(SAMPLE, retrieved=NOW))


@pytest.fixture(scope="module")
def model(catalog):
    models = {r.name.removeprefix("models/"): r.model for r in catalog.resources if r.model}
    return models.__getitem__


@pytest.fixture(scope="module")
def endpoint(catalog):
    endpoints = {(r.endpoint.provider, r.endpoint.upstream_model): r.endpoint for r in catalog.resources if r.endpoint}
    return lambda provider, upstream: endpoints[provider, upstream]


def one(provider: Any = None, **fields: Any) -> tuple[Any, Any, Counter[str]]:
    """Import a file with one model: the model, its endpoint, and what is noted."""
    told = {"npm": "@ai-sdk/openai", "models": {"m": fields}} | (provider or {})
    catalog = to_catalog(SourceFile(json.dumps({"acme": told}).encode(), Provenance("models.dev")))
    model, endpoint = catalog.resources
    return model.model, endpoint.endpoint, Counter(count_by_reason(catalog.notes))


def nanos(endpoint: Any, tokens: int = 0, **variant: str) -> dict[PriceBucket, Any]:
    return {bucket: nanos_for(price, tokens) for bucket, price in in_force(endpoint.prices, NOW, variant).items()}


def test_each_model_of_each_provider_is_listed_and_is_what_a_registry_takes(catalog):
    expected = sum(len(provider["models"]) for provider in json.loads(SAMPLE.read_text()).values())
    assert len(catalog.resources) == 2 * expected
    assert [violation for r in catalog.resources for violation in validate(r, path=r.name)] == []
    assert all(not r.endpoint.credential for r in catalog.resources if r.endpoint)


def test_prices_are_dollars_for_a_million_tokens(endpoint):
    assert nanos(endpoint("openai", "gpt-4o")) == {
        PriceBucket.INPUT_TOKENS: 2_500_000_000,
        PriceBucket.OUTPUT_TOKENS: 10 * DOLLAR,
        PriceBucket.CACHE_READ_TOKENS: 1_250_000_000,
    }


@pytest.mark.parametrize("upstream", ["gemini-2.5-pro", "gemini-1.5-flash"], ids=["tiers", "context_over_200k"])
def test_more_context_costs_more_above_the_threshold(endpoint, upstream):
    found = endpoint("google", upstream)
    base, over = nanos(found, 200_000), nanos(found, 200_001)
    assert over[PriceBucket.INPUT_TOKENS] == 2 * base[PriceBucket.INPUT_TOKENS]
    assert over[PriceBucket.CACHE_READ_TOKENS] in (
        2 * base[PriceBucket.CACHE_READ_TOKENS],
        base[PriceBucket.CACHE_READ_TOKENS],
    )


def test_a_mode_is_the_variant_that_a_call_asks_for(endpoint):
    fast = nanos(endpoint("openai", "gpt-5"), service_tier="priority")
    assert fast[PriceBucket.INPUT_TOKENS] == 2_500_000_000
    assert nanos(endpoint("openai", "gpt-5"))[PriceBucket.INPUT_TOKENS] == 1_250_000_000


def test_a_minute_is_a_sixtieth_of_an_hour(endpoint):
    assert nanos(endpoint("somebody", "whisper")) == {PriceBucket.AUDIO_HOURS: 360_000_000}


def test_a_subscription_is_not_free_and_what_is_called_free_is(endpoint):
    assert endpoint("github-copilot", "gpt-4o").prices is None
    assert nanos(endpoint("openrouter", "qwen/qwen3-coder:free")) == {
        PriceBucket.INPUT_TOKENS: 0,
        PriceBucket.OUTPUT_TOKENS: 0,
    }


def test_the_output_of_an_embedding_costs_nothing(endpoint):
    assert nanos(endpoint("openai", "text-embedding-3-small"))[PriceBucket.OUTPUT_TOKENS] == 0


def test_limits_abilities_modalities_and_dates_are_the_models(model):
    found = model("gpt-5")
    assert (found.limits.context_tokens, found.limits.max_input_tokens, found.limits.max_output_tokens) == (
        400_000,
        272_000,
        128_000,
    )
    assert found.capabilities["reasoning"] == found.capabilities["tools"] == YES
    assert found.capabilities["sampling_parameters"] == NO
    assert found.knowledge_time == datetime(2024, 9, 30, tzinfo=UTC)
    assert model("openai.gpt-4o").input_modalities == (Modality.TEXT, Modality.IMAGE, Modality.FILE)
    assert model("openai.gpt-4o").knowledge_time == datetime(2023, 9, 1, tzinfo=UTC)
    assert model("text-embedding-3-small").output_modalities == (Modality.EMBEDDING,)


def test_a_limit_of_nothing_is_unknown(model):
    assert model("whisper").limits is None


def test_a_status_is_a_stage_of_life(model):
    assert model("gemini-1.5-flash").lifecycle.stage is LifecycleStage.DEPRECATED
    assert model("qwen-qwen3-coder-free").lifecycle.stage is LifecycleStage.PREVIEW
    assert model("gpt-5").lifecycle is None


def test_a_type_is_a_task_and_without_one_it_is_concluded(model):
    assert model("gpt-5").tasks == ("text-generation", "image-text-to-text")
    assert model("whisper").tasks == ("automatic-speech-recognition",)
    assert model("openai.gpt-4o").tasks == ("text-generation", "image-text-to-text")
    assert [source.fields for source in model("openai.gpt-4o").fact_sources] == [("tasks",)]
    assert model("gpt-5").fact_sources == ()
    assert model("github-copilot.gpt-4o").tasks == ("text-generation", "image-text-to-text")


def test_a_model_that_is_called_after_code_writes_code(model):
    assert model("qwen-qwen3-coder-free").capabilities["code"] == YES


def test_a_compatible_server_is_reached_where_the_file_says(endpoint):
    assert endpoint("somebody", "whisper").address == "https://models.example.com/v1"
    assert endpoint("openai", "gpt-4o").address == "https://api.openai.com/v1"


@pytest.mark.parametrize(
    "api", ["https://api.example.com/${ACCOUNT}/v1", "https://user:pass@example.com", "not a url"], ids=str
)
def test_an_address_that_cannot_be_called_is_none(api):
    _, endpoint, notes = one({"npm": "@ai-sdk/openai-compatible", "api": api})
    assert endpoint.address == ""
    assert notes["address unknown: listed, never invoked"] == 1


def test_everything_says_where_it_comes_from(catalog):
    for resource in catalog.resources:
        assert resource.spec.provenance.source == "models.dev"
        assert resource.spec.provenance.retrieve_time == NOW
        assert resource.spec.provenance.digest.startswith("sha256:")
        assert resource.spec.provenance.url.startswith("https://")


def test_the_newer_form_says_abilities_below_their_own_key():
    model, _, _ = one(
        modalities={"input": ["text", "application/pdf", "image/png"], "output": ["text"]},
        capabilities={"tools": {"supported": True}, "reasoning": {"supported": False}},
        deprecation_date="2027-02-01",
    )
    assert model.capabilities == {"tools": YES, "reasoning": NO}
    assert model.input_modalities == (Modality.TEXT, Modality.IMAGE, Modality.FILE)
    assert model.lifecycle.deprecate_time == datetime(2027, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"cost": {"input": "1"}}, "price is no amount: input", id="text"),
        pytest.param({"cost": {"input": -1}}, "price is no amount: input", id="negative"),
        pytest.param({"cost": {"per_image": 1}}, "price cannot be expressed: per_image", id="image"),
        pytest.param(
            {"cost": {"tiers": [{"input": 1, "tier": {"type": "hours", "size": 1}}]}},
            "price cannot be expressed: a tier by something else than context",
            id="tier",
        ),
        pytest.param(
            {"experimental": {"modes": {"slow": {"cost": {"input": 1}}}}},
            "price cannot be expressed: mode slow",
            id="mode",
        ),
        pytest.param({"limit": {"context": -1}}, "limit.context is no count", id="limit"),
        pytest.param({"knowledge": "recently"}, "knowledge is no date", id="date"),
        pytest.param({"status": "asleep"}, "status is unknown", id="status"),
        pytest.param({"modalities": {"input": ["smell"]}}, "no place for the modality smell", id="modality"),
        pytest.param({"release_date": "2025-01-01"}, "no place for release_date", id="no-place"),
    ],
)
def test_what_cannot_be_taken_is_noted(fields, reason):
    _, _, notes = one(**fields)
    assert notes[reason] == 1


@pytest.mark.parametrize("content", [b"[]", b"{}", b'{"openai": {"name": "OpenAI"}}', b"<html>"], ids=str)
def test_what_has_not_the_form_is_refused(content):
    with pytest.raises(ValueError, match=r"it (is not|has no)"):
        to_catalog(SourceFile(content, Provenance("models.dev")))


def test_a_provider_or_model_that_is_none_is_noted_and_the_rest_taken():
    content = {"acme": {"models": {"m": {}, "n": 1}}, "odd": 1}
    catalog = to_catalog(SourceFile(json.dumps(content).encode(), Provenance("models.dev")))
    assert len(catalog.resources) == 2
    assert {(n.subject, n.reason) for n in catalog.notes} >= {
        ("acme/n", "is not an object: left out"),
        ("odd", "is no provider with models: left out"),
    }
