"""A second attempt beside a silent first one: who answers first answers, and the other costs no more than it must."""

import asyncio
from collections import Counter
from contextlib import aclosing
from typing import Any

import pytest

from airegistry import errors
from airegistry.invocations.chat import Tool
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest
from airegistry.invocations.invocation import AttemptOutcome, Invocation
from airegistry.invocations.usage import CostState
from airegistry.invoke import EngineSettings
from airegistry.resources.route import RoutePolicy
from airegistry.routing.gates.breaker import BreakerState
from tests import catalogs, providers
from tests.catalogs import asked, chat
from tests.engines import Notes, engine_over, text_of, whole_text
from tests.providers import TOKENS, paced, status
from tests.waiting import until

SOON = RoutePolicy(hedge_delay=0.05)
SIDE_BY_SIDE: dict[str, Any] = {"priority": 0, "prices": catalogs.PRICES}
OK, ERROR, CANCELED, SUPERSEDED = AttemptOutcome
AT_ONCE = 10.0
"""Seconds on a machine that has much else to do; nothing else would end such a connection that soon."""


def outcomes(attempts):
    return [(attempt.target[-1], attempt.outcome) for attempt in attempts]


async def test_a_silent_one_is_overtaken_and_cancelled():
    async with engine_over(providers.hang_before_headers, providers.ok, **SIDE_BY_SIDE) as scene:
        text, account = await whole_text(scene.engine, chat(policy=SOON))
        assert text == "".join(TOKENS)
        assert outcomes(account.attempts) == [("a", SUPERSEDED), ("b", OK)]
        async with asyncio.timeout(AT_ONCE):
            await scene.providers[0].seen[0].gone.wait()


@pytest.mark.parametrize(
    "silent",
    [
        pytest.param(providers.hang_before_headers, id="before-headers"),
        pytest.param(providers.hang_before_first_token, id="before-first-token"),
    ],
)
async def test_the_first_token_decides_in_a_stream(silent):
    async with engine_over(silent, paced(0.01), **SIDE_BY_SIDE) as scene:
        async with aclosing(scene.engine.stream(chat(policy=SOON))) as batches:
            begun = await anext(batches)
            assert begun[0].started.target.endswith("/b")
            assert begun[0].started.attempt == 2
            async with asyncio.timeout(AT_ONCE):
                await scene.providers[0].seen[0].gone.wait()
            events = [*begun, *[event async for batch in batches for event in batch]]
        assert text_of(events) == "".join(TOKENS)
        account = events[-1].end.settlement
        assert outcomes(account.attempts) == [("a", SUPERSEDED), ("b", OK)]


async def test_what_a_cancelled_attempt_cost_is_not_known_and_so_is_the_whole():
    async with engine_over(providers.hang_before_headers, providers.ok, **SIDE_BY_SIDE) as scene:
        _, account = await whole_text(scene.engine, chat(policy=SOON))
    assert [attempt.cost.state for attempt in account.attempts] == [CostState.UNKNOWN, CostState.KNOWN]
    assert account.cost.state is CostState.PARTIAL
    assert account.cost.nanos == account.attempts[1].cost.nanos
    assert account.usage == account.attempts[1].usage


async def test_who_is_quick_enough_has_nobody_beside_it():
    async with engine_over(providers.ok, providers.ok, **SIDE_BY_SIDE) as scene:
        for _ in range(5):
            _, account = await whole_text(scene.engine, chat(policy=RoutePolicy(hedge_delay=5.0)))
            assert len(account.attempts) == 1
    assert scene.seen() == [5, 0]


async def test_the_slow_one_still_answers_when_the_second_fails():
    notes = Notes()

    async def slow(peer):
        # Until the second one is known to have failed.
        await until(lambda: notes.attempts)
        await providers.ok(peer)

    async with engine_over(slow, status(503), observer=notes, **SIDE_BY_SIDE) as scene:
        text, account = await whole_text(scene.engine, chat(policy=SOON))
    assert text == "".join(TOKENS)
    assert outcomes(account.attempts) == [("a", OK), ("b", ERROR)]


async def test_when_both_fail_a_third_is_asked():
    async with engine_over(slow_failure(0.2), status(503), providers.ok, **SIDE_BY_SIDE) as scene:
        text, account = await whole_text(scene.engine, chat(policy=SOON))
    assert text == "".join(TOKENS)
    assert outcomes(account.attempts) == [("a", ERROR), ("b", ERROR), ("c", OK)]


async def test_there_are_never_more_attempts_than_allowed():
    policy = RoutePolicy(hedge_delay=0.02, max_attempts=1, first_token_timeout=0.2)
    async with engine_over(providers.hang_before_headers, providers.ok, **SIDE_BY_SIDE) as scene:
        with pytest.raises(errors.ProviderTimeoutError) as failed:
            await scene.engine.invoke(chat(policy=policy))
    assert len(failed.value.attempts) == 1
    assert scene.seen()[1] == 0


async def test_a_share_of_the_calls_has_a_second_attempt_and_no_more():
    """A provider that is slow as a whole is not asked twice as much."""
    settings = EngineSettings(hedge_share=0.1)
    slow = slow_answer(0.05)
    policy = RoutePolicy(hedge_delay=0.01)
    async with engine_over(slow, slow, settings=settings, **SIDE_BY_SIDE) as scene:
        for _ in range(4):
            await asyncio.gather(*(scene.engine.invoke(chat(policy=policy)) for _ in range(10)))
    assert scene.seen()[0] == 40
    assert 1 <= scene.seen()[1] <= 5


@pytest.mark.parametrize(
    "invocation",
    [
        pytest.param(chat(policy=SOON, chat=asked(tools=(Tool(name="act"),))), id="tools"),
        pytest.param(chat(), id="no-policy"),
    ],
)
async def test_what_may_have_an_effect_is_asked_once(invocation):
    async with engine_over(slow_answer(0.2), providers.ok, **SIDE_BY_SIDE) as scene:
        _, account = await whole_text(scene.engine, invocation)
        assert not scene.engine.explain(invocation).hedged
    assert outcomes(account.attempts) == [("a", OK)]


async def test_embeddings_may_be_asked_twice():
    texts = EmbeddingsRequest(inputs=(EmbeddingInput(text="x"),))
    facts = {**SIDE_BY_SIDE, "communication": catalogs.OPEN_EMBEDDINGS}
    async with engine_over(providers.hang_before_headers, providers.ok, **facts) as scene:
        invocation = Invocation(model="m", embeddings=texts, policy=SOON)
        answered = await scene.engine.invoke(invocation)
        assert scene.engine.explain(invocation).hedged
    assert outcomes(answered.settlement.attempts) == [("a", SUPERSEDED), ("b", OK)]


async def test_a_caller_that_goes_away_cancels_both():
    silent = providers.hang_before_headers
    async with engine_over(silent, silent, **SIDE_BY_SIDE) as scene:
        asking = asyncio.ensure_future(scene.engine.invoke(chat(policy=SOON)))
        async with asyncio.timeout(AT_ONCE):
            for up in scene.providers:
                await up.asked.wait()
        asking.cancel()
        await asyncio.wait((asking,))
        async with asyncio.timeout(AT_ONCE):
            for up in scene.providers:
                await up.seen[0].gone.wait()
        assert scene.engine.admission.running == 0


async def test_the_callers_deadline_ends_both():
    silent = providers.hang_before_headers
    async with engine_over(silent, silent, **SIDE_BY_SIDE) as scene:
        with pytest.raises(errors.DeadlineExceededError) as failed:
            await scene.engine.invoke(chat(policy=SOON), deadline=1.0)
    assert len(failed.value.attempts) == 2


async def test_an_overtaken_attempt_harms_nobodys_standing():
    settings = EngineSettings(hedge_share=1.0)
    async with engine_over(providers.hang_before_headers, providers.ok, settings=settings, **SIDE_BY_SIDE) as scene:
        for _ in range(8):
            _, account = await whole_text(scene.engine, chat(policy=RoutePolicy(hedge_delay=0.01)))
            assert outcomes(account.attempts) == [("a", SUPERSEDED), ("b", OK)]
        assert set(scene.engine.breakers.states().values()) == {BreakerState.CLOSED}


async def test_a_stream_makes_no_task_for_its_pieces():
    """Not even one that was started beside another."""

    async def long(peer):
        await providers.stream_head(peer)
        for i in range(300):
            await peer.event(providers.chunk({"content": f" {i}"}))
            await asyncio.sleep(0)
        await providers.finish(peer)

    made = Counter[str]()

    def count(loop, work, **options):
        made[getattr(work, "__qualname__", "")] += 1
        return asyncio.Task(work, loop=loop, **options)

    async with engine_over(providers.hang_before_headers, long, **SIDE_BY_SIDE) as scene:
        asyncio.get_running_loop().set_task_factory(count)
        async with aclosing(scene.engine.stream(chat(policy=SOON))) as batches:
            pieces = sum([len(batch) async for batch in batches])
        asyncio.get_running_loop().set_task_factory(None)
    assert pieces > 300
    assert sum(made.values()) < 30, made


def slow_answer(seconds):
    async def behave(peer):
        await asyncio.sleep(seconds)
        await providers.ok(peer)

    return behave


def slow_failure(seconds):
    async def behave(peer):
        await asyncio.sleep(seconds)
        await status(503)(peer)

    return behave
