"""The engine against servers that people run themselves: Ollama, Text Generation Inference, Text Embeddings Inference."""

import json
from typing import Any

import pytest

from airegistry import errors, invoke
from airegistry.invocations.chat import ChatDelta, FinishReason
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest
from airegistry.invocations.invocation import Invocation
from airegistry.invocations.kinds import RawRequest, RerankRequest
from airegistry.invocations.usage import CostState
from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from tests import catalogs, ollamas
from tests.catalogs import cache_of, chat
from tests.providers import TOKENS, Peer, event_bytes, provider

# Tests look at fields that may be absent.
open_engine: Any = invoke.open_engine


def served(url, dialect, **facts):
    communication = Communication(dialect=dialect, auth=Auth(AuthMethod.NONE))
    host = url.removesuffix("/v1")
    return cache_of([catalogs.model(), catalogs.endpoint("a", host, communication=communication, **facts)])


def deltas_of(events) -> list[ChatDelta]:
    return [event.chat_delta for event in events if event.chat_delta is not None]


async def streamed(engine, invocation=None):
    return [event async for batch in engine.stream(invocation or chat()) for event in batch]


async def tgi(peer: Peer) -> None:
    """Generate, streamed or whole."""
    details = {"finish_reason": "eos_token", "generated_tokens": 5, "seed": None}
    text = "".join(TOKENS)
    if peer.path == "/generate":
        body = {"generated_text": text, "details": {**details, "prefill": [], "tokens": []}}
        await peer.reply(200, json.dumps(body).encode(), {"x-prompt-tokens": "10"})
        return
    await peer.head(200, {"content-type": "text/event-stream"})
    for i, token in enumerate((*TOKENS, "</s>")):
        last = i == len(TOKENS)
        said = {"id": i, "text": token, "logprob": -0.1, "special": last}
        end = {"generated_text": text, "details": {**details, "input_length": 10}} if last else {}
        await peer.send(event_bytes({"index": i, "token": said, "generated_text": None, "details": None, **end}))


async def tei(peer: Peer) -> None:
    if peer.path == "/embed":
        await peer.reply(200, json.dumps([[0.5, 1.0]] * len(peer.body["inputs"])).encode(), {"x-compute-tokens": "7"})
    else:
        ranks = [{"index": i, "score": 1 / (i + 1)} for i in range(len(peer.body["texts"]))]
        await peer.reply(200, json.dumps(ranks).encode(), {"x-compute-tokens": "7"})


@pytest.mark.parametrize(("behaviour", "dialect"), [(ollamas.ok, "ollama.chat"), (tgi, "tgi.generate")])
async def test_whole_and_streamed_answers_come_with_their_account(behaviour, dialect):
    async with (
        provider(behaviour) as up,
        open_engine(served(up.url, dialect, prices=catalogs.PRICES)) as engine,
    ):
        answered = await engine.invoke(chat())
        events = await streamed(engine)
    assert answered.output.text == "".join(TOKENS)
    assert "".join(delta.text or "" for delta in deltas_of(events)) == "".join(TOKENS)
    assert deltas_of(events)[-1].finish_reason is FinishReason.STOP
    for account in (answered.settlement, events[-1].end.settlement):
        assert account.usage.input_tokens == 10
        assert account.cost.state is CostState.KNOWN


async def test_what_an_ollama_did_not_count_is_not_priced_as_nothing():
    cached = {name: value for name, value in ollamas.done_line().items() if name != "prompt_eval_count"}
    behaviour = ollamas.saying(ollamas.message_line(content="Again"), cached)
    async with (
        provider(behaviour) as up,
        open_engine(served(up.url, "ollama.chat", prices=catalogs.PRICES)) as engine,
    ):
        account = (await streamed(engine))[-1].end.settlement
    assert (account.usage.input_tokens, account.usage.output_tokens) == (None, 4)
    assert (account.cost.state, account.cost.unpriced) == (CostState.PARTIAL, ("input_tokens",))


@pytest.mark.parametrize(
    "behaviour",
    [ollamas.truncated, ollamas.saying(ollamas.message_line(content="One"), {"error": "it crashed"})],
    ids=["cut", "error-line"],
)
async def test_a_cut_answer_never_ends_well(behaviour):
    seen = []
    async with provider(behaviour) as up, open_engine(served(up.url, "ollama.chat")) as engine:
        batches = engine.stream(chat())
        with pytest.raises(errors.ProviderError):
            seen += [event async for batch in batches for event in batch]
    assert not any(event.end for event in seen)


async def test_texts_are_embedded_and_documents_ordered():
    texts = EmbeddingsRequest((EmbeddingInput(text="one"), EmbeddingInput(text="two")))
    documents = RerankRequest("q", ("first", "second", "third"), top_n=2, return_documents=True)
    async with provider(tei) as up:
        async with open_engine(served(up.url, "tei.embed")) as engine:
            vectors = await engine.invoke(Invocation(model="m", embeddings=texts))
        async with open_engine(served(up.url, "tei.rerank")) as engine:
            order = await engine.invoke(Invocation(model="m", rerank=documents))
    assert [one.values for one in vectors.output.embeddings] == [(0.5, 1.0), (0.5, 1.0)]
    assert vectors.settlement.usage.input_tokens == 7
    assert [(one.index, one.document) for one in order.output.results] == [(0, "first"), (1, "second")]


async def test_a_raw_request_to_an_ollama_is_not_touched():
    body = b'{ "model" : "theirs", "messages":[] , "stream": false}'
    async with provider(ollamas.ok) as up, open_engine(served(up.url, "ollama.chat")) as engine:
        answered = await engine.invoke(Invocation(model="m", raw=RawRequest("ollama.chat", body=body)))
    assert up.seen[0].raw == body
    assert json.loads(answered.output.body)["done_reason"] == "load"
