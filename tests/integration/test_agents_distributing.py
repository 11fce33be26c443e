"""Tasks that are routed by their words to who is fit and free, over a real registry and gateway."""

import asyncio

import pytest

from airegistry import Preference, TaskDistributor, describe_agent, register_agent
from airegistry.errors import NoCandidateError, TaskRejectedError
from airegistry.resources.requirements import CredentialRequirement, DiscoverQuery, DiscoverTarget, Requirements
from airegistry.resources.resource import AgentState
from tests import catalogs
from tests.agent_planes import planes, reject, state_of
from tests.agents import LONG, Doing, agent_server, until

AGENTS = DiscoverQuery(DiscoverTarget.AGENT, Requirements(credential=CredentialRequirement.ANY))


async def test_a_task_is_routed_by_its_words_and_the_ranking_is_explained(tmp_path):
    async with planes(tmp_path) as all_:
        await all_.add(
            describe_agent("cheap", "grpc://h:1", ["translate"], price_per_task_nanos=1),
            describe_agent("dear", "grpc://h:1", ["translate"], price_per_task_nanos=10**12),
            describe_agent("other", "grpc://h:1", ["paint"]),
        )
        distributor = TaskDistributor(all_.client, preference=Preference.CHEAPEST)
        route = await distributor.route_task("Please translate this text")
        named = await distributor.route_task("whatever", skills=["paint"])
        bounded = TaskDistributor(all_.client, requirements=Requirements(max_cost_nanos=10))
        only = await bounded.route_task("translate")
    assert [one.name for one in route.ranking] == ["agents/cheap", "agents/dear"]
    assert (route.agent, route.skill, named.agent) == ("agents/cheap", "translate", "agents/other")
    assert route.explain().startswith("1. agents/cheap: skill translate, fit 1")
    assert [one.name for one in only.ranking] == ["agents/cheap"]
    assert "excluded by price" in only.explain()


async def test_who_is_busy_comes_later_and_who_is_away_not_at_all(tmp_path):
    async with planes(tmp_path) as all_:
        first = describe_agent("a", "grpc://h:1", ["translate"])
        second = describe_agent("b", "grpc://h:1", ["translate"])
        async with register_agent(all_.client, first) as a, register_agent(all_.client, second):
            distributor = TaskDistributor(all_.client)
            assert (await distributor.route_task("translate")).agent == "agents/a"
            a.report(AgentState.BUSY)
            await state_of(all_, a.name, AgentState.BUSY)
            assert [one.name for one in (await distributor.route_task("translate")).ranking] == ["agents/b", "agents/a"]
            a.report(AgentState.DRAINING)
            await state_of(all_, a.name, AgentState.DRAINING)
            assert [one.name for one in (await distributor.route_task("translate")).ranking] == ["agents/b"]


async def test_who_says_that_it_is_loaded_comes_later_at_the_registry_and_in_the_gateway(tmp_path):
    async with planes(tmp_path) as all_:
        first = describe_agent("a", "grpc://h:1", ["translate"])
        second = describe_agent("b", "grpc://h:1", ["translate"])
        async with (
            register_agent(all_.client, first, ttl=1.5) as a,
            register_agent(all_.client, second, ttl=1.5) as b,
        ):
            distributor = TaskDistributor(all_.client)
            for busy, idle in ((a, b), (b, a)):
                busy.report(load=0.9)
                idle.report(load=0.1)
                wanted = [idle.name, busy.name]
                await ranked(distributor, all_.gateway.cache, wanted)


async def ranked(distributor, cache, wanted):
    """Wait until the registry and a gateway rank agents as wanted."""
    async with asyncio.timeout(LONG):
        while True:
            route = await distributor.route_task("translate")
            if (
                [one.name for one in route.ranking]
                == wanted
                == [each.name for each in cache.index.discover(AGENTS).candidates]
            ):
                return
            await asyncio.sleep(0.05)


async def test_who_takes_no_more_at_once_is_passed_by(tmp_path):
    async def waiting(doing: Doing) -> None:
        await doing.working()
        await asyncio.sleep(60)

    async with planes(tmp_path) as all_, agent_server(waiting) as a, agent_server() as b:
        # They say nothing of their state: only the distributor knows what it gave them.
        await all_.add(catalogs.agent("a", a.url, max_concurrent_tasks=1), catalogs.agent("b", b.url))
        distributor = TaskDistributor(all_.client)
        running = asyncio.create_task(distributor.delegate("x", skills=["count"]))
        await until(a.asked)
        first, second = (await distributor.route_task("x", skills=["count"])).ranking
        assert (first.name, second.name, second.running, second.full) == ("agents/b", "agents/a", 1, True)
        running.cancel()
        await asyncio.wait([running])
        first, _ = (await distributor.route_task("x", skills=["count"])).ranking
        assert (first.name, first.running) == ("agents/a", 0)


async def test_the_next_in_the_ranking_takes_what_the_first_declines(tmp_path):
    async with planes(tmp_path) as all_, agent_server(reject) as a, agent_server() as b:
        await all_.add(catalogs.agent("a", a.url), catalogs.agent("b", b.url))
        distributor = TaskDistributor(all_.client)
        assert (await distributor.delegate("count")).by == "agents/b"
        with pytest.raises(TaskRejectedError):
            await distributor.delegate("count", attempts=1)


async def test_no_agent_for_a_task_is_an_error_that_counts_why(tmp_path):
    async with planes(tmp_path) as all_:
        distributor = TaskDistributor(all_.client)
        with pytest.raises(NoCandidateError, match="none is registered"):
            await distributor.route_task("translate")
        await all_.add(describe_agent("a", "grpc://h:1", ["paint"]))
        with pytest.raises(NoCandidateError, match="1 excluded by skill") as none:
            await distributor.route_task("translate", skills=["translate"])
        assert none.value.metadata == {"skill": "1"}
        with pytest.raises(NoCandidateError, match="none of 1 agents"):
            await distributor.route_task("translate")
