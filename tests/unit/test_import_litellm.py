"""LiteLLM's real price map, taken over without loss: what it says is there, or the report says why not."""

import json
import re
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from airegistry.importers.files import SourceFile
from airegistry.importers.litellm.catalog import read_installed, read_path, to_catalog
from airegistry.importers.report import Catalog, count_by_reason
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Capability, Modality
from airegistry.resources.names import parse_name
from airegistry.resources.prices import PriceBucket
from airegistry.resources.pricing import in_force, nanos_for
from airegistry.resources.provenance import Provenance
from airegistry.resources.validation import validate
from tests import litellm_map

NOW = datetime(2026, 11, 29, tzinfo=UTC)
# What the map counts, as ours and how many of it make one of ours; told here anew, from the meaning of the words.
TOKENS = {
    "input_cost_per_token": PriceBucket.INPUT_TOKENS,
    "output_cost_per_token": PriceBucket.OUTPUT_TOKENS,
    "output_cost_per_reasoning_token": PriceBucket.REASONING_TOKENS,
    "cache_read_input_token_cost": PriceBucket.CACHE_READ_TOKENS,
    "cache_creation_input_token_cost": PriceBucket.CACHE_WRITE_TOKENS,
    "input_cost_per_audio_token": PriceBucket.INPUT_AUDIO_TOKENS,
    "output_cost_per_audio_token": PriceBucket.OUTPUT_AUDIO_TOKENS,
    "input_cost_per_image_token": PriceBucket.INPUT_IMAGE_TOKENS,
    "output_cost_per_image_token": PriceBucket.OUTPUT_IMAGE_TOKENS,
}
SERVICES = {
    "": {},
    "_batches": {"processing": "batch"},
    "_priority": {"service_tier": "priority"},
    "_flex": {"service_tier": "flex"},
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return to_catalog(read_path(litellm_map.MAP, retrieved=NOW))


@pytest.fixture(scope="module")
def endpoints(catalog) -> dict[tuple[str, str, str], Endpoint]:
    """Every endpoint by its provider, upstream id and region."""
    found = [r.endpoint for r in catalog.resources if r.endpoint]
    return {(e.provider, e.upstream_model, e.region): e for e in found}


@pytest.fixture(scope="module")
def noted(catalog) -> dict[str, list[str]]:
    """Everything that is noted about an entry, by its key."""
    notes = defaultdict(list)
    for note in catalog.notes:
        notes[note.subject].append(note.reason)
    return notes


def imported(**entries: Any) -> Any:
    """Import a map with these entries, of a provider whom we know how to reach."""
    spelled = {key: {"litellm_provider": "groq", "mode": "chat"} | fields for key, fields in entries.items()}
    return to_catalog(SourceFile(json.dumps(spelled, default=float).encode(), Provenance("litellm", "1")))


def one(**fields: Any) -> tuple[Any, Any, Counter[str]]:
    """Import one entry: its model, its endpoint, and what is noted."""
    catalog = imported(**{"groq/m": fields})
    (model,) = (r.model for r in catalog.resources if r.model)
    (endpoint,) = (r.endpoint for r in catalog.resources if r.endpoint)
    return model, endpoint, Counter(count_by_reason(catalog.notes))


def nanos(endpoint: Any, tokens: int = 0, **variant: str) -> dict[PriceBucket, int | None]:
    return {bucket: nanos_for(price, tokens) for bucket, price in in_force(endpoint.prices, NOW, variant).items()}


def test_the_map_is_the_real_one(catalog):
    assert len(litellm_map.entries()) > 4_000
    assert sum(r.model is not None for r in catalog.resources) > 3_500


def test_every_entry_is_listed_or_the_report_says_why_not(catalog, noted):
    listed = {(r.endpoint.upstream_model) for r in catalog.resources if r.endpoint}
    lost = [
        key
        for key in litellm_map.entries()
        if not any(key == id_ or key.endswith(f"/{id_}") for id_ in (key, *_ends(key)) if id_ in listed)
        and not any("left out" in reason for reason in noted[key])
    ]
    assert lost == []


def _ends(key: str) -> list[str]:
    words = key.split("/")
    return ["/".join(words[i:]) for i in range(1, len(words))]


def plain_entries(noted):
    """The entries of some providers whose keys are their models' ids, and which are listed."""
    for provider, prefix in (("openai", ""), ("anthropic", ""), ("groq", "groq/"), ("deepinfra", "deepinfra/")):
        for key, fields in litellm_map.entries().items():
            left_out = any("left out" in reason for reason in noted[key])
            if (
                fields.get("litellm_provider") == provider
                and key.startswith(prefix)
                and "-x-" not in key
                and not left_out
            ):
                yield (provider, key.removeprefix(prefix), ""), key, fields


def token_prices(fields):
    """The token prices of an entry: the field, its bucket, which calls it is for, and the amount."""
    for (suffix, variant), (field, bucket) in product(SERVICES.items(), TOKENS.items()):
        if fields.get(f"{field}{suffix}") is not None:
            yield f"{field}{suffix}", bucket, variant, fields[f"{field}{suffix}"]


def test_every_token_price_is_the_maps_for_every_service(endpoints, noted):
    compared = 0
    for place, key, fields in plain_entries(noted):
        for field, bucket, variant, told in token_prices(fields):
            if told or not any(field in reason for reason in noted[key]):
                assert nanos(endpoints[place], **variant)[bucket] == exact(told), (key, field)
                compared += 1
    assert compared > 1_000


def test_every_token_price_is_the_maps_below_and_above_every_threshold(endpoints, noted):
    compared = 0
    for place, key, fields in plain_entries(noted):
        for (field, bucket), size in product(TOKENS.items(), (100, 128, 200, 272, 512)):
            above = fields.get(f"{field}_above_{size}k_tokens")
            if above:
                found = [nanos(endpoints[place], size * 1000 + more)[bucket] for more in (0, 1)]
                assert found == [exact(fields[field]), exact(above)], (key, field)
                compared += 1
    assert compared > 50


def exact(dollars: Decimal | int) -> int:
    """Nano-USD for a million, of US dollars for one."""
    return round(Decimal(dollars) * 10**15)


def test_every_price_is_in_a_price_list_or_in_the_report(catalog, noted):
    """A price is there when a schedule has its amount; whichever unit it is in, its digits are the same."""
    digits: dict[str, set[str]] = defaultdict(set)
    for resource in catalog.resources:
        if resource.endpoint is None or resource.endpoint.prices is None:
            continue
        for schedule in resource.endpoint.prices.schedules:
            for price in schedule.prices:
                amounts = [price.nanos, *(tier.nanos for tier in price.tiers)]
                digits[resource.endpoint.upstream_model].update(_digits(Decimal(n or 0)) for n in amounts)
                # Hours of what the map counts in seconds.
                digits[resource.endpoint.upstream_model].update(_digits(Decimal(n or 0) / 3600) for n in amounts)
    lost = []
    for key, fields in litellm_map.entries().items():
        reasons = " ".join(noted[key])
        if "left out" in reasons and re.search(r"listed twice|class of prices|names no|another name", reasons):
            continue
        there = set().union(*(digits[end] for end in (key, *_ends(key)) if end in digits))
        lost += [
            (key, name)
            for name, value in fields.items()
            if "cost" in name
            and isinstance(value, int | Decimal)
            and value
            and name not in reasons
            and _digits(Decimal(value)) not in there
        ]
    assert lost == []


def _digits(amount: Decimal) -> str:
    return f"{amount:.10e}".split("e")[0].rstrip("0")


def test_every_name_follows_the_rules_and_is_unique(catalog):
    names = [resource.name for resource in catalog.resources]
    assert len(set(names)) == len(names)
    assert all(parse_name(resource.name).kind is resource.kind for resource in catalog.resources)


def test_everything_is_what_a_registry_takes(catalog):
    assert [violation for r in catalog.resources for violation in validate(r, path=r.name)] == []


def test_no_endpoint_names_a_credential(catalog):
    assert all(not r.endpoint.credential for r in catalog.resources if r.endpoint)


def test_everything_says_where_it_comes_from_and_when_and_from_which_file(catalog):
    for resource in catalog.resources:
        provenance = resource.spec.provenance
        assert (provenance.source, provenance.retrieve_time) == ("litellm", NOW)
        assert re.fullmatch(r"\d+\.\d+\.\d+", provenance.source_version)
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", provenance.digest)


def test_reading_twice_gives_the_same(catalog):
    assert to_catalog(read_path(litellm_map.MAP, retrieved=NOW)) == catalog


def test_the_installed_map_is_read_without_running_litellm(tmp_path, monkeypatch):
    package = tmp_path / "litellm"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('litellm was imported')")
    (package / litellm_map.MAP.name).write_text('{"m": {"litellm_provider": "groq", "mode": "chat"}}')
    metadata = tmp_path / "litellm-9.8.7.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: litellm\nVersion: 9.8.7\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    file = read_installed()
    assert file.provenance.source_version == "9.8.7"
    assert len(to_catalog(file).resources) == 2
    assert "litellm" not in sys.modules


def test_without_litellm_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(ImportError, match="no installed litellm"):
        read_installed()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"", "not JSON", id="empty"),
        pytest.param(b"[]", "not a JSON object", id="list"),
        pytest.param(b"\xff{}", "UTF-8", id="bytes"),
        pytest.param(b"[" * 100_000, "too deeply", id="deep"),
        pytest.param(b'{"a": {"litellm_provider": "x", "input_cost_per_token": NaN}}', "NaN is not a number", id="nan"),
        pytest.param(b'{"a": {"mode": "chat"}}', "no entry with a litellm_provider", id="another-form"),
    ],
)
def test_what_is_no_map_is_refused(content, problem):
    with pytest.raises(ValueError, match=problem):
        to_catalog(SourceFile(content, Provenance("litellm")))


def test_a_map_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("airegistry.importers.files.MAX_FILE_BYTES", 10)
    (tmp_path / "map.json").write_text(" " * 11)
    with pytest.raises(ValueError, match="more than 10 bytes"):
        read_path(tmp_path / "map.json")


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
