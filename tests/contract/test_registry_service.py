"""What RegistryService promises, whoever serves it: the real registry, and the fake for users' tests."""

import asyncio
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import pytest

from airegistry.client import RegistryClient
from airegistry.client.messages import (
    ConsistencyLevel,
    DiscoverRequest,
    LeaseRenewal,
    ReadConsistency,
    WatchEventType,
    WatchFilter,
    WatchRequest,
    WatchResponseKind,
)
from airegistry.errors import (
    AlreadyExistsError,
    DeadlineExceededError,
    EtagMismatchError,
    ForeignResumeTokenError,
    InvalidArgumentError,
    InvalidPageTokenError,
    NotFoundError,
    OwnedByAnotherError,
    RequestIdReusedError,
    RequestTooLargeError,
    RevisionInFutureError,
)
from airegistry.resources.agent import Agent, AgentSkill
from airegistry.resources.endpoint import Communication, Endpoint
from airegistry.resources.model import Capability, Model
from airegistry.resources.requirements import DiscoverQuery, Requirements
from airegistry.resources.resource import AgentState, Health, Liveness, Resource, ResourceKind
from airegistry.testing import FakeRegistry
from registry.app import serve
from registry.config import Config
from tests.planes import carrier

ADDED, UPDATED, REMOVED = WatchEventType.ADDED, WatchEventType.UPDATED, WatchEventType.REMOVED
OWNER, OTHER = "owner-1234", "other-5678"
MODEL = Resource(name="models/a", model=Model(tasks=("text-generation",)))
AGENT = Resource(name="agents/writer", agent=Agent(skills=(AgentSkill("write", "Write"),)))


def an_endpoint(id_="one", model="a", **fields):
    endpoint = Endpoint(
        provider="p",
        address="http://127.0.0.1:1",
        upstream_model="a",
        credential="KEY",
        communication=Communication(dialect="openai.chat"),
    )
    return Resource(name=f"models/{model}/endpoints/{id_}", endpoint=replace(endpoint, **fields))


@asynccontextmanager
async def real_registry(folder):
    config = Config(
        data_dir=folder, registry_address="127.0.0.1:0", registry_http_address="127.0.0.1:0", registry_drain=1.0
    )
    async with serve(config, carrier=carrier()) as registry:
        yield registry.address


@asynccontextmanager
async def fake_registry(_folder):
    async with FakeRegistry() as registry:
        yield registry.address


@pytest.fixture(params=[fake_registry, real_registry], ids=["fake", "real"])
async def address(request, tmp_path):
    async with request.param(tmp_path) as address:
        yield address


@pytest.fixture
async def client(address):
    async with RegistryClient(address, timeout=10) as client:
        yield client


async def read(stream, count):
    return [await asyncio.wait_for(anext(stream), 5) for _ in range(count)]


async def snapshot(stream):
    """Read to the end mark of the snapshot; return the names and the mark."""
    names = []
    while True:
        (response,) = await read(stream, 1)
        names += [event.resource.name for event in response.events]
        if response.kind is WatchResponseKind.SNAPSHOT_END:
            return names, response


def shown(response):
    return [(event.type, event.resource.name, event.revision) for event in response.events]


async def test_what_is_registered_is_returned_as_it_is_stored(client):
    response = await client.register([MODEL, an_endpoint()])
    assert (response.revision, response.created_count) == (1, 2)
    assert [resource.name for resource in response.resources] == ["models/a", "models/a/endpoints/one"]
    stored = await client.get("models/a")
    assert stored == response.resources[0]
    assert (stored.model, stored.revision, stored.status) == (MODEL.model, 1, None)
    assert stored.uid
    assert stored.etag
    assert stored.create_time == stored.update_time is not None


async def test_one_request_makes_one_revision(client):
    await client.register([MODEL, an_endpoint("one"), an_endpoint("two")])
    assert {(await client.get(name)).revision for name in ("models/a", "models/a/endpoints/two")} == {1}


async def test_an_identical_registration_does_not_move_the_revision(client):
    first = await client.register([MODEL])
    again = await client.register([replace(MODEL, revision=99, uid="mine")])
    assert (again.revision, again.unchanged_count) == (1, 1)
    assert again.resources == first.resources


async def test_a_changed_registration_replaces_and_keeps_the_identity(client):
    first = (await client.register([MODEL])).resources[0]
    response = await client.register([replace(MODEL, labels={"team": "x"})])
    assert (response.revision, response.updated_count) == (2, 1)
    second = response.resources[0]
    assert (second.uid, second.create_time) == (first.uid, first.create_time)
    assert second.etag != first.etag


async def test_nothing_of_a_batch_is_applied_when_one_resource_is_wrong(client):
    with pytest.raises(InvalidArgumentError) as caught:
        await client.register([MODEL, an_endpoint(address="nowhere"), Resource(name="agents/b", model=Model())])
    assert [v.field for v in caught.value.violations] == ["resources[1].endpoint.address", "resources[2].name"]
    with pytest.raises(NotFoundError):
        await client.get("models/a")


@pytest.mark.parametrize(
    ("resources", "options", "error"),
    [
        pytest.param([], {}, InvalidArgumentError, id="nothing"),
        pytest.param([MODEL, MODEL], {}, InvalidArgumentError, id="a-name-twice"),
        pytest.param([an_endpoint()], {}, NotFoundError, id="no-parent"),
        pytest.param(
            [replace(MODEL, name=f"models/m{i}") for i in range(1001)], {}, RequestTooLargeError, id="too-many"
        ),
        pytest.param([MODEL], {"lease_ttl": 30.0}, InvalidArgumentError, id="lease-without-owner"),
        pytest.param([MODEL], {"lease_ttl": 0.5, "owner_id": OWNER}, InvalidArgumentError, id="short-lease"),
        pytest.param([MODEL], {"lease_ttl": 90_000.0, "owner_id": OWNER}, InvalidArgumentError, id="long-lease"),
        pytest.param([MODEL], {"lease_ttl": 30.0, "owner_id": "short"}, InvalidArgumentError, id="short-owner"),
        pytest.param([replace(MODEL, etag="no")], {}, EtagMismatchError, id="etag-of-what-does-not-exist"),
    ],
)
async def test_a_wrong_registration_is_refused(client, resources, options, error):
    with pytest.raises(error):
        await client.register(resources, **options)


async def test_too_many_resources_are_refused_with_the_limit_and_the_count(client):
    with pytest.raises(RequestTooLargeError) as caught:
        await client.register([replace(MODEL, name=f"models/m{i}") for i in range(1001)])
    assert caught.value.metadata == {"limit": "1000", "count": "1001"}


async def test_create_only_refuses_what_exists(client):
    await client.register([MODEL], create_only=True)
    with pytest.raises(AlreadyExistsError):
        await client.register([MODEL], create_only=True)


async def test_validate_only_changes_nothing(client):
    response = await client.register([MODEL], validate_only=True)
    assert (response.revision, response.created_count) == (0, 1)
    with pytest.raises(NotFoundError):
        await client.get("models/a")


async def test_a_repeated_request_id_gives_the_first_reply(client):
    first = await client.register([MODEL], request_id="r1")
    await client.deregister("models/a")
    assert await client.register([MODEL], request_id="r1") == first
    with pytest.raises(NotFoundError):
        await client.get("models/a")
    with pytest.raises(RequestIdReusedError):
        await client.register([AGENT], request_id="r1")


async def test_a_live_lease_of_another_owner_refuses_writes(client):
    await client.register([MODEL], lease_ttl=30.0, owner_id=OWNER)
    with pytest.raises(OwnedByAnotherError):
        await client.register([MODEL], lease_ttl=30.0, owner_id=OTHER)
    with pytest.raises(OwnedByAnotherError):
        await client.update(replace(MODEL, labels={"a": "b"}), mask=["labels"])
    with pytest.raises(OwnedByAnotherError):
        await client.deregister("models/a")
    taken = await client.register([MODEL], lease_ttl=30.0, owner_id=OTHER, take_over=True)
    assert taken.lease_ttl == 30.0
    await client.deregister("models/a", owner_id=OTHER)


async def test_a_leased_resource_shows_its_lease(client):
    await client.register([MODEL], lease_ttl=30.0, owner_id=OWNER)
    status = (await client.get("models/a")).status
    assert (status.liveness, status.lease_ttl) == (Liveness.LIVE, 30.0)


async def test_update_changes_the_named_fields_only(client):
    await client.register([MODEL, replace(an_endpoint(weight=5, communication=None), labels={"a": "1", "b": "2"})])
    spoken = Communication(dialect="openai.chat", path="/x")
    given = replace(an_endpoint(weight=7, communication=spoken, credential="OTHER"), labels={"c": "3"})
    updated = await client.update(given, mask=["endpoint.weight", "labels", "endpoint.communication.dialect"])
    assert (updated.endpoint.weight, updated.revision, updated.labels) == (7, 2, {"c": "3"})
    assert updated.endpoint.communication == Communication(dialect="openai.chat")
    assert updated.endpoint.credential == "KEY"
    assert await client.get(given.name) == updated


async def test_update_without_a_mask_replaces_spec_and_labels(client):
    await client.register([replace(MODEL, labels={"a": "1"})])
    updated = await client.update(Resource(name="models/a", model=Model(family="f")))
    assert (updated.model, updated.labels) == (Model(family="f"), {})


@pytest.mark.parametrize("mask", ["uid", "colour", "model.colour", "model.family.x"])
async def test_update_refuses_a_mask_that_names_no_writable_field(client, mask):
    await client.register([MODEL])
    with pytest.raises(InvalidArgumentError):
        await client.update(MODEL, mask=[mask])


async def test_update_refuses_another_etag_and_what_does_not_exist(client):
    with pytest.raises(NotFoundError):
        await client.update(MODEL)
    await client.register([MODEL])
    with pytest.raises(EtagMismatchError):
        await client.update(replace(MODEL, etag="other"), mask=["labels"])


async def test_a_model_takes_its_endpoints_with_it_in_one_revision(client):
    await client.register([MODEL, an_endpoint(), AGENT])
    response = await client.deregister("models/a")
    assert (response.revision, sorted(response.names)) == (2, ["models/a", "models/a/endpoints/one"])
    with pytest.raises(NotFoundError):
        await client.get("models/a/endpoints/one")
    assert (await client.get("agents/writer")).name == "agents/writer"


async def test_deregister_of_what_does_not_exist_is_an_error_unless_allowed(client):
    with pytest.raises(NotFoundError):
        await client.deregister("models/a")
    assert (await client.deregister("models/a", allow_missing=True)).names == ()


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


async def test_a_heartbeat_renews_each_lease_by_itself(client):
    await client.register([AGENT], lease_ttl=30.0, owner_id=OWNER)
    await client.register([MODEL], lease_ttl=30.0, owner_id=OTHER)
    names = ("agents/writer", "models/a", "models/gone")
    response = await client.heartbeat([LeaseRenewal(name) for name in names], owner_id=OWNER)
    assert [(r.lease_ttl, r.error and (r.error.code, r.error.reason)) for r in response.results] == [
        (30.0, None),
        (None, ("PERMISSION_DENIED", "OWNED_BY_ANOTHER")),
        (None, ("NOT_FOUND", "LEASE_EXPIRED")),
    ]
    assert response.revision == 2


async def test_only_a_report_that_changes_something_gets_a_revision(client):
    await client.register([AGENT], lease_ttl=30.0, owner_id=OWNER)
    busy = LeaseRenewal("agents/writer", Health.SERVING, AgentState.BUSY, 0.5)
    assert (await client.heartbeat([busy], owner_id=OWNER)).revision == 2
    assert (await client.heartbeat([replace(busy, load=0.9)], owner_id=OWNER)).revision == 2
    status = (await client.get("agents/writer")).status
    assert (status.health, status.agent_state) == (Health.SERVING, AgentState.BUSY)


async def test_watch_sends_a_snapshot_its_end_and_then_whole_revisions(client):
    await client.register([MODEL, AGENT])
    async with aclosing(client.watch_once(WatchRequest())) as stream:
        names, end = await snapshot(stream)
        assert (sorted(names), end.revision) == (["agents/writer", "models/a"], 1)
        await client.register([an_endpoint(), replace(MODEL, labels={"a": "b"})])
        await client.deregister("agents/writer")
        events: list[tuple[object, ...]] = []
        while len(events) < 3:
            events += shown((await read(stream, 1))[0])
    assert sorted(events[:2]) == [(ADDED, "models/a/endpoints/one", 2), (UPDATED, "models/a", 2)]
    assert events[2:] == [(REMOVED, "agents/writer", 3)]


@pytest.mark.parametrize("by", ["token", "revision"])
async def test_watch_resumes_with_exactly_what_was_missed(client, by):
    await client.register([MODEL])
    async with aclosing(client.watch_once(WatchRequest())) as stream:
        _, end = await snapshot(stream)
    await client.register([AGENT])
    position = {"resume_token": end.resume_token} if by == "token" else {"after_revision": end.revision}
    async with aclosing(client.watch_once(WatchRequest(**position))) as stream:
        (response,) = await read(stream, 1)
    assert (response.kind, shown(response)) == (WatchResponseKind.CHANGES, [(ADDED, "agents/writer", 2)])
    assert (response.revision, response.fragment) == (2, False)


async def test_what_leaves_the_filter_is_removed_and_what_enters_is_added(client):
    await client.register([MODEL])
    wanted = WatchRequest(WatchFilter(labels={"team": "x"}), after_revision=1)
    async with aclosing(client.watch_once(wanted)) as stream:
        for labels in ({"team": "x"}, {"team": "x", "more": "1"}, {"team": "y"}):
            await client.register([replace(MODEL, labels=labels)])
        events: list[tuple[object, ...]] = []
        while len(events) < 3:
            events += shown((await read(stream, 1))[0])
    assert events == [(ADDED, "models/a", 2), (UPDATED, "models/a", 3), (REMOVED, "models/a", 4)]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        pytest.param(WatchFilter(kinds=(ResourceKind.AGENT,)), ["agents/writer"], id="kind"),
        pytest.param(WatchFilter(name_prefix="models/a/"), ["models/a/endpoints/one"], id="prefix"),
        pytest.param(
            WatchFilter(capabilities=("tools",)), ["models/a/endpoints/one", "models/b"], id="model-capability"
        ),
        pytest.param(WatchFilter(capabilities=("write",)), ["agents/writer", "models/a/endpoints/one"], id="skill"),
    ],
)
async def test_watch_selects_by_kind_prefix_and_capability(client, wanted, names):
    able = Resource(name="models/b", model=Model(capabilities={"tools": Capability(supported=True)}))
    await client.register([MODEL, able, an_endpoint(), AGENT])
    async with aclosing(client.watch_once(WatchRequest(wanted))) as stream:
        found, _ = await snapshot(stream)
    assert sorted(found) == names


async def test_a_bookmark_comes_when_nothing_matches(client):
    async with aclosing(
        client.watch_once(WatchRequest(WatchFilter(name_prefix="agents/"), bookmark_interval=1.0))
    ) as s:
        await snapshot(s)
        await client.register([MODEL])
        (bookmark,) = await read(s, 1)
    assert (bookmark.kind, bookmark.events, bookmark.revision) == (WatchResponseKind.BOOKMARK, (), 1)
    assert bookmark.resume_token


async def test_skip_snapshot_sends_only_the_end_mark(client):
    await client.register([MODEL])
    async with aclosing(client.watch_once(WatchRequest(skip_snapshot=True))) as stream:
        (response,) = await read(stream, 1)
    assert (response.kind, response.revision) == (WatchResponseKind.SNAPSHOT_END, 1)


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        pytest.param(WatchRequest(after_revision=99), RevisionInFutureError, id="future"),
        pytest.param(WatchRequest(resume_token="nonsense"), InvalidArgumentError, id="malformed-token"),
        pytest.param(WatchRequest(bookmark_interval=0.1), InvalidArgumentError, id="bookmark-interval"),
        pytest.param(WatchRequest(after_revision=0, skip_snapshot=True), InvalidArgumentError, id="skip-and-resume"),
        pytest.param(WatchRequest(WatchFilter(filter="resource.name ==")), InvalidArgumentError, id="filter"),
    ],
)
async def test_a_wrong_watch_is_refused(client, wanted, error):
    with pytest.raises(error):
        await anext(client.watch_once(wanted))


async def test_a_token_of_another_store_is_refused(client, tmp_path):
    for make in (real_registry, fake_registry):
        async with make(tmp_path / "other") as elsewhere, RegistryClient(elsewhere) as other:
            async with aclosing(other.watch_once(WatchRequest())) as stream:
                _, end = await snapshot(stream)
            with pytest.raises((ForeignResumeTokenError, InvalidArgumentError)):
                await anext(client.watch_once(WatchRequest(resume_token=end.resume_token)))
