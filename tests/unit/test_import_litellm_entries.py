"""Single entries of LiteLLM's price map: what each way to state a price or an ability comes to."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from airegistry.importers.report import count_by_reason
from airegistry.resources.model import Capability, Modality
from airegistry.resources.prices import PriceBucket
from tests.litellm_entries import imported, nanos


def one(**fields: Any) -> tuple[Any, Any, Counter[str]]:
    """Import one entry: its model, its endpoint, and what is noted."""
    catalog = imported(**{"groq/m": fields})
    (model,) = (r.model for r in catalog.resources if r.model)
    (endpoint,) = (r.endpoint for r in catalog.resources if r.endpoint)
    return model, endpoint, Counter(count_by_reason(catalog.notes))


def test_a_zero_is_unknown_where_somebody_may_have_to_pay():
    _, endpoint, notes = one(input_cost_per_token=0, output_cost_per_token=0.0)
    assert endpoint.prices is None
    assert notes["0 taken as unknown: input_cost_per_token"] == 1
    assert notes["no prices that hold: unknown, not free"] == 1


def test_a_zero_is_a_price_on_ones_own_machine_and_for_what_is_called_free():
    free = imported(
        **{
            "ollama/llama3": {"litellm_provider": "ollama", "input_cost_per_token": 0, "output_cost_per_token": 0},
            "ollama/big-cloud": {"litellm_provider": "ollama", "input_cost_per_token": 0, "output_cost_per_token": 0},
            "groq/m:free": {"input_cost_per_token": 0, "output_cost_per_token": 0},
        }
    )
    priced = {r.endpoint.upstream_model: r.endpoint.prices is not None for r in free.resources if r.endpoint}
    assert priced == {"llama3": True, "big-cloud": False, "m:free": True}


def test_the_output_of_an_embedding_costs_nothing_where_its_input_has_a_price():
    _, endpoint, _ = one(mode="embedding", input_cost_per_token=1e-7, output_cost_per_token=0.0)
    assert nanos(endpoint) == {PriceBucket.INPUT_TOKENS: 100_000_000, PriceBucket.OUTPUT_TOKENS: 0}


def test_a_rerank_that_is_billed_by_the_query_has_no_price_for_tokens():
    _, endpoint, notes = one(mode="rerank", input_cost_per_query=0.002, input_cost_per_token=0, output_cost_per_token=0)
    assert nanos(endpoint) == {PriceBucket.REQUESTS: 2_000_000_000}
    assert notes["0 taken as unknown: output_cost_per_token"] == 1


def test_tiers_begin_above_what_a_range_begins_with():
    _, endpoint, _ = one(
        tiered_pricing=[
            {"input_cost_per_token": 1e-6, "range": [0, 32_000.0]},
            {"input_cost_per_token": 2e-6, "range": [32_000.0, 128_000.0]},
        ]
    )
    found = [nanos(endpoint, tokens)[PriceBucket.INPUT_TOKENS] for tokens in (1, 32_000, 32_001, 10**6)]
    assert found == [10**9, 10**9, 2 * 10**9, 2 * 10**9]


def test_what_is_above_a_threshold_at_xai_includes_it():
    catalog = imported(
        **{
            "xai/m": {
                "litellm_provider": "xai",
                "input_cost_per_token": 1e-6,
                "input_cost_per_token_above_200k_tokens": 2e-6,
            }
        }
    )
    endpoint = catalog.resources[1].endpoint
    assert [nanos(endpoint, n)[PriceBucket.INPUT_TOKENS] for n in (199_999, 200_000)] == [10**9, 2 * 10**9]


def test_a_service_without_a_price_of_its_own_costs_what_the_standard_one_does():
    _, endpoint, _ = one(input_cost_per_token=2e-6, output_cost_per_token=4e-6, input_cost_per_token_batches=1e-6)
    assert nanos(endpoint, processing="batch") == {
        PriceBucket.INPUT_TOKENS: 10**9,
        PriceBucket.OUTPUT_TOKENS: 4 * 10**9,
    }


def test_the_size_and_quality_of_an_image_are_variants_of_one_price_list():
    catalog = imported(
        **{
            "dall-e-3": {"litellm_provider": "openai", "mode": "image_generation", "output_cost_per_image": 0.04},
            "hd/1024-x-1792/dall-e-3": {
                "litellm_provider": "openai",
                "mode": "image_generation",
                "output_cost_per_image": 0.12,
            },
        }
    )
    model, resource = catalog.resources
    assert (model.name, resource.name) == ("models/dall-e-3", "models/dall-e-3/endpoints/openai")
    assert nanos(resource.endpoint)[PriceBucket.OUTPUT_IMAGES] == 40_000_000
    assert nanos(resource.endpoint, quality="hd", size="1024x1792")[PriceBucket.OUTPUT_IMAGES] == 120_000_000
    assert nanos(resource.endpoint, quality="hd", size="1x1") == {}


def test_a_region_is_an_endpoint_of_its_own():
    catalog = imported(
        **{
            "bedrock/us-east-1/titan": {"litellm_provider": "bedrock", "input_cost_per_token": 1e-6},
            "titan": {"litellm_provider": "bedrock", "input_cost_per_token": 2e-6},
        }
    )
    found = {r.name: r.endpoint.region for r in catalog.resources if r.endpoint}
    assert found == {"models/titan/endpoints/aws": "", "models/titan/endpoints/aws.us-east-1": "us-east-1"}


def test_an_entry_that_is_there_with_and_without_its_provider_is_listed_once():
    catalog = imported(**{"m": {"max_input_tokens": 1}, "groq/m": {"max_input_tokens": 2}})
    (model,) = (r.model for r in catalog.resources if r.model)
    assert model.limits.max_input_tokens == 2
    assert ("m", "listed twice, differently: left out") in {(note.subject, note.reason) for note in catalog.notes}


def test_what_can_be_put_in_is_the_least_that_the_context_holds_and_marked_as_concluded():
    model, _, _ = one(max_input_tokens=272_000, max_output_tokens=0, max_tokens=128_000)
    assert model.limits.context_tokens == model.limits.max_input_tokens == 272_000
    assert model.limits.max_output_tokens is None
    assert "limits.context_tokens" in model.fact_sources[0].fields
    assert model.fact_sources[0].inferred


def test_abilities_have_our_names_and_what_is_said_to_be_missing_is_missing():
    model, _, _ = one(
        supports_function_calling=True, supports_response_schema=False, supports_vision=True, supports_url_context=True
    )
    yes, no = Capability(supported=True), Capability(supported=False)
    assert model.capabilities == {"tools": yes, "structured_output": no, "vision": yes, "url_context": yes}
    assert model.input_modalities == (Modality.TEXT, Modality.IMAGE)
    assert model.tasks == ("text-generation", "image-text-to-text")


def test_what_an_id_hints_at_counts_for_nothing_beside_what_is_said():
    said, _, _ = one(supports_vision=False)
    assert said.input_modalities == (Modality.TEXT,)
    hinted = imported(**{"groq/qwen-vl": {}}).resources[0].model
    assert hinted.input_modalities == (Modality.TEXT, Modality.IMAGE)
    assert "input_modalities" in hinted.fact_sources[0].fields


def test_a_deprecation_and_a_successor_are_the_lifecycle():
    catalog = imported(
        **{"groq/old": {"deprecation_date": "2027-01-08", "successor_model": "groq/new"}, "groq/new": {}}
    )
    old = next(r.model for r in catalog.resources if r.name == "models/old")
    assert old.lifecycle.deprecate_time == datetime(2027, 1, 8, tzinfo=UTC)
    assert old.lifecycle.replacement == "models/new"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"input_cost_per_token": "1e-6"}, "price is no amount: input_cost_per_token", id="text"),
        pytest.param({"input_cost_per_token": -1e-6}, "price is no amount: input_cost_per_token", id="negative"),
        pytest.param({"input_cost_per_token": True}, "price is no amount: input_cost_per_token", id="truth"),
        pytest.param({"input_cost_per_pixel": 1e-9}, "price cannot be expressed: input_cost_per_pixel", id="pixel"),
        pytest.param(
            {"input_cost_per_token": 1.23456789012345678e-6},
            "price rounded to a nano-USD: input_cost_per_token",
            id="fine",
        ),
        pytest.param({"deprecation_date": "soon"}, "deprecation_date is no date", id="date"),
        pytest.param({"max_input_tokens": 1.5}, "max_input_tokens is no count", id="half-a-token"),
        pytest.param({"supports_vision": "yes"}, "supports_vision is neither true nor false", id="ability"),
        pytest.param({"colour": "red"}, "no place for colour", id="unheard-of"),
        pytest.param({"mode": "teleport"}, "mode has no task: teleport", id="mode"),
        pytest.param({"successor_model": "groq/none"}, "its successor is no other entry", id="successor"),
    ],
)
def test_what_cannot_be_taken_is_noted(fields, reason):
    _, _, notes = one(**fields)
    assert notes[reason] == 1
