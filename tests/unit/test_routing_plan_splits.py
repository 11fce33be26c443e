"""Splits in the plan of a call: an arm goes where it points, the rest the route's own way."""

from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.invocation import Invocation
from airegistry.resources.route import RouteFallback, RoutePolicy, RouteTarget, RouteTier, Split, SplitArm
from tests import catalogs
from tests.plans import MODELS, names, plan


def split_route(*arms, id_="r", sticky_by="user", **facts):
    tiers = (RouteTier((RouteTarget(model="models/m"),)),)
    return catalogs.route(id_, tiers=tiers, split=Split(arms, sticky_by), **facts)


def whole(target):
    return SplitArm("canary", 1_000_000, target)


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
