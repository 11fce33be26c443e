"""Whatever a file holds: it is refused as a whole, or what is taken from it is what a registry takes."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airegistry.importers.files import SourceFile
from airegistry.importers.litellm import catalog as litellm
from airegistry.importers.models_dev import catalog as models_dev
from airegistry.resources.provenance import Provenance
from airegistry.resources.validation import validate

pytestmark = pytest.mark.hypothesis

NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | st.text(max_size=8)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
IDS = st.text(max_size=8) | st.sampled_from(
    [
        "gpt",
        "a/b",
        "bedrock/eu-west-1/m",
        "hd/1-x-1/m",
        "azure/eu/m",
        "standard/m",
        "max-x-max/50-steps/m",
        "xai/m",
        "//",
    ]
)


def fields(*known: str) -> st.SearchStrategy[dict[str, object]]:
    """Entries whose fields have names that mean something, and values that may mean nothing."""
    names = st.sampled_from(known) | st.text(max_size=8)
    return st.dictionaries(names, VALUES, max_size=8)


LITELLM = st.dictionaries(
    IDS,
    st.builds(
        lambda told, provider, mode: told | {"litellm_provider": provider, "mode": mode},
        fields(
            "input_cost_per_token",
            "output_cost_per_token_above_200k_tokens",
            "cache_read_input_token_cost_batches",
            "input_cost_per_second",
            "input_cost_per_query",
            "search_context_cost_per_query",
            "tiered_pricing",
            "off_peak_pricing",
            "max_input_tokens",
            "output_vector_size",
            "rpm",
            "deprecation_date",
            "successor_model",
            "supported_modalities",
            "supported_output_modalities",
            "supported_endpoints",
            "supported_regions",
            "supports_vision",
            "source",
            "alias_of",
        ),
        st.sampled_from(["openai", "bedrock", "azure", "xai", "vertex_ai-x", "模型", ""]) | VALUES,
        st.sampled_from(["chat", "embedding", "rerank", "audio_transcription", "image_generation"]) | VALUES,
    )
    | VALUES,
    max_size=4,
)
MODEL = fields(
    "type",
    "name",
    "cost",
    "limit",
    "modalities",
    "status",
    "knowledge",
    "capabilities",
    "experimental",
    "provider",
    "family",
)
MODELS_DEV = st.dictionaries(
    IDS,
    st.fixed_dictionaries(
        {"models": st.dictionaries(IDS, MODEL | VALUES, max_size=3) | VALUES},
        optional={"npm": st.just("@ai-sdk/openai-compatible") | VALUES, "api": VALUES, "doc": VALUES},
    )
    | VALUES,
    max_size=3,
)


def read(to_catalog, content):
    try:
        return to_catalog(SourceFile(content, Provenance("somewhere")))
    except ValueError:
        return None


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(LITELLM)
def test_any_price_map_is_refused_or_gives_what_a_registry_takes(content):
    check(read(litellm.to_catalog, json.dumps(content).encode()))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(MODELS_DEV)
def test_any_file_in_the_form_of_models_dev_is_refused_or_gives_what_a_registry_takes(content):
    check(read(models_dev.to_catalog, json.dumps(content).encode()))


@pytest.mark.parametrize("number", ["1e999999999", "9" * 5_000, "1e-999999999", "-0.0", "0.1e1"])
def test_a_number_of_any_size_is_taken_or_noted_at_once(number):
    fields = (
        "input_cost_per_token",
        "max_input_tokens",
        "input_cost_per_token_above_99999999999999999999k_tokens",
        "rpm",
    )
    told = ", ".join(f'"{field}": {number}' for field in fields)
    tiers = f'"tiered_pricing": [{{"range": [{number}, {number}], "input_cost_per_token": {number}}}]'
    check(read(litellm.to_catalog, f'{{"m": {{"litellm_provider": "x", {told}, {tiers}}}}}'.encode()))
    cost = f'{{"input": {number}, "tiers": [{{"input": {number}, "tier": {{"size": {number}}}}}]}}'
    limit = f'{{"context": {number}}}'
    check(read(models_dev.to_catalog, f'{{"x": {{"models": {{"m": {{"cost": {cost}, "limit": {limit}}}}}}}}}'.encode()))


def check(catalog):
    if catalog is None:
        return
    names = [resource.name for resource in catalog.resources]
    assert len(set(names)) == len(names)
    assert [violation for r in catalog.resources for violation in validate(r, path=r.name)] == []
