"""An import over what is there: what it states wins, what it does not state stays."""

import dataclasses

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
from airegistry.resources.model import Benchmark, Capability, Lifecycle, LifecycleStage, Model, ModelLimits
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
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
