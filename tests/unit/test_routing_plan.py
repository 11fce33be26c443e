"""Who may take a call, and who may not and why."""

import random
from datetime import timedelta

import pytest

from airegistry.discovery.answers import ExclusionReason
from airegistry.invocations.invocation import Invocation
from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from airegistry.resources.model import Lifecycle, LifecycleStage
from airegistry.resources.requirements import DiscoverQuery, DiscoverTarget, Requirements
from airegistry.resources.resource import AgentState, Health, Liveness, ResourceStatus
from airegistry.resources.route import RequestOverrides, RouteFallback, RoutePolicy, RouteTarget, RouteTier
from airegistry.routing.plan import Planner
from airegistry.routing.policy import DEFAULTS
from tests import catalogs
from tests.plans import NOW, URL, Standing, names, plan, reasons


def keyed(credential):
    return {"communication": catalogs.WITH_KEY, "credential": credential}


@pytest.mark.parametrize(
    ("excluded", "reason"),
    [
        pytest.param(catalogs.endpoint("x", ""), ExclusionReason.CREDENTIAL, id="no-address"),
        pytest.param(catalogs.endpoint("x", URL, **keyed("")), ExclusionReason.CREDENTIAL, id="no-credential"),
        pytest.param(
            catalogs.endpoint("x", URL, **keyed("BAD_API_KEY")), ExclusionReason.CREDENTIAL, id="unresolvable"
        ),
        pytest.param(
            catalogs.endpoint("x", URL, communication=Communication("what.ever", auth=Auth(AuthMethod.NONE))),
            ExclusionReason.DIALECT,
            id="unknown-dialect",
        ),
        pytest.param(
            catalogs.endpoint("x", URL, communication=catalogs.OPEN_EMBEDDINGS),
            ExclusionReason.DIALECT,
            id="other-kind",
        ),
        pytest.param(
            catalogs.with_status(catalogs.endpoint("x", URL), ResourceStatus(health=Health.NOT_SERVING)),
            ExclusionReason.HEALTH,
            id="not-serving",
        ),
        pytest.param(
            catalogs.with_status(catalogs.endpoint("x", URL), ResourceStatus(health=Health.DRAINING)),
            ExclusionReason.HEALTH,
            id="draining",
        ),
        pytest.param(
            catalogs.with_status(catalogs.endpoint("x", URL), ResourceStatus(liveness=Liveness.SUSPECT)),
            ExclusionReason.HEALTH,
            id="suspect",
        ),
        pytest.param(catalogs.endpoint("x", URL, weight=0), ExclusionReason.WEIGHT, id="weight-0"),
    ],
)
def test_who_cannot_take_the_call_is_left_out_by_name(excluded, reason):
    found = plan([catalogs.model(), catalogs.endpoint("a", URL), excluded])
    assert names(found.tiers) == [[["a"]]]
    assert reasons(found) == {reason: ("models/m/endpoints/x",)}


@pytest.mark.parametrize(
    "endpoint",
    [
        pytest.param(catalogs.endpoint("a", URL, **keyed("GOOD_API_KEY")), id="with-key"),
        pytest.param(
            catalogs.with_status(catalogs.endpoint("a", URL), ResourceStatus(liveness=Liveness.PRESERVED)),
            id="preserved",
        ),
        pytest.param(
            catalogs.with_status(catalogs.endpoint("a", URL), ResourceStatus(health=Health.DEGRADED)), id="degraded"
        ),
    ],
)
def test_who_can_take_the_call_is_in(endpoint):
    assert names(plan([catalogs.model(), endpoint]).tiers) == [[["a"]]]


@pytest.mark.parametrize(
    ("lifecycle", "usable"),
    [
        pytest.param(Lifecycle(LifecycleStage.DEPRECATED), True, id="deprecated-but-named"),
        pytest.param(Lifecycle(LifecycleStage.RETIRED), False, id="retired"),
        pytest.param(Lifecycle(retire_time=NOW - timedelta(days=1)), False, id="past-its-time"),
        pytest.param(Lifecycle(retire_time=NOW + timedelta(days=1)), True, id="still-in-time"),
    ],
)
def test_what_is_retired_is_never_picked(lifecycle, usable):
    found = plan([catalogs.model(lifecycle=lifecycle), catalogs.endpoint("a", URL)])
    assert bool(found.tiers) is usable
    assert (ExclusionReason.LIFECYCLE in reasons(found)) is not usable


def test_an_open_breaker_is_a_reason_too():
    found = plan([catalogs.model(), catalogs.endpoint("a", URL), catalogs.endpoint("b", URL)], ejected={"a"})
    assert names(found.tiers) == [[["b"]]]
    assert reasons(found) == {ExclusionReason.BREAKER: ("models/m/endpoints/a",)}


def test_an_endpoint_can_be_named():
    resources = [catalogs.model(), catalogs.endpoint("a", URL), catalogs.endpoint("b", URL)]
    assert names(plan(resources, Invocation(model="models/m/endpoints/b")).tiers) == [[["b"]]]


def test_the_tiers_of_a_route_keep_their_order_weights_and_overrides():
    cooler = RequestOverrides(temperature=0.0)
    tiers = (
        RouteTier((RouteTarget(model="models/m", weight=3, overrides=cooler), RouteTarget(model="models/n", weight=1))),
        RouteTier((RouteTarget(model="models/gone"),)),
        RouteTier((RouteTarget(endpoint="models/o/endpoints/c"),)),
        RouteTier((RouteTarget(model="models/n", weight=0),)),
    )
    resources = [
        *(catalogs.model(id_) for id_ in "mno"),
        catalogs.endpoint("a", URL),
        catalogs.endpoint("b", URL, model="n"),
        catalogs.endpoint("c", URL, model="o"),
        catalogs.endpoint("d", URL, model="o"),
        catalogs.route("r", tiers=tiers),
    ]
    found = plan(resources, Invocation(model="r"))
    assert names(found.tiers) == [[["a"], ["b"]], [["c"]]]
    assert [group.weight for group in found.tiers[0]] == [3, 1]
    assert found.tiers[0][0].targets[0].overrides == cooler
    assert (found.resolved, found.route) == ("routes/r", "routes/r")


def test_a_query_finds_its_targets_when_the_call_is_made():
    resources = [
        catalogs.model(),
        catalogs.endpoint("cheap", URL, region="eu"),
        catalogs.endpoint("far", URL, region="us"),
        catalogs.endpoint("other", URL, region="eu", communication=catalogs.OPEN_EMBEDDINGS),
    ]
    query = DiscoverQuery(requirements=Requirements(regions=("eu",)))
    found = plan(resources, Invocation(query=query))
    assert names(found.tiers) == [[["cheap"]]]
    assert reasons(found)[ExclusionReason.REGION] == ("models/m/endpoints/far",)
    assert found.resolved == ""


def test_a_query_looks_past_the_best_when_none_of_them_can_be_called():
    many = [catalogs.endpoint(f"x{i:03}", URL, **keyed("BAD_API_KEY")) for i in range(100)]
    found = plan([catalogs.model(), *many, catalogs.endpoint("z", URL)], Invocation(query=DiscoverQuery()))
    assert names(found.tiers) == [[["z"]]]


def test_the_calls_policy_wins_over_the_routes_and_that_over_the_defaults():
    policy = RoutePolicy(max_attempts=5, idle_timeout=1.0)
    tiers = (RouteTier((RouteTarget(model="models/m"),)),)
    resources = [catalogs.model(), catalogs.route("r", tiers=tiers, policy=policy)]
    own = RoutePolicy(max_attempts=7)
    found = plan(resources, Invocation(model="r", policy=own), defaults=RoutePolicy(total_timeout=60.0))
    assert found.policy.max_attempts == 7
    assert found.policy.idle_timeout == 1.0
    assert found.policy.total_timeout == 60.0
    assert found.policy.connect_timeout == 2.0
    assert found.said == RoutePolicy(max_attempts=7, idle_timeout=1.0)


def test_agents_are_targets_of_routes_by_name_and_by_what_they_can_do():
    agents = [
        catalogs.agent("a", "grpc://a:1"),
        catalogs.agent("b", "grpc://b:1"),
        catalogs.agent("c", "https://c", skills=()),
    ]
    query = DiscoverQuery(DiscoverTarget.AGENT, Requirements(skills=("numbers",)))
    tiers = (RouteTier((RouteTarget(agent="agents/c"),)), RouteTier((RouteTarget(query=query),)))
    found = plan([*agents, catalogs.route("r", tiers=tiers)], Invocation(model="r"))
    assert names(found.tiers) == [[["c"]], [["a", "b"]]]


def test_an_agent_that_lets_its_tasks_run_out_gets_no_more():
    draining = catalogs.with_status(catalogs.agent("a", "grpc://a:1"), ResourceStatus(agent_state=AgentState.DRAINING))
    found = plan([draining], Invocation(model="agents/a"))
    assert found.exclusions.names(ExclusionReason.HEALTH) == ["agents/a"]


def test_a_fallback_that_is_gone_leads_nowhere():
    cache = catalogs.cache_of([catalogs.model(), catalogs.endpoint("a", URL)])
    planner = Planner(cache, Standing(), defaults=DEFAULTS, at=NOW)
    assert planner.expand("routes/gone") == ((), ())
    tiers, _ = planner.expand("models/m")
    assert names(tiers) == [[["a"]]]


def test_a_fallbacks_own_fallbacks_come_along():
    further = (RouteFallback((), "models/m"),)
    route = catalogs.route("r", tiers=(RouteTier((RouteTarget(model="models/m"),)),), fallbacks=further)
    planner = Planner(
        catalogs.cache_of([catalogs.model(), catalogs.endpoint("a", URL), route]),
        Standing(),
        defaults=DEFAULTS,
        at=NOW,
    )
    assert planner.expand("routes/r")[1] == further


def test_exclusions_name_a_hundred_at_most():
    many = [catalogs.endpoint(f"x{i:03}", "") for i in range(150)]
    random.Random(1).shuffle(many)
    (exclusion,) = plan([catalogs.model(), *many]).exclusions.as_tuple()
    assert (exclusion.count, len(exclusion.names)) == (150, 100)
