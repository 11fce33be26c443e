"""LiteLLM's real price map, taken over without loss: what it says is there, or the report says why not."""

import re
import sys
from collections import defaultdict
from decimal import Decimal
from itertools import product

import pytest

from airegistry.importers.files import SourceFile
from airegistry.importers.litellm.catalog import read_installed, read_path, to_catalog
from airegistry.importers.report import Catalog
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.names import parse_name
from airegistry.resources.prices import PriceBucket
from airegistry.resources.provenance import Provenance
from airegistry.resources.validation import validate
from tests import litellm_map
from tests.litellm_entries import NOW, nanos

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
