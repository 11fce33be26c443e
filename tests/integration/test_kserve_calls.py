"""`kserve.v2` through the engine: how a call ends, what it carries, and the channels that it goes by."""

import asyncio
from typing import Any

import pytest

from airegistry.errors import ProviderCredentialError, ProviderTimeoutError
from airegistry.invoke.settings import EngineSettings
from airegistry.invoke.transport import TransportSettings
from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from airegistry.resources.route import RoutePolicy
from tests.catalogs import cache_of, chat, credentials, endpoint, model
from tests.engines import text_of
from tests.inference_engines import OPEN, TEXT, engine_for, events_of, open_engine
from tests.inference_servers import TOKENS, Caller, inference_server, text
from tests.providers import LEAVING
from tests.waiting import until


async def test_silence_before_the_first_token_ends_when_its_budget_does():
    async def stream(caller: Caller) -> None:
        await caller.until_gone()

    async with inference_server(stream=stream) as up, engine_for(up.url) as engine:
        # A busy machine may need more time than the first of them to ask at all.
        for budget in (0.2, 2.0, 8.0):
            policy = RoutePolicy(connect_timeout=30, first_token_timeout=budget, max_attempts=1)
            with pytest.raises(ProviderTimeoutError, match=r"no first token|no answer"):
                await events_of(engine, chat(policy=policy))
            if up.seen:
                break
        await asyncio.wait_for(up.seen[0].gone.wait(), LEAVING)


@pytest.mark.parametrize("phase", ["before-the-answer", "mid-stream"])
async def test_a_caller_who_goes_away_takes_the_call_along(phase):
    async def stream(caller: Caller) -> None:
        if phase == "mid-stream":
            await caller.triton(text("half"))
        await caller.until_gone()

    got: list[Any] = []

    async def collect() -> None:
        async for batch in engine.stream(chat()):
            got.extend(batch)

    async with inference_server(stream=stream) as up, engine_for(up.url) as engine:
        task = asyncio.create_task(collect())
        await until((lambda: text_of(got)) if phase == "mid-stream" else up.asked.is_set)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(up.seen[0].gone.wait(), LEAVING)


async def test_a_caller_who_goes_away_takes_a_whole_answer_along():
    async def infer(caller: Caller) -> Any:
        await caller.until_gone()

    async with inference_server(infer) as up, engine_for(up.url) as engine:
        task = asyncio.create_task(engine.invoke(chat()))
        await asyncio.wait_for(up.asked.wait(), LEAVING)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(up.seen[0].gone.wait(), LEAVING)


async def test_the_deadline_of_the_caller_is_told_to_the_provider():
    left: list[float] = []

    async def infer(caller: Caller) -> Any:
        left.append(caller.context.time_remaining())
        return text("x")

    async with inference_server(infer) as up, engine_for(up.url) as engine:
        await engine.invoke(chat(), deadline=30)
    assert 0 < left[0] < 31


async def test_what_is_held_back_does_not_end_a_stream():
    async def stream(caller: Caller) -> None:
        for token in TOKENS:
            await caller.triton(text(token))
            await asyncio.sleep(0.03)

    policy = RoutePolicy(hold_back_tokens=100, hold_back_duration=0.01)
    async with inference_server(stream=stream) as up, engine_for(up.url) as engine:
        assert text_of(await events_of(engine, chat(policy=policy))) == TEXT


async def test_a_token_goes_as_metadata_and_a_query_cannot():
    header = Communication(dialect="kserve.v2", auth=Auth(AuthMethod.HEADER, "X-Key"), headers={"x-fixed": "1"})
    query = Communication(dialect="kserve.v2", auth=Auth(AuthMethod.QUERY, "key"))
    known = credentials(SOME_API_KEY="sk-secret")
    async with inference_server() as up:
        for communication in (Communication(dialect="kserve.v2"), header):
            async with engine_for(
                up.url, communication=communication, known=known, credential="SOME_API_KEY"
            ) as engine:
                await engine.invoke(chat())
        async with engine_for(up.url, communication=query, known=known, credential="SOME_API_KEY") as engine:
            with pytest.raises(ProviderCredentialError, match="no query"):
                await engine.invoke(chat())
        seen = [caller.metadata for caller in up.seen]
    assert [metadata.get("authorization") for metadata in seen] == ["Bearer sk-secret", None]
    assert (seen[1]["x-key"], seen[1]["x-fixed"]) == ("sk-secret", "1")


async def test_channels_are_shared_and_the_least_used_idle_ones_are_closed():
    few = TransportSettings(max_channels=2)
    async with inference_server() as a, inference_server() as b, inference_server() as c:
        served = [endpoint(id_, up.url, model=id_, communication=OPEN) for id_, up in (("a", a), ("b", b), ("c", c))]
        cache = cache_of([model("a"), model("b"), model("c"), *served])
        async with open_engine(cache, settings=EngineSettings(transport=few)) as engine:
            for name in ("a", "b", "a", "c", "a"):
                await engine.invoke(chat(name))
            grpc_transport = engine._means.transport._grpc
            assert len(grpc_transport._channels) == 2
            assert {key[0].rpartition(":")[2] for key in grpc_transport._channels} == {
                up.url.rpartition(":")[2] for up in (a, c)
            }
    peers = {caller.peer for caller in a.seen}
    assert len(peers) == 1
