"""Agents beside models in one engine: prices, limits, routes, hedging, TLS."""

import asyncio

import pytest

from airegistry import invoke
from airegistry.errors import ProviderConnectionError
from airegistry.invocations.kinds import AgentTaskState
from airegistry.invocations.usage import Cost, CostState
from airegistry.invoke.transport import TransportSettings
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.requirements import DiscoverQuery, DiscoverTarget
from airegistry.resources.route import RoutePolicy, RouteTarget, RouteTier
from tests.agent_tasks import ONCE, engine_for, open_engine, task, waiting
from tests.agents import Doing, agent_server, counting, until
from tests.catalogs import agent, cache_of, chat, route, served
from tests.certificates import Authorities
from tests.providers import Peer, ok, provider


async def test_a_task_has_its_price():
    each = PriceList((PriceSchedule(prices=(Price(PriceBucket.AGENT_TASKS, 250),)),))
    async with agent_server() as up, engine_for(up, prices=each) as engine:
        answered = await engine.invoke(task())
        told = (await engine.invoke(chat("agents/a"))).settlement
    assert answered.settlement.cost == told.cost == Cost(CostState.KNOWN, 250)
    assert answered.settlement.usage is None


async def test_as_many_tasks_as_an_agent_takes_at_once():
    query = DiscoverQuery(DiscoverTarget.AGENT)
    async with agent_server(waiting) as a, agent_server() as b:
        agents = [agent("a", a.url, max_concurrent_tasks=1), agent("b", b.url)]
        async with open_engine(cache_of(agents)) as engine:
            first = asyncio.create_task(engine.invoke(task(query=query)))
            await until(a.asked)
            answered = await engine.invoke(task(query=query))
            assert answered.settlement.target == "agents/b"
            assert [e.reason.name for e in engine.explain(task(query=query)).exclusions] == ["LIMIT"]
            first.cancel()
            await asyncio.wait([first])


async def test_a_route_leads_to_agents_and_on_to_a_model():
    tiers = (RouteTier((RouteTarget(agent="agents/a"),)), RouteTier((RouteTarget(model="models/m"),)))
    async with agent_server() as up, provider(ok) as model:
        resources_ = [*served(model.url), agent("a", up.url), route("r", tiers=tiers)]
        async with open_engine(cache_of(resources_)) as engine:
            assert (await engine.invoke(chat("r"))).settlement.target == "agents/a"
            await up.kill()
            answered = await engine.invoke(chat("r"))
    assert answered.settlement.target == "models/m/endpoints/a"
    assert answered.settlement.route == "routes/r"


async def test_no_second_attempt_beside_an_agent_and_no_agent_beside_another():
    async def slow(doing: Doing) -> None:
        await asyncio.sleep(0.3)
        await counting(doing)

    async def late(peer: Peer) -> None:
        await asyncio.sleep(0.3)
        await ok(peer)

    often, seldom = 1_000_000, 1
    hedged = RoutePolicy(hedge_delay=0.05)
    async with agent_server(slow) as up, provider(late) as model:
        routes = [
            route(id_, tiers=(RouteTier((RouteTarget(agent="agents/a", weight=a), RouteTarget("models/m", weight=m))),))
            for id_, a, m in (("a", often, seldom), ("b", seldom, often))
        ]
        settings = invoke.EngineSettings(hedge_share=1.0)
        async with open_engine(
            cache_of([*served(model.url), agent("a", up.url), *routes]), settings=settings
        ) as engine:
            assert (await engine.invoke(chat("routes/a", policy=hedged))).settlement.target == "agents/a"
            assert model.seen == []
            assert (await engine.invoke(chat("routes/b", policy=hedged))).settlement.target == "models/m/endpoints/a"
            assert len(up.seen) == 1


async def test_an_agent_behind_tls_is_called_when_its_certificate_is_trusted(tmp_path):
    authorities = Authorities(tmp_path)
    trusting = invoke.EngineSettings(transport=TransportSettings(ca_file=authorities.ca_file))
    async with agent_server(tls=authorities.grpc_server()) as up:
        # As a card may write it.
        cache = cache_of([agent("a", up.url.replace("grpcs://", "https://"))])
        async with open_engine(cache, settings=trusting) as engine:
            assert (await engine.invoke(task())).output.state is AgentTaskState.COMPLETED
        async with open_engine(cache) as engine:
            with pytest.raises(ProviderConnectionError, match="not trusted"):
                await engine.invoke(task(policy=ONCE))
