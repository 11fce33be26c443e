"""Who may take a call, and who may not and why."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airegistry import errors
from airegistry.discovery.answers import ExclusionReason
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.invocation import Invocation
from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from airegistry.resources.model import Lifecycle, LifecycleStage
from airegistry.resources.requirements import DiscoverQuery, DiscoverTarget, Requirements
from airegistry.resources.resource import AgentState, Health, Liveness, ResourceStatus
from airegistry.resources.route import (
    RequestOverrides,
    RouteFallback,
    RoutePolicy,
    RouteTarget,
    RouteTier,
    Split,
    SplitArm,
)
from airegistry.routing.lifecycles import deprecated
from airegistry.routing.plan import Planner, nobody
from airegistry.routing.policy import DEFAULTS, merge
from tests import catalogs

NOW = datetime(2026, 1, 1, tzinfo=UTC)
URL = "http://127.0.0.1:1"


class Standing:
    """Knows the chat dialect and one key; ejects whom it is told."""

    def __init__(self, ejected=()):
        self._ejected = ejected

    def dialects(self):
        return ("openai.chat", "a2a")

    def has_credential(self, name):
        return name == "GOOD_API_KEY"

    def has_key_pair(self, name):
        return name == "good-pair"

    def ejected(self, targets):
        names = [target.name for target in targets]
        return dict.fromkeys((name for name in names if name[-1] in self._ejected), ExclusionReason.BREAKER)


def plan(resources, invocation=None, *, ejected=(), defaults=None) -> Any:
    whole = merge(defaults, DEFAULTS)
    planner = Planner(catalogs.cache_of(resources), Standing(ejected), defaults=whole, at=NOW)
    return planner.plan(invocation or Invocation(model="m"))


def names(tiers):
    return [[[target.name.rpartition("/")[2] for target in group.targets] for group in tier] for tier in tiers]


def reasons(found):
    return {exclusion.reason: exclusion.names for exclusion in found.exclusions.as_tuple()}


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


def split_route(*arms, id_="r", sticky_by="user", **facts):
    tiers = (RouteTier((RouteTarget(model="models/m"),)),)
    return catalogs.route(id_, tiers=tiers, split=Split(arms, sticky_by), **facts)


def whole(target):
    return SplitArm("canary", 1_000_000, target)


MODELS = [
    *(catalogs.model(id_) for id_ in "mno"),
    catalogs.endpoint("a", URL),
    catalogs.endpoint("b", URL, model="n"),
    catalogs.endpoint("c", URL, model="o"),
]


def test_the_calls_of_an_arm_go_where_it_points():
    found = plan([*MODELS, split_route(whole("models/n"))], Invocation(model="r", chat=ChatRequest(user="u")))
    assert names(found.tiers) == [[["b"]]]
    assert (found.resolved, found.route, found.arm) == ("routes/r", "routes/r", "canary")
    assert [arm.name for arm in found.arms] == ["canary"]


def test_the_other_calls_go_the_routes_own_way():
    arm = SplitArm("canary", 0, "models/n")
    found = plan([*MODELS, split_route(arm)], Invocation(model="r", chat=ChatRequest(user="u")))
    assert names(found.tiers) == [[["a"]]]
    assert found.arm == ""


def test_an_arm_that_is_a_route_brings_its_policy_and_its_fallbacks_before_those_of_the_first():
    inner = catalogs.route(
        "inner",
        tiers=(RouteTier((RouteTarget(model="models/n"),)),),
        policy=RoutePolicy(max_attempts=2),
        fallbacks=(RouteFallback((), "models/o"),),
    )
    outer = split_route(
        whole("routes/inner"),
        policy=RoutePolicy(max_attempts=5, idle_timeout=1.0),
        fallbacks=(RouteFallback((), "models/m"),),
    )
    found = plan([*MODELS, inner, outer], Invocation(model="r"))
    assert names(found.tiers) == [[["b"]]]
    assert [fallback.target for fallback in found.fallbacks] == ["models/o", "models/m"]
    assert (found.policy.max_attempts, found.policy.idle_timeout) == (2, 1.0)


def test_an_arm_whose_target_is_gone_takes_no_calls():
    found = plan([*MODELS, split_route(whole("models/gone"))], Invocation(model="r"))
    assert names(found.tiers) == [[["a"]]]
    assert found.arm == ""


def test_splits_that_lead_in_a_circle_come_to_an_end():
    routes = [split_route(whole("routes/s")), split_route(whole("routes/r"), id_="s")]
    found = plan([*MODELS, *routes], Invocation(model="r"))
    assert names(found.tiers) == [[["a"]]]
    assert found.arm == "canary"


def gone(id_="old", *, replacement="models/m", redirect=None, stage=LifecycleStage.RETIRED):
    lifecycle = Lifecycle(stage, replacement=replacement, redirect=redirect)
    return catalogs.model(id_, lifecycle=lifecycle), catalogs.endpoint("z", URL, model=id_)


def test_a_retired_model_is_refused_with_the_name_of_its_replacement():
    found = plan([*MODELS, *gone()], Invocation(model="old"))
    error = nobody(found, None)
    assert isinstance(error, errors.ModelNotFoundError)
    assert "use models/m instead" in str(error)
    assert error.metadata == {"model": "models/old", "replacement": "models/m"}


def test_a_retired_model_is_answered_by_its_replacement_where_it_says_so():
    found = plan([*MODELS, *gone(redirect=True)], Invocation(model="old"))
    assert names(found.tiers) == [[["a"]]]
    assert found.resolved == "models/m"
    assert [notice.message for notice in found.notices] == ["models/old is retired; models/m answers instead"]


def test_a_deprecated_model_redirects_nobody_yet():
    found = plan([*MODELS, *gone(redirect=True, stage=LifecycleStage.DEPRECATED)], Invocation(model="old"))
    assert names(found.tiers) == [[["z"]]]


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([], id="to-nobody"),
        pytest.param(gone("m2", replacement="models/old", redirect=True), id="in-a-circle"),
    ],
)
def test_a_replacement_that_leads_nowhere_is_none(others):
    found = plan([*MODELS, *gone(replacement="models/m2", redirect=True), *others], Invocation(model="old"))
    assert found.tiers == ()
    assert isinstance(nobody(found, None), errors.ModelNotFoundError)


def test_a_route_whose_model_is_retired_goes_to_the_replacement():
    route = catalogs.route("r", tiers=(RouteTier((RouteTarget(model="models/old"),)),))
    found = plan([*MODELS, *gone(redirect=True), route], Invocation(model="r"))
    assert names(found.tiers) == [[["a"]]]


@pytest.mark.parametrize(
    ("lifecycle", "message"),
    [
        pytest.param(None, None, id="in-use"),
        pytest.param(
            Lifecycle(LifecycleStage.DEPRECATED, replacement="models/n"),
            "models/m is deprecated; use models/n instead",
            id="deprecated",
        ),
        pytest.param(
            Lifecycle(deprecate_time=NOW - timedelta(1), retire_time=NOW + timedelta(1)),
            "models/m is deprecated and will be retired on 2026-01-02",
            id="by-time",
        ),
    ],
)
def test_callers_of_a_deprecated_model_are_told(lifecycle, message):
    notice = deprecated(catalogs.model(lifecycle=lifecycle), NOW)
    assert (notice and notice.message) == message
