"""Agents that die, refuse a key or cannot be asked, in the engine."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from airegistry.errors import NoCandidateError, ProviderConnectionError, ProviderCredentialError, UnsupportedFieldError
from airegistry.invocations.chat import ChatRequest, Message, Role
from airegistry.invocations.invocation import Invocation
from airegistry.resources import agent as resources
from airegistry.resources.requirements import DiscoverQuery, DiscoverTarget, Requirements
from tests.agent_tasks import TEXT, engine_for, events_of, open_engine, task
from tests.agents import Doing, agent_server, until
from tests.blocks import text
from tests.catalogs import agent, asked, cache_of, chat, credentials
from tests.engines import text_of
from tests.robustness.proxy import Proxy, proxy


async def test_an_agent_that_dies_before_it_said_anything_is_replaced():
    dying = asyncio.Event()

    async def die(doing: Doing) -> None:
        await doing.begin()
        dying.set()
        await asyncio.sleep(60)

    query = DiscoverQuery(DiscoverTarget.AGENT, Requirements(skills=("numbers",)))
    async with agent_server(die) as a, agent_server() as b, engine_for(a, b) as engine:
        call = asyncio.create_task(events_of(engine, Invocation(query=query, chat=asked())))
        await until(dying)
        await a.kill()
        events = await call
    assert text_of(events) == TEXT
    assert events[-1].end.settlement.target == "agents/b"


async def test_an_agent_that_dies_in_the_middle_of_its_answer_is_an_error():
    async def half(doing: Doing) -> None:
        await doing.working()
        await doing.write("One")
        await asyncio.sleep(60)

    got: list[Any] = []

    async def collect(engine: Any, invocation: Invocation, network: Proxy) -> None:
        async with aclosing(engine.stream(invocation)) as batches:
            async for batch in batches:
                got.extend(batch)
                await asyncio.to_thread(network.cut)

    async with agent_server(half) as a, agent_server() as b:
        with proxy(a.url.removeprefix("grpc://")) as network:
            agents = [agent("a", f"grpc://{network.address}"), agent("b", b.url)]
            async with open_engine(cache_of(agents)) as engine:
                with pytest.raises(ProviderConnectionError):
                    await collect(engine, Invocation(query=DiscoverQuery(DiscoverTarget.AGENT), chat=asked()), network)
                # Only the connection broke: what nobody hears of any more is not left running.
                await until(a.cancelled)
    assert text_of(got) == "One"
    assert b.seen == []


async def test_nobody_is_asked_who_is_away_once_that_is_known():
    query = DiscoverQuery(DiscoverTarget.AGENT)
    async with agent_server() as a, agent_server() as b, engine_for(a, b) as engine:
        await a.kill()
        for _ in range(12):
            answered = await engine.invoke(task(query=query))
            assert answered.settlement.target == "agents/b"
        answered = await engine.invoke(task(query=query))
        assert len(answered.settlement.attempts) == 1
        explained = engine.explain(task(query=query))
    assert [(e.reason.name, e.names) for e in explained.exclusions] == [("BREAKER", ("agents/a",))]


async def test_a_wrong_key_is_an_error_of_the_credential_and_never_shown():
    async with agent_server(key="the-key") as up:
        facts = {"auth": None, "credential": "AGENT_API_KEY"}
        async with engine_for(up, known=credentials(AGENT_API_KEY="the-key"), **facts) as engine:
            assert (await engine.invoke(chat("agents/a"))).output.text == TEXT
        for streams in (True, False):
            capabilities = resources.AgentCapabilities(streaming=streams)
            known = credentials(AGENT_API_KEY="wrong-one")
            async with engine_for(up, known=known, capabilities=capabilities, **facts) as engine:
                with pytest.raises(ProviderCredentialError) as refused:
                    await engine.invoke(chat("agents/a"))
                assert "wrong-one" not in str(refused.value)


async def test_an_agent_whose_card_has_no_grpc_is_explained_and_not_asked():
    others = (
        resources.AgentInterface("https://a.example/rpc", "JSONRPC", "1.0"),
        resources.AgentInterface("https://a.example:443", "GRPC", "0.3"),
        resources.AgentInterface("https://a.example/path", "GRPC", "1.0"),
    )
    async with open_engine(cache_of([agent("a", interfaces=others)])) as engine:
        for invocation in (task(), task(query=DiscoverQuery(DiscoverTarget.AGENT))):
            explained = engine.explain(invocation)
            assert [(e.reason.name, e.names) for e in explained.exclusions] == [("DIALECT", ("agents/a",))]
            with pytest.raises(NoCandidateError, match="dialect"):
                await engine.invoke(invocation)


async def test_what_a2a_cannot_say_is_refused_with_its_path():
    system = ChatRequest(messages=(Message(Role.SYSTEM, (text("Be brief"),)), Message(Role.USER, (text("hi"),))))
    async with agent_server() as up, engine_for(up) as engine:
        with pytest.raises(UnsupportedFieldError, match=r"chat\.messages\[0\]"):
            await engine.invoke(chat("agents/a", chat=system))
    assert up.seen == []
