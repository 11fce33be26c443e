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
)
from tests import catalogs, providers
from tests.catalogs import asked, cache_of, chat
from tests.providers import Provider, provider, status


@asynccontextmanager
async def engine_over(*behaviours, **facts):
    """Run a provider per behaviour, as models `a`, `b`, … of one endpoint each, and a route `r` with *facts*."""
    async with AsyncExitStack() as stack:
        ups: list[Provider] = [await stack.enter_async_context(provider(behaviour)) for behaviour in behaviours]
        resources = [catalogs.route("r", **facts)]
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
