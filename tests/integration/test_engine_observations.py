"""What attempts say of those who were asked, as a registry hears of it."""

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from airegistry import errors
from airegistry.client import AnalyticsClient
from airegistry.invocations.invocation import AttemptOutcome
from airegistry.invocations.usage import CostState
from airegistry.invoke import EngineSettings, open_engine
from airegistry.invoke.observer import Observers
from airegistry.invoke.transport import TransportSettings
from airegistry.reporting import Reporter
from airegistry.resources.route import ErrorClass, RoutePolicy
from tests import anthropic_provider as claude
from tests import catalogs, providers
from tests.analytics_servers import taking
from tests.catalogs import cache_of, chat
from tests.engines import engine_over, streamed, whole_text
from tests.providers import provider, status

OK, ERROR, CANCELED, SUPERSEDED = AttemptOutcome
SIDE_BY_SIDE = RoutePolicy(hedge_delay=0.05)


@asynccontextmanager
async def reporting():
    """Lend an observer, and a list that has what it reported after the block."""
    told: list[Any] = []
    async with taking() as reports:
        async with AnalyticsClient(reports.address) as client, Reporter(client) as reporter:
            yield reporter, told
        told += reports.observations


def of(told):
    return [(each.target[-1], each.outcome, each.error_class) for each in told]


async def test_a_streamed_answer_tells_its_first_token_its_tokens_and_its_cost():
    async with (
        reporting() as (reporter, told),
        engine_over(providers.slow_first_token(0.05), observer=reporter, prices=catalogs.PRICES) as scene,
    ):
        await streamed(scene.engine, chat())
    (each,) = told
    assert (each.target, each.outcome) == ("models/m/endpoints/a", OK)
    assert 0.05 <= each.time_to_first_token <= each.duration < 10
    assert (each.usage.input_tokens, each.usage.output_tokens) == (10, 4)
    assert (each.cost.state, each.cost.nanos) == (CostState.KNOWN, 18_000)


async def test_a_whole_answer_has_no_first_token():
    async with reporting() as (reporter, told), engine_over(providers.ok, observer=reporter) as scene:
        await whole_text(scene.engine, chat())
    assert [(each.outcome, each.time_to_first_token) for each in told] == [(OK, None)]
    assert told[0].duration > 0


@pytest.mark.parametrize(
    ("behaviour", "error_class"),
    [
        pytest.param(status(400), ErrorClass.INVALID_REQUEST, id="the-callers-own-mistake"),
        pytest.param(status(401), ErrorClass.CREDENTIAL, id="credential"),
        pytest.param(status(404, code="model_not_found"), ErrorClass.MODEL_NOT_FOUND, id="no-such-model"),
        pytest.param(status(429), ErrorClass.RATE_LIMITED, id="rate-limited"),
        pytest.param(status(503), ErrorClass.OVERLOADED, id="overloaded"),
        pytest.param(providers.html, ErrorClass.MALFORMED_ANSWER, id="malformed"),
        pytest.param(providers.truncated, ErrorClass.CONNECTION, id="cut"),
    ],
)
async def test_a_failure_is_told_with_its_class(behaviour, error_class):
    async with reporting() as (reporter, told), engine_over(behaviour, observer=reporter) as scene:
        with pytest.raises(errors.ProviderError):
            await scene.engine.invoke(chat())
    assert set(of(told)) == {("a", ERROR, error_class)}


async def test_each_attempt_of_a_call_is_told_of_whom_it_asked():
    async with reporting() as (reporter, told), engine_over(status(503), providers.ok, observer=reporter) as scene:
        await whole_text(scene.engine, chat())
    assert of(told) == [("a", ERROR, ErrorClass.OVERLOADED), ("b", OK, None)]


async def test_a_caller_that_goes_away_is_told_as_such():
    async with (
        reporting() as (reporter, told),
        engine_over(providers.hang_in_the_middle, observer=reporter) as scene,
        aclosing(scene.engine.stream(chat())) as batches,
    ):
        await anext(batches)
    assert of(told) == [("a", CANCELED, None)]


async def test_who_was_overtaken_is_told_as_such():
    slow_and_quick = (providers.hang_before_headers, providers.ok)
    async with (
        reporting() as (reporter, told),
        engine_over(*slow_and_quick, observer=reporter, priority=0) as scene,
    ):
        await whole_text(scene.engine, chat(policy=SIDE_BY_SIDE))
    assert sorted(of(told)) == [("a", SUPERSEDED, None), ("b", OK, None)]


async def test_a_limit_of_the_call_is_not_held_against_who_was_asked():
    async with reporting() as (reporter, told), engine_over(providers.hang_before_headers, observer=reporter) as scene:
        with pytest.raises(errors.ProviderTimeoutError):
            await scene.engine.invoke(chat(policy=RoutePolicy(first_token_timeout=0.3, max_attempts=1)))
        with pytest.raises(errors.DeadlineExceededError):
            await scene.engine.invoke(chat(), deadline=0.3)
    assert of(told) == [("a", CANCELED, None), ("a", CANCELED, None)]


async def test_a_limit_that_holds_for_everybody_is():
    settings = EngineSettings(policy=RoutePolicy(first_token_timeout=0.3, max_attempts=1))
    async with (
        reporting() as (reporter, told),
        engine_over(providers.hang_before_headers, observer=reporter, settings=settings) as scene,
    ):
        _, failed = await streamed(scene.engine, chat())
        assert isinstance(failed, errors.ProviderTimeoutError)
    assert of(told) == [("a", ERROR, ErrorClass.TIMEOUT)]


async def test_our_own_limit_on_connections_is_nobodys():
    settings = EngineSettings(transport=TransportSettings(max_connections=1), policy=RoutePolicy(max_attempts=1))
    async with (
        reporting() as (reporter, told),
        engine_over(providers.hang_before_headers, observer=reporter, settings=settings) as scene,
    ):
        first = asyncio.ensure_future(scene.engine.invoke(chat()))
        await asyncio.wait_for(scene.providers[0].asked.wait(), 5)
        with pytest.raises(errors.ProviderConnectionError, match="in use"):
            await scene.engine.invoke(chat())
        first.cancel()
        await asyncio.wait((first,))
    assert of(told) == [("a", CANCELED, None)]


async def test_a_count_of_tokens_says_nothing_of_answers():
    async with reporting() as (reporter, told), provider(claude.ok) as up:
        address = up.url.removesuffix("/v1")
        cache = cache_of([catalogs.model(), catalogs.endpoint("a", address, communication=claude.OPEN)])
        async with open_engine(cache, observer=reporter) as engine:
            assert (await engine.count_tokens(chat())).tokens == 2095
    assert told == []


async def test_several_observers_are_all_told():
    async with (
        reporting() as (one, told),
        reporting() as (other, also_told),
        engine_over(providers.ok, observer=Observers(one, other)) as scene,
    ):
        await whole_text(scene.engine, chat())
    assert of(told) == of(also_told) == [("a", OK, None)]
