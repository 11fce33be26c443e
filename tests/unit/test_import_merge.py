"""An import over what is there: what it states wins, what it does not state stays."""

import dataclasses
from datetime import UTC, datetime

from hypothesis import given

from airegistry.importers.merge import changed, merge, merge_all
from airegistry.resources.endpoint import (
    Auth,
    AuthMethod,
    Communication,
    DataPolicy,
    DeclaredPerformance,
    Endpoint,
    Probing,
    RateLimits,
)
from airegistry.resources.model import Benchmark, Capability, Lifecycle, LifecycleStage, Modality, Model, ModelLimits
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.provenance import FactSource, Provenance
from airegistry.resources.resource import Liveness, Resource, ResourceStatus
from tests.registries import RESOURCE

MODEL = "models/m"
ENDPOINT = "models/m/endpoints/e"


def prices(nanos: int) -> PriceList:
    return PriceList((PriceSchedule((Price(PriceBucket.INPUT_TOKENS, nanos),)),))


STATED = Resource(
    name=ENDPOINT,
    endpoint=Endpoint(
        provider="p",
        address="https://p/v1",
        upstream_model="u",
        communication=Communication(dialect="openai.chat", headers={"version": "1"}),
        prices=prices(2),
    ),
)


def endpoint(**facts) -> Resource:
    return Resource(name=ENDPOINT, endpoint=Endpoint(provider="p", upstream_model="u", **facts))


def test_what_is_new_is_taken_as_it_is():
    assert merge(STATED, None) is STATED


def test_everything_that_an_import_says_nothing_about_stays():
    added = {
        "credential": "KEY",
        "weight": 0,
        "priority": 7,
        "region": "eu",
        "data_policy": DataPolicy(trains_on_data=False),
        "declared": DeclaredPerformance(reliability=0.9),
        "rate_limits": RateLimits(requests_per_minute=5),
        "probing": Probing(disabled=True),
        "limits": ModelLimits(context_tokens=5),
        "capabilities": {"tools": Capability(supported=True)},
        "quantization": "fp8",
    }
    there = dataclasses.replace(endpoint(**added), labels={"team": "search"})
    merged = merge(STATED, there)
    assert merged.labels == {"team": "search"}
    assert merged.endpoint is not None
    assert {name: getattr(merged.endpoint, name) for name in added} == added


def test_what_an_import_states_replaces_what_was_there():
    merged = merge(STATED, endpoint(address="https://old", prices=prices(1)))
    assert merged.endpoint is not None
    assert (merged.endpoint.address, merged.endpoint.prices) == ("https://p/v1", prices(2))


def test_headers_and_limits_are_merged_one_by_one():
    there = endpoint(
        communication=Communication(dialect="old", headers={"own": "2", "version": "0"}, auth=Auth(AuthMethod.NONE))
    )
    merged = merge(STATED, there).endpoint
    assert merged is not None
    assert merged.communication == Communication(
        dialect="openai.chat", headers={"own": "2", "version": "1"}, auth=Auth(AuthMethod.NONE)
    )


def test_a_model_keeps_its_aliases_and_further_ids():
    there = Model(
        original_ids=("Other/M", "Org/M"),
        aliases=("best",),
        limits=ModelLimits(max_output_tokens=9),
        lifecycle=Lifecycle(replacement="models/n"),
        benchmarks=(Benchmark("b", 1.0),),
        license="MIT",
    )
    stated = Model(
        original_ids=("Org/M",), limits=ModelLimits(context_tokens=5), lifecycle=Lifecycle(LifecycleStage.DEPRECATED)
    )
    merged = merge(Resource(name=MODEL, model=stated), Resource(name=MODEL, model=there)).model
    assert merged == Model(
        original_ids=("Org/M", "Other/M"),
        aliases=("best",),
        limits=ModelLimits(context_tokens=5, max_output_tokens=9),
        lifecycle=Lifecycle(LifecycleStage.DEPRECATED, replacement="models/n"),
        benchmarks=(Benchmark("b", 1.0),),
        license="MIT",
    )


@given(RESOURCE)
def test_an_import_that_states_the_same_changes_nothing(resource):
    assert not changed(merge(resource, resource), resource)


@given(RESOURCE)
def test_importing_twice_is_importing_once(resource):
    if resource.endpoint is None:
        return
    there = Resource(name=resource.name, endpoint=Endpoint(provider="p", credential="KEY", weight=3))
    once = merge(resource, there)
    assert merge(resource, once) == once


def test_what_somebody_holds_by_lease_is_left_alone():
    held = dataclasses.replace(endpoint(), status=ResourceStatus(liveness=Liveness.LIVE))
    merged, notes = merge_all([STATED], {ENDPOINT: held})
    assert merged == []
    assert [(note.subject, note.reason) for note in notes] == [(ENDPOINT, "leased by its holder: left alone")]


def test_a_merge_sets_no_condition():
    there = dataclasses.replace(endpoint(), etag="e", uid="u", revision=3)
    merged = merge(STATED, there)
    assert (merged.etag, merged.uid, merged.revision) == ("", "", 0)


A, B = Provenance("a", "1"), Provenance("b", "1")
OF_A = Model(family="one", limits=ModelLimits(context_tokens=8), provenance=A)


def merged_model(stated: Model, there: Model, **options) -> tuple[Model, list[str]]:
    """Return the model that an import makes of the one that is there, and the reasons of its notes."""
    merged, notes = merge_all(
        [Resource(name=MODEL, model=stated)], {MODEL: Resource(name=MODEL, model=there)}, **options
    )
    assert merged[0].model is not None
    return merged[0].model, [note.reason for note in notes]


def test_what_another_source_says_stays_and_the_conflict_is_told_with_both_sides():
    stated = Resource(name=MODEL, model=Model(family="two", license="MIT", provenance=B))
    merged, notes = merge_all([stated], {MODEL: Resource(name=MODEL, model=OF_A)})
    model = merged[0].model
    assert model is not None
    assert (model.family, model.license) == ("one", "MIT")
    assert [(note.subject, note.reason, note.detail) for note in notes] == [
        (MODEL, "b says otherwise than a, kept: family", "one; b says two")
    ]


def test_what_is_added_says_whose_it_is_and_the_rest_stays_whose_it_was():
    model, _ = merged_model(Model(family="two", license="MIT", provenance=B), OF_A)
    assert model.provenance == A
    assert model.fact_sources == (FactSource(("license",), B),)


def test_an_import_that_prevails_replaces_and_owns_it_and_still_tells():
    model, reasons = merged_model(Model(family="two", provenance=B), OF_A, prevail=True)
    assert model.family == "two"
    assert model.fact_sources == (FactSource(("family",), B),)
    assert reasons == ["b says otherwise than a, replaced: family"]


def test_two_sources_in_turn_do_not_take_from_each_other():
    of_b = Model(family="two", license="MIT", provenance=B)
    both, _ = merged_model(of_b, OF_A)
    assert merged_model(OF_A, both) == (both, [])
    assert merged_model(of_b, both)[0] == both


def test_a_source_changes_its_own_facts_wherever_they_stand():
    both, _ = merged_model(Model(license="MIT", provenance=B), OF_A)
    newer = Provenance("b", "2")
    model, reasons = merged_model(Model(license="BSD", provenance=newer), both)
    assert (model.license, reasons) == ("BSD", [])
    assert model.fact_sources == (FactSource(("license",), newer),)
    again, _ = merged_model(Model(family="new", provenance=Provenance("a", "2")), model)
    assert (again.family, again.provenance) == ("new", Provenance("a", "2"))


def test_what_is_stated_replaces_what_was_concluded_and_never_the_other_way_round():
    concluded = Model(
        input_modalities=(Modality.TEXT,),
        provenance=A,
        fact_sources=(FactSource(("input_modalities",), inferred=True),),
    )
    stated = Model(input_modalities=(Modality.TEXT, Modality.IMAGE), provenance=B)
    for new, old in ((stated, concluded), (concluded, stated)):
        model, reasons = merged_model(new, old)
        assert model.input_modalities == stated.input_modalities
        assert reasons == []


def test_a_conclusion_that_another_source_states_is_one_no_more():
    concluded = Model(tasks=("chat",), provenance=A, fact_sources=(FactSource(("tasks",), inferred=True),))
    model, _ = merged_model(Model(tasks=("chat",), provenance=B), concluded)
    assert model.fact_sources == (FactSource(("tasks",), B),)


def test_what_the_registrant_said_is_replaced_and_told():
    model, reasons = merged_model(Model(family="two", provenance=B), Model(family="mine", license="MIT"))
    assert (model.family, model.license, model.provenance) == ("two", "MIT", None)
    assert model.fact_sources == (FactSource(("family",), B),)
    assert reasons == ["b says otherwise than the registrant, replaced: family"]


def test_a_price_list_is_one_fact_with_a_source_of_its_own():
    of_a = dataclasses.replace(prices(1), provenance=A)
    of_b = dataclasses.replace(prices(2), provenance=B)
    there = endpoint(prices=of_a, provenance=A)
    merged, notes = merge_all([endpoint(prices=of_b, provenance=B)], {ENDPOINT: there})
    assert merged[0].endpoint is not None
    assert merged[0].endpoint.prices == of_a
    (note,) = notes
    assert note.detail == "input_tokens 0.000000001; b says input_tokens 0.000000002"
    taken, _ = merge_all([endpoint(prices=of_b, provenance=B)], {ENDPOINT: endpoint(provenance=A)})
    assert taken[0].endpoint is not None
    assert taken[0].endpoint.prices == of_b


def test_reading_a_source_again_later_changes_nothing():
    at = [Provenance("a", "1", retrieve_time=datetime(2026, 1, day, tzinfo=UTC)) for day in (1, 2)]
    first, again = (
        endpoint(prices=dataclasses.replace(prices(1), provenance=provenance), provenance=provenance)
        for provenance in at
    )
    assert not changed(merge(again, first), first)


def test_several_models_of_a_catalog_that_are_one_in_the_registry_are_merged_into_it():
    stated = [Resource(name=MODEL, model=Model(original_ids=(id_,), provenance=B)) for id_ in ("x", "y")]
    merged, _ = merge_all(stated, {MODEL: Resource(name=MODEL, model=Model(original_ids=("z",)))})
    assert len(merged) == 1
    assert merged[0].model is not None
    assert set(merged[0].model.original_ids) == {"x", "y", "z"}
