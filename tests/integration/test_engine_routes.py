"""Routes against real providers: overrides, tiers, fallbacks, losses."""

from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from airegistry import errors, invoke
from airegistry.resources.route import (
    ErrorClass,
    LossPolicy,
    RequestOverrides,
    RouteFallback,
    RoutePolicy,
    RouteTarget,
    RouteTier,
    Split,
    SplitArm,
)
from tests import catalogs, providers
from tests.catalogs import asked, cache_of, chat
from tests.providers import Provider, provider, status


@asynccontextmanager
async def engine_over(*behaviours, more=(), **facts):
    """Run a provider per behaviour, as models `a`, `b`, … of one endpoint each, and a route `r` with *facts*."""
    async with AsyncExitStack() as stack:
        ups: list[Provider] = [await stack.enter_async_context(provider(behaviour)) for behaviour in behaviours]
        resources = [catalogs.route("r", **facts), *more]
        for id_, up in zip("abc", ups, strict=False):
            resources += [catalogs.model(id_), catalogs.endpoint("x", up.url, model=id_)]
        # Untyped: tests look at fields that may be absent.
        engine: Any = await stack.enter_async_context(invoke.open_engine(cache_of(resources)))
        yield engine, ups


def tier(*models, **facts):
    return RouteTier(tuple(RouteTarget(model=f"models/{model}", **facts) for model in models))


async def test_a_route_changes_the_request_it_sends_on():
    overrides = RequestOverrides(max_output_tokens=5, temperature=0.0)
    async with engine_over(providers.ok, tiers=(tier("a", overrides=overrides),)) as (engine, ups):
        answered = await engine.invoke(chat("r", chat=asked(temperature=1.0)))
    assert ups[0].seen[0].body["temperature"] == 0.0
    assert 5 in ups[0].seen[0].body.values()
    assert answered.settlement.route == "routes/r"


async def test_the_second_tier_answers_when_the_first_cannot():
    async with engine_over(status(503), providers.ok, tiers=(tier("a"), tier("b"))) as (engine, _):
        answered = await engine.invoke(chat("r"))
    assert answered.settlement.model == "models/b"


async def test_a_fallback_answers_for_its_class_of_errors():
    fallbacks = (RouteFallback((ErrorClass.CONTENT_FILTER,), "models/b"),)
    filtered = status(400, code="content_filter")
    async with engine_over(filtered, providers.ok, tiers=(tier("a"),), fallbacks=fallbacks) as (engine, _):
        answered = await engine.invoke(chat("r"))
    assert answered.settlement.model == "models/b"
    assert [attempt.error_class for attempt in answered.settlement.attempts] == [ErrorClass.CONTENT_FILTER, None]


async def test_a_target_that_would_lose_something_is_passed_by_where_that_is_refused():
    request = asked(top_k=3)
    async with engine_over(providers.ok, tiers=(tier("a"),)) as (engine, ups):
        answered = await engine.invoke(chat("r", chat=request))
        with pytest.raises(errors.UnsupportedFieldError) as refused:
            await engine.invoke(chat("r", chat=request, policy=RoutePolicy(loss=LossPolicy.REFUSE)))
    assert [warning.path for warning in answered.settlement.warnings] == ["chat.top_k"]
    assert [violation.field for violation in refused.value.violations] == ["invocation.chat.top_k"]
    assert len(ups[0].seen) == 1


def split(*arms, sticky_by="user"):
    return Split(tuple(SplitArm(name, share, target) for name, share, target in arms), sticky_by)


async def test_a_split_shares_the_calls_and_says_which_arm_answered():
    half = split(("canary", 500_000, "models/b"))
    async with engine_over(providers.ok, providers.ok, tiers=(tier("a"),), split=half) as (engine, _):
        accounts = [(await engine.invoke(chat("r", chat=asked(user=f"user-{i % 20}")))).settlement for i in range(60)]
        explained = engine.explain(chat("r", chat=asked(user="user-0")))
    arms: dict[int, set[str]] = {}
    for i, account in enumerate(accounts):
        arms.setdefault(i % 20, set()).add(account.split_arm)
        assert account.model == ("models/b" if account.split_arm else "models/a")
        assert account.route == "routes/r"
    assert all(len(taken) == 1 for taken in arms.values()), "a caller stays on its arm"
    assert set.union(*arms.values()) == {"", "canary"}
    assert explained.split_arm == accounts[0].split_arm
    assert [arm.name for arm in explained.arms] == ["canary"]


@pytest.mark.parametrize(
    ("sticky_by", "facts"),
    [
        pytest.param("session", {"sticky_key": "s-1"}, id="session"),
        pytest.param("label:team", {"labels": {"team": "red"}}, id="label"),
    ],
)
async def test_a_split_goes_by_what_it_names(sticky_by, facts):
    half = split(("canary", 500_000, "models/b"), sticky_by=sticky_by)
    async with engine_over(providers.ok, providers.ok, tiers=(tier("a"),), split=half) as (engine, _):
        stuck = {(await engine.invoke(chat("r", **facts))).settlement.split_arm for _ in range(10)}
        loose = {(await engine.invoke(chat("r"))).settlement.split_arm for _ in range(40)}
    assert len(stuck) == 1
    assert loose == {"", "canary"}


async def test_the_arms_own_fallback_answers_for_it():
    own = catalogs.route("arm", tiers=(tier("b"),), fallbacks=(RouteFallback((), "models/c"),))
    facts = {"tiers": (tier("a"),), "split": split(("canary", 1_000_000, "routes/arm"))}
    async with engine_over(providers.ok, status(503), providers.ok, more=[own], **facts) as (engine, ups):
        account = (await engine.invoke(chat("r"))).settlement
    assert account.split_arm == "canary"
    assert account.model == "models/c"
    assert ups[0].seen == []


async def test_a_fallback_takes_over_while_everybodys_breaker_is_open():
    fallbacks = (RouteFallback((ErrorClass.OVERLOADED,), "models/b"),)
    async with engine_over(status(503), providers.ok, tiers=(tier("a"),), fallbacks=fallbacks) as (engine, ups):
        models = [(await engine.invoke(chat("r"))).settlement.model for _ in range(20)]
    assert set(models) == {"models/b"}
    assert len(ups[0].seen) == 5
