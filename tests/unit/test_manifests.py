"""Resources as people write them: what is understood, and how what is not is refused."""

import json
import typing
from datetime import UTC, datetime

import pytest
import yaml
from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st

from airegistry.errors import InvalidArgumentError, RequestTooLargeError
from airegistry.importers.genai_prices import read_catalog
from airegistry.manifests import MAX_BYTES, nanos_from_usd, plain, read_manifests, usd
from airegistry.manifests.fields import DURATIONS, read_into
from airegistry.manifests.places import Findings, Place
from airegistry.resources.endpoint import Auth, AuthMethod, DataPolicy, Endpoint, RateLimits
from airegistry.resources.model import Capability, LifecycleStage, Modality, Model
from airegistry.resources.prices import PriceBucket
from airegistry.resources.resource import Resource
from airegistry.resources.route import RequestOverrides
from airegistry.v1 import registry_service_pb2
from tests.registries import RESOURCE

MODEL = """\
name: models/my-llm
labels: {team: search}
model:
  display_name: My LLM
  version: "1.10"
  tasks: [text-generation]
  input_modalities: [text, IMAGE]
  capabilities: {tools: true, web_search: false, reasoning: 3}
  limits: {context_tokens: 8192}
  lifecycle: {stage: LIFECYCLE_STAGE_PREVIEW, retire_time: 2027-01-31}
"""
ENDPOINT = """\
name: models/my-llm/endpoints/local
endpoint:
  provider: local
  upstream_model: llama
  address: http://127.0.0.1:8000/v1
  communication: {dialect: openai.chat, auth: {method: none}}
  data_policy: {retention: 1.5h}
  declared: {time_to_first_token: 250ms, tokens_per_second: 80}
  weight: 0
  prices:
    schedules:
      - prices:
          - {bucket: input-tokens, usd: "0.10"}
          - {bucket: output_tokens, nanos: 400000000, tiers: [{above: 200000, usd: 2}]}
"""


def problems(text: str, source: str = "my.yaml") -> dict[str, str]:
    """Return what is wrong with a manifest, by path."""
    with pytest.raises(InvalidArgumentError) as refused:
        read_manifests(text, source=source)
    return {violation.field: violation.description for violation in refused.value.violations}


def endpoint(**fields: object) -> str:
    spec = {"provider": "local", "upstream_model": "llama"} | fields
    return json.dumps({"name": "models/m/endpoints/e", "endpoint": spec})


def test_a_model_is_read_as_it_is_written():
    (resource,) = read_manifests(MODEL)
    assert resource.name == "models/my-llm"
    assert resource.labels == {"team": "search"}
    model = resource.model
    assert model is not None
    assert model.lifecycle is not None
    assert model.version == "1.10"
    assert model.input_modalities == (Modality.TEXT, Modality.IMAGE)
    assert model.capabilities == {
        "tools": Capability(supported=True),
        "web_search": Capability(supported=False),
        "reasoning": Capability(level=3),
    }
    assert model.lifecycle.stage is LifecycleStage.PREVIEW
    assert model.lifecycle.retire_time == datetime(2027, 1, 31, tzinfo=UTC)


def test_durations_have_units_and_prices_are_exact():
    (resource,) = read_manifests(ENDPOINT)
    spec = resource.endpoint
    assert spec is not None
    assert spec.communication is not None
    assert spec.data_policy is not None
    assert spec.declared is not None
    assert spec.prices is not None
    assert spec.communication.auth == Auth(AuthMethod.NONE)
    assert spec.data_policy.retention == 5400
    assert spec.declared.time_to_first_token == 0.25
    assert spec.weight == 0
    first, second = spec.prices.schedules[0].prices
    assert (first.bucket, first.nanos) == (PriceBucket.INPUT_TOKENS, 100_000_000)
    assert (second.nanos, second.tiers[0].above, second.tiers[0].nanos) == (400_000_000, 200_000, 2_000_000_000)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{MODEL}---\n{ENDPOINT}", id="documents"),
        pytest.param(f"{MODEL}---\n---\n{ENDPOINT}", id="an-empty-document"),
        pytest.param(yaml.safe_dump(list(yaml.safe_load_all(f"{MODEL}---\n{ENDPOINT}"))), id="a-list"),
        pytest.param(
            json.dumps({"resources": list(yaml.safe_load_all(f"{MODEL}---\n{ENDPOINT}"))}, default=str), id="json"
        ),
    ],
)
def test_several_resources_may_come_as_documents_a_list_or_under_resources(text):
    assert read_manifests(text) == read_manifests(MODEL) + read_manifests(ENDPOINT)


def test_an_empty_file_holds_no_resources():
    assert read_manifests("# nothing yet\n") == ()


def test_what_is_shown_can_be_read_again():
    catalog = read_catalog()
    some = catalog.resources[::40]
    shown = yaml.safe_dump([plain(resource) for resource in some], allow_unicode=True)
    assert read_manifests(shown) == some
    assert read_manifests(json.dumps([plain(resource) for resource in some])) == some


@given(RESOURCE)
def test_any_resource_survives_the_way_out_and_back(resource):
    findings = Findings("made up")
    shown = json.loads(json.dumps(plain(resource)))
    assert read_into(Resource, shown, Place("", findings)) == resource
    assert findings.violations == []


def test_absent_is_left_out_and_zero_is_not():
    shown = plain(Resource(name="models/m/endpoints/e", endpoint=Endpoint(provider="p", weight=0)))
    assert shown["endpoint"] == {"provider": "p", "weight": 0, "priority": 0}


@given(st.integers(min_value=0, max_value=10**19 - 1))
def test_dollars_survive_the_round_trip_exactly(nanos):
    assert nanos_from_usd(usd(nanos)) == nanos


@pytest.mark.parametrize(
    ("nanos", "dollars"),
    [
        pytest.param(2_500_000_000, "2.50", id="cents"),
        pytest.param(1, "0.000000001", id="the-smallest"),
        pytest.param(0, "0.00", id="free"),
    ],
)
def test_dollars_are_written_as_people_do(nanos, dollars):
    assert usd(nanos) == dollars


@pytest.mark.parametrize(
    ("price", "path", "problem"),
    [
        pytest.param({"usd": 2.5}, "usd", "floating-point", id="float"),
        pytest.param({"usd": "-2.50"}, "usd", "must not be negative", id="negative-dollars"),
        pytest.param({"nanos": -1}, "nanos", "must be 0 or more", id="negative-nanos"),
        pytest.param({"usd": "NaN"}, "usd", "must be an amount", id="nan-text"),
        pytest.param({"usd": "1e3"}, "usd", "must be an amount", id="exponent"),
        pytest.param({"usd": "0.0000000001"}, "usd", "more than 9 decimals", id="finer-than-a-nano"),
        pytest.param({"usd": True}, "usd", "must be an amount", id="boolean"),
        pytest.param({"usd": "1", "nanos": 1}, "nanos", "write one of the two", id="both"),
        pytest.param({"nanos": 1.0}, "nanos", "must be a whole number", id="float-nanos"),
        pytest.param({"nanos": 2**63}, "nanos", "too large", id="beyond-int64"),
    ],
)
def test_money_that_is_not_exact_or_negative_is_refused(price, path, problem):
    text = endpoint(prices={"schedules": [{"prices": [{"bucket": "input_tokens"} | price]}]})
    found = problems(text)
    assert problem in found[f"resources[0].endpoint.prices.schedules[0].prices[0].{path}"]


@pytest.mark.parametrize(
    ("fields", "path", "problem"),
    [
        pytest.param({"weigth": 1}, "weigth", "is not a field; did you mean weight?", id="unknown-field"),
        pytest.param({"address": 7}, "address", "must be text, found 7; put it in quotes", id="text"),
        pytest.param({"weight": "1"}, "weight", "must be a whole number", id="whole"),
        pytest.param({"weight": True}, "weight", "must be a whole number", id="bool-is-no-number"),
        pytest.param({"weight": 1_000_001}, "weight", "must be between 0 and 1000000", id="out-of-bounds"),
        pytest.param(
            {"capabilities": {"tools": "yes"}}, "capabilities[tools]", "true, false or a level", id="capability"
        ),
        pytest.param({"capabilities": []}, "capabilities", "must be a mapping, found a list", id="mapping"),
        pytest.param({"limits": [1]}, "limits", "must be a mapping, found a list", id="block"),
        pytest.param({"communication": {"headers": "x"}}, "communication.headers", "must be a mapping", id="map"),
        pytest.param({"declared": {"reliability": "99 %"}}, "declared.reliability", "must be a number", id="number"),
        pytest.param({"declared": {"reliability": 99}}, "declared.reliability", "between 0 and 1", id="share"),
        pytest.param({"probing": {"interval": "soon"}}, "probing.interval", "text with a unit", id="duration"),
        pytest.param({"probing": {"disabled": "no"}}, "probing.disabled", "must be true or false", id="boolean"),
        pytest.param(
            {"communication": {"auth": {"method": "oauth"}}}, "communication.auth.method", "bearer, header", id="enum"
        ),
        pytest.param(
            {"provenance": {"source": "x", "retrieve_time": "2026-01-01T00:00:00"}},
            "provenance.retrieve_time",
            "must say its time zone",
            id="time-zone",
        ),
        pytest.param(
            {"prices": {"schedules": [{"prices": [{"bucket": "input_token", "usd": "1"}]}]}},
            "prices.schedules[0].prices[0].bucket",
            "input_tokens",
            id="enum-with-many-names",
        ),
        pytest.param({"credential": "sk-!"}, "credential", "is not a credential's name", id="rule-of-the-contract"),
    ],
)
def test_a_wrong_field_is_named_by_its_path(fields, path, problem):
    assert problem in problems(endpoint(**fields))[f"resources[0].endpoint.{path}"]


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        pytest.param(".nan", "must be a finite number", id="nan"),
        pytest.param("-.inf", "must be a finite number", id="infinity"),
        pytest.param("1e999", "must be a finite number", id="overflow"),
    ],
)
def test_numbers_that_are_none_are_refused(number, problem):
    text = f"{MODEL}  benchmarks: [{{name: x, score: {number}}}]\n"
    assert problem in problems(text)["resources[0].model.benchmarks[0].score"]


@pytest.mark.parametrize(
    ("cls", "field", "value", "problem"),
    [
        pytest.param(RequestOverrides, "temperature", float("nan"), "must be a finite number", id="nan"),
        pytest.param(DataPolicy, "retention", float("inf"), "must be a finite number", id="infinite-duration"),
        pytest.param(RateLimits, "tokens_per_minute", 2**63, "is too large to be stored", id="beyond-int64"),
    ],
)
def test_what_no_message_can_hold_is_refused_before_any_rule_is_asked(cls, field, value, problem):
    findings = Findings("x")
    read_into(cls, {field: value}, Place("here", findings))
    assert [(violation.field, violation.description) for violation in findings.violations] == [
        (f"here.{field}", f"{problem} (x)")
    ]


def test_json_has_no_nan_either():
    text = '{"name": "models/m", "model": {"benchmarks": [{"name": "x", "score": NaN}]}}'
    assert "NaN is not a number" in problems(text, "x.json")["x.json"]


def test_everything_that_is_wrong_is_said_at_once_with_lines():
    text = f"- name: models/A\n  model: {{}}\n  labels: {{big: '{'x' * 300}'}}\n- name: models/b\n  modle: {{}}\n"
    assert problems(text) == {
        "resources[0].name": (
            "'models/A' is not a resource name: an id has 1 to 128 of a-z 0-9 . _ - and begins and ends with a letter or "
            "digit (my.yaml, line 1)"
        ),
        "resources[0].labels[big]": "must have at most 256 bytes, has 300 (my.yaml, line 3)",
        "resources[1].modle": "is not a field; did you mean model? (my.yaml, line 5)",
    }


def test_a_name_must_fit_its_kind():
    found = problems("name: agents/a\nmodel: {}\n")
    assert found == {"resources[0].name": "is the name of an agent, but the resource is a model (my.yaml, line 1)"}


def test_a_version_that_looks_like_a_number_must_be_quoted():
    assert "put it in quotes" in problems("name: models/m\nmodel: {version: 1.10}\n")["resources[0].model.version"]


def test_a_date_stays_text_where_text_is_wanted():
    (resource,) = read_manifests("name: models/m\nmodel: {version: 2024-08-06}\n")
    assert resource.model == Model(version="2024-08-06")


@pytest.mark.parametrize(
    ("text", "source", "problem"),
    [
        pytest.param("name: models/a\nname: models/b\nmodel: {}\n", "x.yaml", "stands twice", id="duplicate-key"),
        pytest.param('{"name": "models/a", "name": "models/b"}', "x.json", "stands twice", id="duplicate-json-key"),
        pytest.param("name: !!python/object:os.system ls\n", "x.yaml", "are not supported", id="tag"),
        pytest.param("name: [models/a\n", "x.yaml", "expected", id="not-yaml"),
        pytest.param("name: a\n\tmodel: {}\n", "x.yaml", "", id="tab"),
        pytest.param('{"name": ', "x.json", "Expecting value", id="not-json"),
        pytest.param("a: *nowhere\n", "x.yaml", "anchor", id="unknown-anchor"),
        pytest.param("[" * 100, "x.yaml", "nested more than", id="deep"),
        pytest.param("[" * 100_000, "x.json", "nested too deeply", id="deep-json"),
        pytest.param("a: &a {b: *a}\n", "x.yaml", "anchor", id="an-anchor-in-itself"),
        pytest.param("a: \x01\n", "x.yaml", "", id="control-character"),
        pytest.param("{1: 2", "x.yaml", "", id="flow"),
    ],
)
def test_text_that_cannot_be_trusted_is_refused_with_its_source(text, source, problem):
    with pytest.raises(InvalidArgumentError) as refused:
        read_manifests(text, source=source)
    (violation,) = refused.value.violations
    assert violation.field.startswith(source)
    assert problem in violation.description


def test_aliases_cannot_make_a_small_file_huge():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(InvalidArgumentError, match="more than 1000000 values"):
        read_manifests("\n".join(lines))


def test_anchors_and_merges_say_what_is_shared_once():
    text = "- &base {name: models/a, model: {family: f}}\n- {<<: *base, name: models/b}\n"
    first, second = read_manifests(text)
    assert (second.name, second.model) == ("models/b", first.model)


def test_a_file_beyond_the_bound_is_refused_with_the_limit_and_its_size():
    with pytest.raises(RequestTooLargeError) as refused:
        read_manifests("#" * (MAX_BYTES + 1))
    assert refused.value.metadata == {"limit": str(MAX_BYTES), "count": str(MAX_BYTES + 1)}


def test_what_stands_beside_resources_is_refused():
    assert "belongs to none" in problems("resources: []\nlables: {}\n")["lables"]


def test_the_fields_with_units_are_those_that_are_durations_on_the_wire():
    """A float is a number or a duration; only the contract knows which."""
    found: set[str] = set()
    seen: set[str] = set()

    def visit(descriptor: typing.Any) -> None:
        if descriptor.full_name in seen or descriptor.full_name.startswith("google."):
            return
        seen.add(descriptor.full_name)
        for field in descriptor.fields:
            if field.message_type is None:
                continue
            if field.message_type.full_name == Duration.DESCRIPTOR.full_name:
                found.add(field.name)
            visit(field.message_type)

    visit(registry_service_pb2.RegisterRequest.DESCRIPTOR.fields_by_name["resources"].message_type)
    assert found == DURATIONS


def test_every_price_bucket_is_read_by_its_name():
    text = endpoint(prices={"schedules": [{"prices": [{"bucket": b.name, "usd": "1"} for b in PriceBucket]}]})
    (resource,) = read_manifests(text)
    assert resource.endpoint is not None
    assert resource.endpoint.prices is not None
    assert [price.bucket for price in resource.endpoint.prices.schedules[0].prices] == list(PriceBucket)
