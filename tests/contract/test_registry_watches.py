"""What RegistryService promises of Watch, whoever serves it."""

from contextlib import aclosing
from dataclasses import replace

import pytest

from airegistry.client import RegistryClient
from airegistry.client.messages import WatchEventType, WatchFilter, WatchRequest, WatchResponseKind
from airegistry.errors import ForeignResumeTokenError, InvalidArgumentError, RevisionInFutureError
from airegistry.resources.model import Capability, Model
from airegistry.resources.resource import Resource, ResourceKind
from tests.contract.services import AGENT, MODEL, an_endpoint, fake_registry, read, real_registry, shown, snapshot

ADDED, UPDATED, REMOVED = WatchEventType.ADDED, WatchEventType.UPDATED, WatchEventType.REMOVED


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
        while bookmark.revision == 0:
            # One came before the registration did.
            assert (bookmark.kind, bookmark.events) == (WatchResponseKind.BOOKMARK, ())
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
