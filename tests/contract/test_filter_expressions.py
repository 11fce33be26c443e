"""Filter expressions in List, Watch, Discover and routes: what every implementation of the service promises."""

from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from airegistry.client.messages import DiscoverRequest, WatchEventType, WatchFilter, WatchRequest
from airegistry.discovery.answers import ExclusionReason
from airegistry.errors import InvalidArgumentError, InvalidPageTokenError
from airegistry.resources.agent import Agent
from airegistry.resources.endpoint import Communication, Endpoint
from airegistry.resources.model import Model, ModelLimits
from airegistry.resources.requirements import DiscoverQuery, DiscoverTarget, Requirements
from airegistry.resources.resource import Resource
from airegistry.resources.route import Route, RouteTarget, RouteTier
from tests.contract.services import read, shown, snapshot

ADDED, UPDATED, REMOVED = WatchEventType.ADDED, WatchEventType.UPDATED, WatchEventType.REMOVED


def model(id_, **fields):
    return Resource(name=f"models/{id_}", model=Model(**fields))


def endpoint(id_, of="a", **fields):
    known: dict[str, Any] = {
        "provider": "acme",
        "address": "https://a.example",
        "upstream_model": "a",
        "communication": Communication(dialect="x"),
        "credential": "key",
    }
    return Resource(name=f"models/{of}/endpoints/{id_}", endpoint=Endpoint(**known | fields))


def wanted(text, **fields):
    return DiscoverQuery(requirements=Requirements(filter=text, **fields))


async def test_list_shows_what_satisfies_page_by_page(client):
    await client.register([model(f"m{i}", family="even" if i % 2 == 0 else "odd") for i in range(10)])
    text = 'model.family == "even"'
    first = await client.list_page("models", filter=text, page_size=2)
    # What changes meanwhile is of another revision.
    await client.register([model("m4", family="odd"), model("m5", family="even")])
    second = await client.list_page("models", filter=text, page_size=3, page_token=first.next_page_token)
    assert [r.name for page in (first, second) for r in page.resources] == [f"models/m{i}" for i in (0, 2, 4, 6, 8)]
    assert (first.total_size, second.next_page_token) == (5, "")
    assert [r.name async for r in client.list("models", filter=text)] == [f"models/m{i}" for i in (0, 2, 5, 6, 8)]


async def test_a_page_of_one_expression_does_not_go_on_with_another(client):
    await client.register([model(f"m{i}") for i in range(3)])
    page = await client.list_page("models", filter='resource.name != "x"', page_size=1)
    with pytest.raises(InvalidPageTokenError):
        await client.list_page("models", filter='resource.name != "y"', page_size=1, page_token=page.next_page_token)


async def test_what_is_unknown_is_not_listed(client):
    await client.register([model("a"), model("b", limits=ModelLimits(context_tokens=5))])
    assert [r.name async for r in client.list("models", filter="model.limits.context_tokens < 9")] == ["models/b"]
    assert [r.name async for r in client.list("models", filter="!has(model.limits)")] == ["models/a"]


async def test_what_leaves_an_expression_is_removed_and_what_enters_is_added(client):
    await client.register([model("a")])
    request = WatchRequest(WatchFilter(filter='model.version > "1"'), after_revision=1)
    async with aclosing(client.watch_once(request)) as stream:
        for version in ("2", "3", "1", "", "4"):
            await client.register([model("a", version=version)])
        await client.deregister("models/a")
        events: list[tuple[object, ...]] = []
        while len(events) < 5:
            events += shown((await read(stream, 1))[0])
    assert events == [
        (ADDED, "models/a", 2),
        (UPDATED, "models/a", 3),
        (REMOVED, "models/a", 4),
        (ADDED, "models/a", 6),
        (REMOVED, "models/a", 7),
    ]


async def test_watchers_of_different_expressions_are_told_different_things(client):
    await client.register([model("a", family="x"), model("b", family="y")])
    requests = [WatchRequest(WatchFilter(filter=f'model.family == "{family}"')) for family in ("x", "y")]
    async with aclosing(client.watch_once(requests[0])) as one, aclosing(client.watch_once(requests[1])) as other:
        found = [sorted((await snapshot(stream))[0]) for stream in (one, other)]
    assert found == [["models/a"], ["models/b"]]


async def test_a_snapshot_holds_what_satisfies(client):
    await client.register([model("a", family="x"), model("b"), endpoint("e", region="eu"), endpoint("f")])
    text = 'model.family == "x" || endpoint.region == "eu"'
    async with aclosing(client.watch_once(WatchRequest(WatchFilter(filter=text)))) as stream:
        found, _ = await snapshot(stream)
    assert sorted(found) == ["models/a", "models/a/endpoints/e"]


async def test_discover_sees_an_endpoint_with_its_model_and_its_labels(client):
    await client.register(
        [
            replace(model("a", family="x", version="2"), labels={"tier": "gold"}),
            model("b", family="y"),
            endpoint("e", region="eu"),
            endpoint("f", region="us"),
            endpoint("g", of="b", region="eu"),
        ]
    )
    text = 'model.family == "x" && endpoint.region.startsWith("e") && labels.tier == "gold"'
    found = await client.discover(wanted(text), name_excluded=True)
    assert [each.resource.name for each in found.candidates] == ["models/a/endpoints/e"]
    assert [(each.reason, each.count) for each in found.exclusions] == [(ExclusionReason.FILTER, 2)]
    assert found.exclusions[0].names == ("models/a/endpoints/f", "models/b/endpoints/g")


async def test_discover_follows_every_change(client):
    await client.register([model("a", family="x"), endpoint("e")])
    assert (await client.discover(wanted('model.family == "x"'))).matched_count == 1
    await client.register([model("a", family="y")])
    assert (await client.discover(wanted('model.family == "x"'))).matched_count == 0
    await client.register([model("a", family="x"), endpoint("f")])
    assert (await client.discover(wanted('model.family == "x"'))).matched_count == 2


async def test_agents_are_filtered_too(client):
    await client.register(
        [Resource(name=f"agents/a{i}", agent=Agent(version=str(i), credential="key")) for i in range(3)]
    )
    query = replace(wanted('agent.version != "1"', credential=2), target=DiscoverTarget.AGENT)
    found = await client.discover(query)
    assert [each.resource.name for each in found.candidates] == ["agents/a0", "agents/a2"]


async def test_a_mistake_names_the_field_and_the_place(client):
    text = "endpoint.regoin == 1"
    with pytest.raises(InvalidArgumentError) as caught:
        await client.discover(wanted(text))
    (violation,) = caught.value.violations
    assert violation.field == "query.requirements.filter"
    assert violation.description == "line 1, column 9: Endpoint has no field 'regoin'; did you mean 'region'?"
    with pytest.raises(InvalidArgumentError, match=r"requests\[1\]\.query\.requirements\.filter: line 1, column 9"):
        await client.batch_discover([DiscoverRequest(), DiscoverRequest(wanted(text))])
    with pytest.raises(InvalidArgumentError, match=r"filter\.filter: line 1, column 9"):
        await anext(client.watch_once(WatchRequest(WatchFilter(filter=text))))


async def test_a_route_with_a_mistake_in_its_query_is_not_registered(client):
    tiers = (RouteTier((RouteTarget(query=wanted("endpoint.weight > 1.5")),)),)
    with pytest.raises(InvalidArgumentError) as caught:
        await client.register([Resource(name="routes/r", route=Route(tiers=tiers))])
    (violation,) = caught.value.violations
    assert violation.field == "resources[0].route.tiers[0].targets[0].query.requirements.filter"
