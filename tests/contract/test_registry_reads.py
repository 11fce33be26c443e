"""What RegistryService promises of Get, List and Discover, whoever serves it."""

import asyncio
from dataclasses import replace

import pytest

from airegistry.client import RegistryClient
from airegistry.client.messages import ConsistencyLevel, DiscoverRequest, ReadConsistency
from airegistry.errors import DeadlineExceededError, InvalidArgumentError, InvalidPageTokenError, NotFoundError
from airegistry.resources.agent import Agent
from airegistry.resources.requirements import DiscoverQuery, Requirements
from tests.contract.services import AGENT, MODEL, an_endpoint


async def test_list_pages_show_one_revision_in_the_order_of_names(client):
    await client.register([replace(MODEL, name=f"models/m{i}") for i in range(5)])
    first = await client.list_page("models", page_size=2)
    await client.register([replace(MODEL, name="models/m2", labels={"new": "1"}), replace(MODEL, name="models/m0a")])
    await client.deregister("models/m4")
    second = await client.list_page("models", page_size=2, page_token=first.next_page_token)
    third = await client.list_page("models", page_size=2, page_token=second.next_page_token)
    pages = (first, second, third)
    assert [r.name for page in pages for r in page.resources] == [f"models/m{i}" for i in range(5)]
    assert [(page.revision, page.total_size) for page in pages] == [(1, 5)] * 3
    assert third.next_page_token == ""
    assert second.resources[0].labels == {}


async def test_list_selects_by_collection_and_labels(client):
    other = replace(MODEL, name="models/b", labels={"team": "x"})
    await client.register([MODEL, other, an_endpoint(), an_endpoint(model="b"), AGENT])
    found = {
        "endpoints-of-all": [r.name async for r in client.list("models/-/endpoints")],
        "endpoints-of-one": [r.name async for r in client.list("models/a/endpoints")],
        "agents": [r.name async for r in client.list("agents")],
        "labelled": [r.name async for r in client.list("models", labels={"team": "x"})],
        "page-by-page": [r.name async for r in client.list("models", page_size=1)],
    }
    assert found == {
        "endpoints-of-all": ["models/a/endpoints/one", "models/b/endpoints/one"],
        "endpoints-of-one": ["models/a/endpoints/one"],
        "agents": ["agents/writer"],
        "labelled": ["models/b"],
        "page-by-page": ["models/a", "models/b"],
    }


async def test_the_models_of_an_agent_are_those_it_names_that_are_registered(client):
    models = [replace(MODEL, name=f"models/{id_}", labels={"team": id_}) for id_ in "cab"]
    worker = replace(AGENT, agent=Agent(models=("models/c", "models/gone", "models/a")))
    await client.register([*models, worker, replace(AGENT, name="agents/idle")])
    found = {
        "all": [r.name async for r in client.list("agents/writer/models")],
        "page-by-page": [r.name async for r in client.list("agents/writer/models", page_size=1)],
        "labelled": [r.name async for r in client.list("agents/writer/models", labels={"team": "c"})],
        "filtered": [r.name async for r in client.list("agents/writer/models", filter='labels.team == "a"')],
        "of-one-that-names-none": [r.name async for r in client.list("agents/idle/models")],
    }
    assert found == {
        "all": ["models/a", "models/c"],
        "page-by-page": ["models/a", "models/c"],
        "labelled": ["models/c"],
        "filtered": ["models/a"],
        "of-one-that-names-none": [],
    }
    with pytest.raises(NotFoundError, match="agents/nobody does not exist"):
        await client.list_page("agents/nobody/models")


async def test_the_pages_of_an_agents_models_show_one_revision(client):
    worker = replace(AGENT, agent=Agent(models=("models/a", "models/b")))
    await client.register([MODEL, replace(MODEL, name="models/b"), worker])
    first = await client.list_page("agents/writer/models", page_size=1)
    await client.deregister("models/b")
    await client.deregister("agents/writer")
    second = await client.list_page("agents/writer/models", page_size=1, page_token=first.next_page_token)
    assert [r.name for page in (first, second) for r in page.resources] == ["models/a", "models/b"]
    assert (second.revision, second.total_size) == (1, 2)


async def test_a_wrong_list_is_refused(client):
    with pytest.raises(InvalidArgumentError):
        await client.list_page("things")
    with pytest.raises(InvalidArgumentError):
        await client.list_page("models", page_size=-1)
    with pytest.raises(InvalidPageTokenError):
        await client.list_page("models", page_token="nonsense")
    with pytest.raises(InvalidArgumentError, match=r"filter: line 1, column 6: Model has no field 'famly'; .*'family'"):
        await client.list_page("models", filter='model.famly == "gpt"')


async def test_a_read_can_wait_for_a_revision(client, address):
    def at_least(revision):
        return ReadConsistency(ConsistencyLevel.NOT_OLDER_THAN, revision)

    await client.register([MODEL])
    reading = asyncio.create_task(client.get("models/a", consistency=at_least(2)))
    await client.register([AGENT])
    assert (await reading).name == "models/a"
    async with RegistryClient(address, timeout=0.2) as hasty:
        with pytest.raises(DeadlineExceededError):
            await hasty.get("models/a", consistency=at_least(99))


async def test_discover_ranks_what_fits_and_counts_what_does_not(client):
    await client.register([MODEL, an_endpoint("one"), an_endpoint("two", credential="")])
    found = await client.discover(DiscoverQuery(requirements=Requirements(task="text-generation")), name_excluded=True)
    (best,) = found.candidates
    assert (best.resource.name, best.model.name, found.matched_count) == ("models/a/endpoints/one", "models/a", 1)
    assert [exclusion.names for exclusion in found.exclusions] == [("models/a/endpoints/two",)]
    assert best.score.total == pytest.approx(sum(part.contribution for part in best.score.parts))
    assert found.revision == 1


async def test_batch_discover_answers_in_order_from_one_revision(client):
    await client.register([MODEL, an_endpoint()])
    none = DiscoverRequest(DiscoverQuery(requirements=Requirements(task="text-to-image")))
    response = await client.batch_discover([none, DiscoverRequest()])
    assert [answer.matched_count for answer in response.responses] == [0, 1]
    assert {answer.revision for answer in response.responses} == {response.revision} == {1}
