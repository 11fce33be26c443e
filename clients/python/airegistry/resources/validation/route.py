"""The rules for routes and for how calls are attempted."""

from __future__ import annotations

from airegistry.errors import FieldViolation
from airegistry.resources.resource import ResourceKind
from airegistry.resources.route import (
    RequestOverrides,
    Route,
    RouteFallback,
    RoutePolicy,
    RouteTarget,
    RouteTier,
    Split,
    SplitArm,
)
from airegistry.resources.validation.query import check_query
from airegistry.resources.validation.rules import (
    MAX_INT32,
    Violations,
    duration,
    each,
    identifier,
    name_of,
    number,
    text,
    timeout,
    valid_label_key,
    whole,
)

MAX_WEIGHT = 1_000_000
PPM = 1_000_000

_TIMEOUTS = ("connect_timeout", "first_token_timeout", "idle_timeout", "total_timeout")
_DELAYS = ("hold_back_duration", "hedge_delay")
_check_model_name = name_of(ResourceKind.MODEL)
_check_endpoint_name = name_of(ResourceKind.ENDPOINT)
_check_agent_name = name_of(ResourceKind.AGENT)
_check_destination = name_of(ResourceKind.ROUTE, ResourceKind.MODEL, ResourceKind.AGENT)


def check_route(route: Route, path: str) -> Violations:
    """Yield what is wrong with a route."""
    yield from text(route.description, f"{path}.description")
    yield from each(route.aliases, f"{path}.aliases", identifier, most=32)
    yield from each(route.tiers, f"{path}.tiers", _check_tier, most=16, least=1)
    if route.policy is not None:
        yield from check_policy(route.policy, f"{path}.policy")
    yield from each(route.fallbacks, f"{path}.fallbacks", _check_fallback, most=16)
    if route.split is not None:
        yield from _check_split(route.split, f"{path}.split")


def validate_policy(policy: RoutePolicy, *, path: str) -> list[FieldViolation]:
    """Return what is wrong with a policy, of a route or of a single call; empty when nothing is."""
    return list(check_policy(policy, path))


def check_policy(policy: RoutePolicy, path: str) -> Violations:
    """Yield what is wrong with a policy."""
    yield from whole(policy.max_attempts, f"{path}.max_attempts", low=1, high=16)
    yield from whole(policy.hold_back_tokens, f"{path}.hold_back_tokens", high=MAX_INT32)
    for name in _TIMEOUTS:
        yield from timeout(getattr(policy, name), f"{path}.{name}")
    for name in _DELAYS:
        yield from duration(getattr(policy, name), f"{path}.{name}")


def _check_tier(tier: RouteTier, path: str) -> Violations:
    yield from each(tier.targets, f"{path}.targets", _check_target, most=64, least=1)


def _check_target(target: RouteTarget, path: str) -> Violations:
    options = (target.model, target.endpoint, target.query, target.agent)
    if sum(option is not None for option in options) != 1:
        yield FieldViolation(path, "exactly one of model, endpoint, query, agent must be set")
    if target.model is not None:
        yield from _check_model_name(target.model, f"{path}.model")
    if target.endpoint is not None:
        yield from _check_endpoint_name(target.endpoint, f"{path}.endpoint")
    if target.query is not None:
        yield from check_query(target.query, f"{path}.query")
    if target.agent is not None:
        yield from _check_agent_name(target.agent, f"{path}.agent")
    yield from whole(target.weight, f"{path}.weight", high=MAX_WEIGHT)
    if target.overrides is not None:
        yield from _check_overrides(target.overrides, f"{path}.overrides")


def _check_overrides(overrides: RequestOverrides, path: str) -> Violations:
    yield from whole(overrides.max_output_tokens, f"{path}.max_output_tokens", low=1, high=MAX_INT32)
    yield from number(overrides.temperature, f"{path}.temperature", low=0)


def _check_fallback(fallback: RouteFallback, path: str) -> Violations:
    yield from _check_destination(fallback.target, f"{path}.target")


def _check_split(split: Split, path: str) -> Violations:
    yield from each(split.arms, f"{path}.arms", _check_arm, most=8, least=1)
    if sum(max(arm.share_ppm, 0) for arm in split.arms) > PPM:
        yield FieldViolation(f"{path}.arms", f"all shares together must be at most {PPM} ppm")
    kind, _, key = split.sticky_by.partition(":")
    if split.sticky_by not in ("", "user", "session") and not (kind == "label" and valid_label_key(key)):
        yield FieldViolation(f"{path}.sticky_by", "must be empty, user, session or label:<key>")


def _check_arm(arm: SplitArm, path: str) -> Violations:
    yield from identifier(arm.name, f"{path}.name")
    yield from whole(arm.share_ppm, f"{path}.share_ppm", high=PPM)
    yield from _check_destination(arm.target, f"{path}.target")
