"""A provider that asks for a little time gets it, once in a call; whoever need not wait does not."""

import asyncio
import time

import pytest

from airegistry import errors
from airegistry.invocations.invocation import AttemptOutcome
from airegistry.invocations.usage import CostState
from airegistry.invoke import EngineSettings
from airegistry.invoke.pauses import MOST
from airegistry.resources.endpoint import RateLimits
from airegistry.resources.route import RoutePolicy
from tests import catalogs, providers
from tests.catalogs import chat
from tests.engines import Notes, engine_over, streamed, whole_text
from tests.providers import TOKENS, status


def later(seconds, number=429):
    return status(number, headers={"retry-after": str(seconds)})


@pytest.mark.parametrize("number", [429, 503])
async def test_the_only_one_is_waited_for(number):
    async with engine_over((later(0.2, number), providers.ok)) as scene:
        began = time.monotonic()
        text, account = await whole_text(scene.engine, chat())
    assert text == "".join(TOKENS)
    assert time.monotonic() - began >= 0.2
    assert [attempt.http_status for attempt in account.attempts] == [number, 200]


async def test_a_stream_waits_before_its_first_token():
    async with engine_over((later(0.2), providers.ok)) as scene:
        events, failed = await streamed(scene.engine, chat())
    assert failed is None
    assert events[0].started.attempt == 2


async def test_a_wait_comes_once_in_a_call():
    async with engine_over(later(0.1)) as scene:
        with pytest.raises(errors.ProviderRateLimitedError) as failed:
            await scene.engine.invoke(chat(policy=RoutePolicy(max_attempts=5)))
    assert len(failed.value.attempts) == 2
    assert failed.value.retry_after == 0.1


@pytest.mark.parametrize(
    ("behaviours", "facts"),
    [
        pytest.param((later(30),), {}, id="too-long"),
        pytest.param((later(4),), {"deadline": 3.0}, id="beyond-the-deadline"),
        pytest.param((status(429),), {}, id="no-time-named"),
    ],
)
async def test_what_is_not_worth_waiting_for_is_answered_at_once(behaviours, facts):
    async with engine_over(*behaviours) as scene:
        began = time.monotonic()
        with pytest.raises(errors.ProviderRateLimitedError):
            await scene.engine.invoke(chat(), **facts)
        assert time.monotonic() - began < 2
    assert scene.seen() == [1]


async def test_nobody_waits_while_another_one_can_answer():
    async with engine_over(later(4), providers.ok) as scene:
        began = time.monotonic()
        _, account = await whole_text(scene.engine, chat())
        assert time.monotonic() - began < 3.5
    assert [attempt.target[-1] for attempt in account.attempts] == ["a", "b"]


async def test_a_call_that_comes_meanwhile_waits_too():
    asked = []

    def noted(behaviour):
        async def behave(peer):
            asked.append(time.monotonic())
            await behaviour(peer)

        return behave

    async with engine_over((noted(later(0.5)), noted(providers.ok))) as scene:
        with pytest.raises(errors.ProviderRateLimitedError):
            await scene.engine.invoke(chat(policy=RoutePolicy(max_attempts=1)))
        _, account = await whole_text(scene.engine, chat())
    assert [attempt.http_status for attempt in account.attempts] == [200]
    first, second = asked
    assert second - first >= 0.5


async def test_only_a_few_calls_wait_for_one_endpoint():
    """What comes back together must not be what the provider asked to be spared."""
    async with engine_over((later(2), *[providers.ok] * 2)) as scene:
        with pytest.raises(errors.ProviderRateLimitedError):
            await scene.engine.invoke(chat(policy=RoutePolicy(max_attempts=1)))
        calls = [asyncio.ensure_future(scene.engine.invoke(chat())) for _ in range(MOST + 10)]
        results = await asyncio.gather(*calls, return_exceptions=True)
    refused = [result for result in results if isinstance(result, errors.NoCandidateError)]
    assert len(refused) == 10
    assert all(0 < (error.retry_after or 0) <= 2 for error in refused)
    assert scene.seen() == [1 + MOST]


async def test_a_bound_of_nothing_waits_for_nobody():
    async with engine_over((later(0.1), providers.ok), settings=EngineSettings(longest_pause=0.0)) as scene:
        with pytest.raises(errors.ProviderRateLimitedError):
            await scene.engine.invoke(chat())


async def test_a_call_that_is_cancelled_while_it_waits_is_gone_at_once():
    async with engine_over((later(4), providers.ok)) as scene:
        asking = asyncio.ensure_future(scene.engine.invoke(chat()))
        await asyncio.wait_for(scene.providers[0].asked.wait(), 30)
        await asyncio.sleep(0.1)
        asking.cancel()
        began = time.monotonic()
        await asyncio.wait((asking,))
        assert asking.cancelled()
        assert time.monotonic() - began < 3.5
        assert scene.engine.admission.running == 0
    assert scene.seen() == [1]


async def test_declared_limits_send_calls_elsewhere_and_then_away():
    """Nobody is refused while another endpoint has room."""
    limits = RateLimits(requests_per_minute=2)
    async with engine_over(providers.ok, providers.ok, rate_limits=limits) as scene:
        targets = [(await scene.engine.invoke(chat())).settlement.target[-1] for _ in range(4)]
        with pytest.raises(errors.OverloadedError) as full:
            await scene.engine.invoke(chat())
        told = {one.state for one in scene.engine.explain(chat()).hindrances}
    assert targets == ["a", "a", "b", "b"]
    assert scene.seen() == [2, 2]
    assert 50 <= (full.value.retry_after or 0) <= 60
    assert told == {"limited"}


async def test_no_more_calls_at_once_than_an_endpoint_takes():
    limits = RateLimits(max_concurrent_requests=1)
    async with engine_over(providers.hang_before_headers, providers.ok, rate_limits=limits) as scene:
        held = asyncio.ensure_future(scene.engine.invoke(chat()))
        await asyncio.wait_for(scene.providers[0].asked.wait(), 30)
        _, account = await whole_text(scene.engine, chat())
        assert account.target.endswith("/b")
        held.cancel()
        await asyncio.wait((held,))


async def test_a_cancelled_stream_is_accounted_by_what_came_and_no_more():
    notes = Notes()
    async with engine_over(providers.hang_in_the_middle, observer=notes, prices=catalogs.PRICES) as scene:
        stream = scene.engine.stream(chat())
        await anext(stream)
        await stream.aclose()
    (attempt,) = notes.attempts
    ((account, answered),) = notes.calls
    assert attempt.outcome is AttemptOutcome.CANCELED
    assert attempt.usage.estimated
    assert attempt.usage.output_tokens == 2
    assert attempt.cost.state is CostState.PARTIAL
    assert account.cost == attempt.cost
    assert not answered
