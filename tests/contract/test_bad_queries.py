"""A query that makes no sense is refused with the same words by registry, gateway, embedded engine and index."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from airegistry.cache import Cache
from airegistry.client import GatewayClient, RegistryClient
from airegistry.discovery.index import Index
from airegistry.errors import InvalidArgumentError
from airegistry.expressions.expression import compile_expression
from airegistry.invoke.opening import open_engine
from airegistry.resources.requirements import DiscoverQuery, DiscoverTarget, Requirements
from airegistry.resources.resource import Resource
from airegistry.resources.route import Route, RouteTarget, RouteTier
from tests.bad_queries import BAD, REGISTERED, SERVED
from tests.catalogs import chat
from tests.contract.services import fake_registry, real_registry
from tests.planes import gateway_knowing

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def index_of(resources):
    index = Index(lambda: NOW, compile_expression)
    index.replace(resources, 1)
    return index


def said(violations, path):
    """Return what was said of which field below the query."""
    return [(each.field.removeprefix(f"{path}."), each.description) for each in violations]


def said_by_the_index(bad):
    with pytest.raises(InvalidArgumentError) as caught:
        index_of(REGISTERED).discover(bad.query)
    return said(caught.value.violations, "query")


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_the_index_names_the_fields_and_says_why(bad):
    found = said_by_the_index(bad)
    assert tuple(field for field, _ in found) == bad.fields
    assert bad.says in found[0][1]


@pytest.mark.parametrize("make", [fake_registry, real_registry], ids=["fake", "real"])
async def test_a_registry_says_the_same(make, tmp_path):
    async with make(tmp_path) as address, RegistryClient(address) as client:
        await client.register(REGISTERED)
        for name, bad in BAD.items():
            with pytest.raises(InvalidArgumentError) as caught:
                await client.discover(bad.query)
            assert said(caught.value.violations, "query") == said_by_the_index(bad), name


async def test_a_gateway_says_the_same(tmp_path):
    async with gateway_knowing(tmp_path, REGISTERED) as gateway, GatewayClient(gateway.address) as client:
        for name, bad in BAD.items():
            for ask in (client.explain, client.invoke):
                with pytest.raises(InvalidArgumentError) as caught:
                    await ask(chat(query=bad.query))
                assert said(caught.value.violations, "invocation.query") == said_by_the_index(bad), name


async def test_an_embedded_engine_says_the_same():
    cache = Cache(lambda: NOW, compile_filter=compile_expression)
    cache.replace(REGISTERED, 1)
    async with open_engine(cache) as engine:
        for name, bad in BAD.items():
            with pytest.raises(InvalidArgumentError) as caught:
                await engine.invoke(chat(query=bad.query))
            assert said(caught.value.violations, "invocation.query") == said_by_the_index(bad), name


def asking(target=None, **requirements):
    return DiscoverQuery(target, Requirements(**requirements))


@pytest.mark.parametrize(
    "query",
    [
        asking(all_capabilities=("time_travel",)),
        asking(task="divination"),
        asking(regions=("us-west-2", "eu-*", "berlin", "frankfurt-dc2")),
        asking(all_capabilities=("visoin",), allow_unknown=("all_capabilities",)),
        asking(task="text-genration", allow_unknown=("*",)),
        asking(providers=("a", "b"), excluded_providers=("a",)),
        asking(min_context_tokens=5, min_output_tokens=5),
        asking(DiscoverTarget.AGENT, task="text-generation", allow_unknown=("task",)),
        asking(DiscoverTarget.AGENT, skills=("plan",)),
        asking(DiscoverTarget.AGENT, all_capabilities=("push_notifications",)),
    ],
    ids=[
        "capability",
        "task",
        "regions",
        "capability-may-be-unknown",
        "anything-may-be-unknown",
        "one-provider-left",
        "output-fills-the-context",
        "agents-by-unknown-task",
        "skills-of-agents",
        "capability-of-agents",
    ],
)
def test_what_only_happens_to_find_nobody_is_an_answer(query):
    found = index_of(REGISTERED).discover(query)
    # Who lets the unknown pass finds the one endpoint, which says nothing of it.
    assert found.matched_count == (1 if "all_capabilities" in query.requirements.allow_unknown else 0)


async def test_a_filter_and_a_limit_are_told_of_together(tmp_path):
    query = asking(filter="1 +", min_reliability=2)
    async with real_registry(tmp_path) as address, RegistryClient(address) as client:
        with pytest.raises(InvalidArgumentError) as caught:
            await client.discover(query)
    assert [each.field for each in caught.value.violations] == [
        "query.requirements.min_reliability",
        "query.requirements.filter",
    ]


def test_a_name_is_a_typo_only_where_something_near_is_known():
    query = asking(regions=("frankfrut-dc1",))
    assert index_of(()).discover(query).matched_count == 0
    with pytest.raises(InvalidArgumentError):
        index_of(REGISTERED).discover(query)


def serving_in(region):
    return Resource(name="models/m/endpoints/e", endpoint=replace(SERVED, region=region))


@pytest.mark.parametrize(
    ("registered", "asked"),
    [("us-east", "us-west"), ("zone-a", "zone-b"), ("gpu1", "gpu2"), ("eastus", "westus"), ("paris", "porto")],
)
def test_a_neighbour_is_no_typo(registered, asked):
    assert index_of([serving_in(registered)]).discover(asking(regions=(asked,))).matched_count == 0


def test_the_beginning_of_a_region_is_no_typo():
    assert index_of([serving_in("westland-alpha")]).discover(asking(regions=("westland-alph*",))).matched_count == 1


async def test_a_route_goes_on_past_a_tier_that_names_what_is_gone(tmp_path):
    gone = RouteTier((RouteTarget(query=asking(all_capabilities=("barrista_mode",))),))
    tiers = (gone, RouteTier((RouteTarget(model="models/m"),)))
    route = Resource(name="routes/r", route=Route(tiers=tiers))
    async with (
        gateway_knowing(tmp_path, [*REGISTERED, route]) as gateway,
        GatewayClient(gateway.address) as client,
    ):
        explained = await client.explain(chat("r"))
    found = [each.candidate and each.candidate.resource for each in explained.candidates]
    assert [each and each.name for each in found] == ["models/m/endpoints/e"]


def test_a_stored_query_may_name_what_is_gone():
    query = asking(all_capabilities=("barrista_mode",))
    index = index_of(REGISTERED)
    assert index.discover(query, stored=True).matched_count == 0
    with pytest.raises(InvalidArgumentError):
        index.discover(query)
