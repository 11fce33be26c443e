"""Each filter on its own: who passes, who is cut, and for which reason."""

from datetime import UTC, datetime
from typing import Any

import pytest

from airegistry.discovery.answers import ExclusionReason as Reason
from airegistry.discovery.index import Index
from airegistry.resources.agent import Agent, AgentProvider
from airegistry.resources.endpoint import Communication, DataPolicy, DeclaredPerformance, Endpoint
from airegistry.resources.model import Capability, Lifecycle, LifecycleStage, Modality, Model, ModelLimits
from airegistry.resources.requirements import (
    CredentialRequirement,
    DiscoverQuery,
    DiscoverTarget,
    HealthRequirement,
    Requirements,
    TokenMix,
)
from airegistry.resources.resource import AgentState, Health, Liveness, Resource, ResourceStatus

CAN, CANNOT = Capability(supported=True), Capability(supported=False)
ACTIVE_STAGES = (LifecycleStage.ACTIVE, LifecycleStage.DEPRECATED)


def answer(asked, resource, model=None):
    index = Index(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    index.replace([resource] if model is None else [resource, model], 1)
    target = DiscoverTarget.AGENT if resource.agent else DiscoverTarget.ENDPOINT
    requirements = Requirements(**({"credential": CredentialRequirement.ANY} | asked))
    found = index.discover(DiscoverQuery(target=target, requirements=requirements))
    return bool(found.candidates), [(each.reason, each.count) for each in found.exclusions]


def check(asked, reason, good, bad, models=(None, None)):
    assert answer(asked, good, models[0]) == (True, [])
    assert answer(asked, bad, models[1]) == (False, [(reason, 1)])


def endpoint(status=None, labels=None, **facts: Any):
    return Resource(name="models/m/endpoints/e", labels=labels or {}, status=status, endpoint=Endpoint(**facts))


def model(labels=None, **facts: Any):
    return Resource(name="models/m", labels=labels or {}, model=Model(**facts))


def speed(first=None, tokens=None, reliability=None):
    return {"declared": DeclaredPerformance(first, tokens, reliability)}


@pytest.mark.parametrize(
    ("asked", "reason", "good", "bad"),
    [
        (
            {"min_context_tokens": 10},
            Reason.CONTEXT,
            {"limits": ModelLimits(context_tokens=10)},
            {"limits": ModelLimits(context_tokens=9)},
        ),
        (
            {"min_output_tokens": 10},
            Reason.CONTEXT,
            {"limits": ModelLimits(max_output_tokens=10)},
            {"limits": ModelLimits(max_output_tokens=9)},
        ),
        (
            {"min_input_tokens": 10},
            Reason.CONTEXT,
            {"limits": ModelLimits(max_input_tokens=10, context_tokens=11)},
            {"limits": ModelLimits(max_input_tokens=9, context_tokens=11)},
        ),
        (
            {"min_input_tokens": 10},
            Reason.CONTEXT,
            {"limits": ModelLimits(context_tokens=10)},
            {"limits": ModelLimits(max_input_tokens=20, context_tokens=9)},
        ),
        ({"max_time_to_first_token": 0.5}, Reason.LATENCY, speed(first=0.5), speed(first=0.6)),
        ({"min_tokens_per_second": 50}, Reason.LATENCY, speed(tokens=50), speed(tokens=49)),
        ({"max_duration": 3, "usage": TokenMix(9, 100)}, Reason.LATENCY, speed(1, 50), speed(1, 49)),
        ({"max_duration": 3, "usage": TokenMix(9, 0)}, Reason.LATENCY, speed(3), speed(3.1)),
        ({"min_reliability": 0.9}, Reason.RELIABILITY, speed(reliability=0.9), speed(reliability=0.89)),
        ({"regions": ("eu-1", "us")}, Reason.REGION, {"region": "us"}, {"region": "us-1"}),
        ({"regions": ("eu-*",)}, Reason.REGION, {"region": "eu-1"}, {"region": "eu"}),
        ({"providers": ("a", "b")}, Reason.PROVIDER, {"provider": "b"}, {"provider": "c"}),
        ({"excluded_providers": ("a",)}, Reason.PROVIDER, {"provider": "b"}, {"provider": "a"}),
        (
            {"no_training": True},
            Reason.DATA_POLICY,
            {"data_policy": DataPolicy(trains_on_data=False)},
            {"data_policy": DataPolicy(trains_on_data=True)},
        ),
        (
            {"max_retention": 0.0},
            Reason.DATA_POLICY,
            {"data_policy": DataPolicy(retention=0)},
            {"data_policy": DataPolicy(retention=1)},
        ),
        (
            {"dialects": ("x",)},
            Reason.VARIANT,
            {"communication": Communication(dialect="x")},
            {"communication": Communication(dialect="y")},
        ),
        ({"quantizations": ("fp8",)}, Reason.VARIANT, {"quantization": "fp8"}, {"quantization": "int4"}),
        (
            {"all_capabilities": ("a", "b")},
            Reason.CAPABILITY,
            {"capabilities": {"a": CAN, "b": CAN}},
            {"capabilities": {"a": CAN}},
        ),
        (
            {"any_capabilities": ("a", "b")},
            Reason.CAPABILITY,
            {"capabilities": {"b": CAN}},
            {"capabilities": {"b": CANNOT}},
        ),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) and value else None,
)
def test_endpoints_are_filtered_by_what_they_say(asked, reason, good, bad):
    assert answer(asked, endpoint(**bad)) == (False, [(reason, 1)])
    if good is not None:
        assert answer(asked, endpoint(**good)) == (True, [])


@pytest.mark.parametrize(
    ("asked", "reason", "good", "bad"),
    [
        ({"task": "x"}, Reason.TASK, {"tasks": ("y", "x")}, {"tasks": ("y",)}),
        (
            {"input_modalities": (Modality.TEXT, Modality.IMAGE)},
            Reason.MODALITY,
            {"input_modalities": (Modality.IMAGE, Modality.TEXT)},
            {"input_modalities": (Modality.IMAGE,)},
        ),
        (
            {"output_modalities": (Modality.AUDIO,)},
            Reason.MODALITY,
            {"output_modalities": (Modality.AUDIO,)},
            {"output_modalities": (Modality.TEXT,)},
        ),
        (
            {"min_context_tokens": 10},
            Reason.CONTEXT,
            {"limits": ModelLimits(context_tokens=10)},
            {"limits": ModelLimits(context_tokens=9)},
        ),
        ({"families": ("f", "g")}, Reason.VARIANT, {"family": "g"}, {"family": "h"}),
        ({"version": "1"}, Reason.VARIANT, {"version": "1"}, {"version": "2"}),
        (
            {"labels": {"a": "1", "b": "2"}},
            Reason.LABEL,
            {"labels": {"a": "1", "b": "2"}},
            {"labels": {"a": "1", "b": "1"}},
        ),
        (
            {},
            Reason.LIFECYCLE,
            {"lifecycle": Lifecycle(stage=LifecycleStage.PREVIEW)},
            {"lifecycle": Lifecycle(stage=LifecycleStage.DEPRECATED)},
        ),
        (
            {"lifecycle_stages": ACTIVE_STAGES},
            Reason.LIFECYCLE,
            {"lifecycle": Lifecycle()},
            {"lifecycle": Lifecycle(stage=LifecycleStage.PREVIEW)},
        ),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) and value else None,
)
def test_endpoints_are_filtered_by_what_their_model_says(asked, reason, good, bad):
    check(asked, reason, endpoint(), endpoint(), (model(**good), model(**bad)))


def test_a_label_may_be_the_endpoints_or_its_models():
    asked = {"labels": {"a": "1", "b": "2"}}
    assert answer(asked, endpoint(labels={"a": "1"}), model(labels={"b": "2"})) == (True, [])


def test_the_limit_of_the_endpoint_comes_before_that_of_the_model():
    large = model(limits=ModelLimits(context_tokens=100))
    small = endpoint(limits=ModelLimits(context_tokens=9))
    check({"min_context_tokens": 10}, Reason.CONTEXT, endpoint(), small, (large, large))


@pytest.mark.parametrize(
    ("status", "known"),
    [
        (ResourceStatus(health=Health.SERVING), True),
        (ResourceStatus(health=Health.DEGRADED), False),
        (ResourceStatus(health=Health.SERVING, liveness=Liveness.SUSPECT), False),
        (ResourceStatus(), False),
        (None, False),
    ],
    ids=["serving", "degraded", "suspect", "unheard", "no-status"],
)
def test_serving_asks_for_what_is_known_to_serve(status, known):
    passed, _ = answer({"health": HealthRequirement.SERVING}, endpoint(status=status))
    assert passed is known


@pytest.mark.parametrize(("liveness", "passes"), [(None, True), (Liveness.SUSPECT, False)], ids=["live", "suspect"])
def test_unknown_health_can_be_allowed_but_a_suspect_lease_cannot(liveness, passes):
    asked = {"health": HealthRequirement.SERVING, "allow_unknown": ("health",)}
    assert answer(asked, endpoint(status=ResourceStatus(liveness=liveness)))[0] is passes


def test_an_agent_that_says_it_is_available_is_known_to_serve():
    asked = {"health": HealthRequirement.SERVING}
    available = Resource(name="agents/a", status=ResourceStatus(agent_state=AgentState.AVAILABLE), agent=Agent())
    busy = Resource(name="agents/a", status=ResourceStatus(agent_state=AgentState.BUSY), agent=Agent())
    check(asked, Reason.HEALTH, available, busy)


def test_any_health_asks_for_nothing():
    down = endpoint(status=ResourceStatus(health=Health.NOT_SERVING, liveness=Liveness.SUSPECT))
    assert answer({"health": HealthRequirement.ANY}, down) == (True, [])


def test_an_unknown_provider_may_be_the_one_ruled_out():
    unknown = Resource(name="agents/a", agent=Agent())
    known = Resource(name="agents/a", agent=Agent(provider=AgentProvider(organization="b")))
    check({"excluded_providers": ("a",)}, Reason.PROVIDER, known, unknown)
    assert answer({"excluded_providers": ("a",), "allow_unknown": ("excluded_providers",)}, unknown) == (True, [])


def test_an_agent_takes_the_modalities_of_its_media_types():
    takes = Resource(name="agents/a", agent=Agent(default_input_modes=("text/plain", "application/pdf")))
    takes_not = Resource(name="agents/a", agent=Agent(default_input_modes=("text/plain",)))
    check({"input_modalities": (Modality.TEXT, Modality.FILE)}, Reason.MODALITY, takes, takes_not)
