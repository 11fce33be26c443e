"""What Discover leaves out: what cannot be used, and what is not known to fit."""

import pytest

from airegistry.discovery.answers import ExclusionReason
from airegistry.resources.endpoint import Communication
from airegistry.resources.model import Capability, Modality
from airegistry.resources.requirements import CredentialRequirement, DiscoverQuery
from airegistry.resources.resource import Health, Liveness, ResourceStatus
from tests.indexes import OPEN, cut, endpoint, index_of, model, names, query


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (endpoint(address=""), ExclusionReason.CREDENTIAL),
        (endpoint(communication=None), ExclusionReason.CREDENTIAL),
        (endpoint(communication=Communication(auth=OPEN)), ExclusionReason.CREDENTIAL),
        (endpoint(communication=Communication(dialect="openai.chat")), ExclusionReason.CREDENTIAL),
        (endpoint(weight=0), ExclusionReason.WEIGHT),
        (endpoint(status=ResourceStatus(health=Health.NOT_SERVING)), ExclusionReason.HEALTH),
        (endpoint(status=ResourceStatus(health=Health.DRAINING)), ExclusionReason.HEALTH),
        (endpoint(status=ResourceStatus(liveness=Liveness.SUSPECT)), ExclusionReason.HEALTH),
    ],
    ids=["no-address", "no-communication", "no-dialect", "no-credential", "no-weight", "down", "draining", "suspect"],
)
def test_what_cannot_be_used_is_left_out(bad, reason):
    assert cut(index_of(bad)) == {reason: 1}


@pytest.mark.parametrize(
    "good",
    [
        endpoint(),
        endpoint(communication=Communication(dialect="openai.chat"), credential="KEY"),
        endpoint(weight=None),
        endpoint(status=ResourceStatus(liveness=Liveness.PRESERVED)),
        endpoint(status=ResourceStatus(health=Health.DEGRADED)),
    ],
    ids=["open", "with-credential", "default-weight", "preserved", "degraded"],
)
def test_what_can_be_used_is_found_and_invocable(good):
    (found,) = index_of(good).discover(DiscoverQuery()).candidates
    assert found.invocable
    assert found.model == "models/m"


def test_what_cannot_be_invoked_is_listed_when_asked_for_and_says_so():
    index = index_of(endpoint(address=""))
    (found,) = index.discover(query(credential=CredentialRequirement.ANY)).candidates
    assert not found.invocable


def test_an_excluded_resource_counts_once_at_the_first_filter():
    bad = endpoint(address="", weight=0, region="us", status=ResourceStatus(health=Health.NOT_SERVING))
    assert cut(index_of(bad), query(regions=("eu",))) == {ExclusionReason.REGION: 1}


def test_excluded_ones_are_named_only_on_request_and_at_most_100_in_all():
    cut_by_region = [endpoint(f"models/m/endpoints/r{number:03}") for number in range(70)]
    cut_by_weight = [endpoint(f"models/m/endpoints/w{number:03}", weight=0, region="eu") for number in range(70)]
    index = index_of(*reversed([*cut_by_region, *cut_by_weight]))
    assert {each.names for each in index.discover(query(regions=("eu",))).exclusions} == {()}
    region, weight = index.discover(query(regions=("eu",)), name_excluded=True).exclusions
    assert (region.count, region.names) == (70, tuple(each.name for each in cut_by_region))
    assert (weight.count, weight.names) == (70, tuple(each.name for each in cut_by_weight[:30]))


@pytest.mark.parametrize(
    "requirement",
    [
        {"task": "text-generation"},
        {"all_capabilities": ("tools",)},
        {"any_capabilities": ("tools",)},
        {"input_modalities": (Modality.TEXT,)},
        {"min_context_tokens": 1},
        {"max_cost_nanos": 10**18},
        {"max_price_per_million_nanos": 10**18},
        {"max_time_to_first_token": 1e9},
        {"max_duration": 1e9},
        {"min_tokens_per_second": 0},
        {"min_reliability": 0},
        {"regions": ("*",)},
        {"no_training": True},
        {"max_retention": 1e9},
        {"quantizations": ("fp8",)},
        {"families": ("f",)},
        {"version": "1"},
    ],
    ids=lambda requirement: next(iter(requirement)),
)
def test_unknown_is_not_a_pass_unless_allowed(requirement):
    index = index_of(endpoint())
    assert names(index, query(**requirement)) == []
    assert names(index, query(**requirement, allow_unknown=(next(iter(requirement)),))) == ["models/m/endpoints/e"]
    assert names(index, query(**requirement, allow_unknown=("*",))) == ["models/m/endpoints/e"]


def test_known_and_wrong_is_no_pass_even_where_unknown_is():
    index = index_of(model(capabilities={"tools": Capability(supported=False)}), endpoint(region="us"))
    assert names(index, query(all_capabilities=("tools",), allow_unknown=("*",))) == []
    assert names(index, query(regions=("eu",), allow_unknown=("*",))) == []
