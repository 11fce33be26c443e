"""The engine against real HTTP providers that answer as they should."""

from typing import Any

import pytest

from airegistry import invoke
from airegistry.errors import (
    AmbiguousModelError,
    InvalidArgumentError,
    ModelNotFoundError,
    NoCandidateError,
)
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest, EmbeddingsResponse
from airegistry.invocations.invocation import AttemptOutcome, Invocation
from airegistry.invocations.kinds import AgentTaskRequest
from airegistry.invocations.usage import CostState
from tests import catalogs
from tests.catalogs import cache_of, chat
from tests.engines import text_of
from tests.providers import TOKENS, Peer, chunk, finish, ok, provider, stream_head

# Tests look at fields that may be absent.
open_engine: Any = invoke.open_engine


async def test_a_whole_answer_comes_with_its_account():
    async with provider(ok) as up:
        cache = cache_of([catalogs.model(), catalogs.endpoint("a", up.url, prices=catalogs.PRICES)], revision=7)
        async with open_engine(cache) as engine:
            answered = await engine.invoke(chat())
    assert answered.output.choices[0].message.content[0].text.text == "".join(TOKENS)
    account = answered.settlement
    assert (account.target, account.model, account.provider) == ("models/m/endpoints/a", "models/m", "a")
    assert account.usage.input_tokens == 10
    # 10 input tokens at 1,000 nano-USD each and 4 output tokens at 2,000.
    assert (account.cost.state, account.cost.nanos) == (CostState.KNOWN, 18_000)
    assert [attempt.outcome for attempt in account.attempts] == [AttemptOutcome.OK]
    assert (account.revision, account.stale) == (7, True)


async def test_a_stream_starts_with_who_answers_and_ends_with_the_account():
    async with provider(ok) as up, open_engine(cache_of(catalogs.served(up.url))) as engine:
        events = [event async for batch in engine.stream(chat()) for event in batch]
    assert events[0].started.target == "models/m/endpoints/a"
    assert events[0].started.upstream_id == "up-1"
    assert text_of(events) == "".join(TOKENS)
    assert events[-1].end.settlement.usage.output_tokens == 4
    assert events[-1].end.settlement.time_to_first_token is not None
    assert sum(event.end is not None for event in events) == 1


async def test_what_has_no_place_in_the_events_of_a_stream_comes_with_its_end():
    async def marked(peer: Peer) -> None:
        await stream_head(peer)
        await peer.event({**chunk({"content": "Hi"}), "system_fingerprint": "fp-1"})
        await finish(peer)

    async with provider(marked) as up, open_engine(cache_of(catalogs.served(up.url))) as engine:
        events = [event async for batch in engine.stream(chat()) for event in batch]
    assert events[-1].end.extra == {"system_fingerprint": "fp-1"}
    assert events[-1].end.settlement.warnings == ()


async def test_embeddings_come_in_the_order_of_their_inputs():
    async with provider(ok) as up:
        there = catalogs.endpoint("a", up.url, communication=catalogs.OPEN_EMBEDDINGS)
        async with open_engine(cache_of([catalogs.model(), there])) as engine:
            inputs = (EmbeddingInput(text="one"), EmbeddingInput(text="two"))
            answered = await engine.invoke(Invocation(model="m", embeddings=EmbeddingsRequest(inputs=inputs)))
    assert isinstance(answered.output, EmbeddingsResponse)
    assert [vector.values for vector in answered.output.embeddings] == [(0.5, 0.0), (0.5, 1.0)]


async def test_nobody_is_asked_when_the_name_is_unknown_or_means_several():
    resources = [
        catalogs.model("m", original_ids=("org/M",)),
        catalogs.model("n", original_ids=("org/M",)),
        catalogs.endpoint("a", "http://127.0.0.1:1", model="m"),
    ]
    async with open_engine(cache_of(resources)) as engine:
        with pytest.raises(ModelNotFoundError):
            await engine.invoke(chat("nothing"))
        with pytest.raises(AmbiguousModelError) as several:
            await engine.invoke(chat("org/M"))
        with pytest.raises(NoCandidateError):
            await engine.invoke(chat("models/n"))
    assert several.value.metadata["matches"] == "models/m, models/n"


@pytest.mark.parametrize(
    ("invocation", "error", "field"),
    [
        pytest.param(Invocation(model="m"), InvalidArgumentError, "invocation.input", id="no-input"),
        pytest.param(chat(""), InvalidArgumentError, "invocation.model", id="no-model"),
        pytest.param(
            Invocation(model="m", agent_task=AgentTaskRequest()),
            InvalidArgumentError,
            "invocation.agent_task.content",
            id="agent-task",
        ),
    ],
)
async def test_what_is_wrong_is_named(invocation, error, field):
    async with open_engine(cache_of([catalogs.model()])) as engine:
        with pytest.raises(error) as refused:
            await engine.invoke(invocation)
    assert [violation.field for violation in refused.value.violations] == [field]
