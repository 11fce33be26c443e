"""Counting the tokens of a request in the way that it would be answered, against real HTTP providers."""

from typing import Any

import pytest

from airegistry import invoke
from airegistry.errors import (
    DeadlineExceededError,
    ModelNotFoundError,
    ProviderRejectedError,
    UnsupportedFieldError,
)
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest
from airegistry.invocations.invocation import AttemptOutcome, Invocation
from airegistry.invocations.kinds import RawRequest
from airegistry.invoke.origin import Origin
from airegistry.routing.latencies import ENOUGH
from tests import anthropic_provider as claude
from tests import catalogs, providers
from tests.catalogs import cache_of, chat
from tests.engines import Notes
from tests.providers import provider

# Tests look at fields that may be absent.
open_engine: Any = invoke.open_engine


def counting(url, id_="a", **facts):
    address = url.removesuffix("/v1")
    return catalogs.endpoint(id_, address, **{"communication": claude.OPEN, **facts})


async def test_a_count_is_an_attempt_and_no_call():
    notes = Notes()
    async with provider(claude.ok) as up:
        cache = cache_of([catalogs.model(), counting(up.url)])
        async with open_engine(cache, observer=notes) as engine:
            counted = await engine.count_tokens(chat())
            for _ in range(ENOUGH - 1):
                await engine.count_tokens(chat())
            learnt = engine._latencies.of("models/m/endpoints/a", stream=False)
    assert (counted.tokens, counted.estimated) == (2095, False)
    assert counted.settlement.target == "models/m/endpoints/a"
    assert [attempt.outcome for attempt in notes.attempts] == [AttemptOutcome.OK] * ENOUGH
    assert notes.calls == []
    # How soon a target answers is not what it takes to count.
    assert learnt is None


async def test_who_cannot_count_is_not_replaced_by_who_counts_otherwise():
    async with provider(claude.ok) as up:
        first = catalogs.endpoint("a", up.url, priority=0)
        cache = cache_of([catalogs.model(), first, counting(up.url, "b", priority=1)])
        async with open_engine(cache) as engine:
            counted = await engine.count_tokens(chat())
    assert (counted.tokens, counted.estimated, counted.settlement) == (8, True, None)
    assert up.seen == []


async def test_a_failure_moves_on_as_it_would_for_an_answer():
    async with provider(claude.refusing(529, "overloaded_error"), claude.ok) as up:
        cache = cache_of([catalogs.model(), counting(up.url, "a", priority=0), counting(up.url, "b", priority=1)])
        async with open_engine(cache) as engine:
            counted = await engine.count_tokens(chat())
    assert counted.settlement.target == "models/m/endpoints/b"
    assert [attempt.http_status for attempt in counted.settlement.attempts] == [529, 200]


async def test_errors_are_those_of_an_answer():
    async with (
        provider(claude.refusing(400, "invalid_request_error")) as up,
        open_engine(cache_of([catalogs.model(), counting(up.url)])) as engine,
    ):
        with pytest.raises(ProviderRejectedError):
            await engine.count_tokens(chat())
        with pytest.raises(ModelNotFoundError):
            await engine.count_tokens(chat("nobody"))


async def test_a_deadline_bounds_a_count():
    async with (
        provider(providers.hang_before_headers) as up,
        open_engine(cache_of([catalogs.model(), counting(up.url)])) as engine,
    ):
        with pytest.raises(DeadlineExceededError):
            await engine.count_tokens(chat(), deadline=0.2)


async def test_a_callers_own_words_are_counted_as_they_are():
    async with provider(claude.ok) as up, open_engine(cache_of([catalogs.model(), counting(up.url)])) as engine:
        origin = Origin("anthropic.messages", b'{"model":"x","messages":[],"new":{"n":1.10}}')
        await engine.count_tokens(chat(), origin=origin)
    assert up.seen[0].body == {"messages": [], "new": {"n": 1.1}, "model": "served"}


async def test_only_conversations_can_be_counted():
    embeddings = EmbeddingsRequest((EmbeddingInput(text="a"),))
    async with open_engine(cache_of([catalogs.model()])) as engine:
        for invocation in (
            Invocation(model="m", embeddings=embeddings),
            Invocation(model="m", raw=RawRequest("openai.chat")),
        ):
            with pytest.raises(UnsupportedFieldError):
                await engine.count_tokens(invocation)
