"""Watch on a real server; the promises are those of `docs/guarantees.md`."""

import asyncio
import time
from itertools import pairwise

import pytest
from grpc import StatusCode, aio

from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1.agent_pb2 import Agent, AgentSkill
from airegistry.v1.model_pb2 import Capability, Model
from airegistry.v1.resource_pb2 import RESOURCE_KIND_AGENT, RESOURCE_KIND_MODEL, Resource
from registry import feed
from registry.rpc import batches
from tests.calls import EOF, refusal

SNAPSHOT = pb.WATCH_RESPONSE_KIND_SNAPSHOT
SNAPSHOT_END = pb.WATCH_RESPONSE_KIND_SNAPSHOT_END
CHANGES = pb.WATCH_RESPONSE_KIND_CHANGES
BOOKMARK = pb.WATCH_RESPONSE_KIND_BOOKMARK
ADDED, UPDATED, REMOVED = (
    pb.WATCH_EVENT_TYPE_ADDED,
    pb.WATCH_EVENT_TYPE_UPDATED,
    pb.WATCH_EVENT_TYPE_REMOVED,
)


def model(name, *capabilities, **labels):
    known = {capability: Capability(supported=True) for capability in capabilities}
    return Resource(name=f"models/{name}", labels=labels, model=Model(capabilities=known))


def agent(name, *tags):
    return Resource(name=f"agents/{name}", agent=Agent(skills=[AgentSkill(id="s", name="S", tags=tags)]))


async def register(r, *resources):
    return (await r.stub.Register(pb.RegisterRequest(resources=resources))).revision


async def read(watch):
    async with asyncio.timeout(20):
        return await watch.read()


def told(*messages):
    return [
        (event.type, event.resource.name.split("/")[-1], event.revision)
        for message in messages
        for event in message.events
    ]


async def past_snapshot(watch):
    while (message := await read(watch)).kind != SNAPSHOT_END:
        assert message.kind == SNAPSHOT
    return message


async def test_a_stream_is_a_snapshot_its_end_and_then_changes(running):
    async with running() as r:
        await register(r, model("a"), model("b"))
        watch = r.stub.Watch(pb.WatchRequest())
        snapshot, end = await read(watch), await read(watch)
        assert (snapshot.kind, told(snapshot)) == (SNAPSHOT, [(ADDED, "a", 1), (ADDED, "b", 1)])
        assert not snapshot.resume_token
        assert (end.kind, end.revision) == (SNAPSHOT_END, 1)
        assert end.resume_token
        await register(r, model("a", team="x"))
        changes = [await read(watch)]
        await r.stub.Deregister(pb.DeregisterRequest(name="models/b"))
        changes.append(await read(watch))
        assert told(*changes) == [(UPDATED, "a", 2), (REMOVED, "b", 3)]
        assert [message.revision for message in changes] == [2, 3]
        assert changes[0].events[0].resource.labels["team"] == "x"
        assert changes[1].events[0].resource.uid


async def test_a_revision_comes_whole_in_one_message(running):
    async with running() as r:
        watch = r.stub.Watch(pb.WatchRequest())
        await past_snapshot(watch)
        await register(r, *(model(f"m{i}") for i in range(200)))
        message = await read(watch)
        assert len(message.events) == 200
        assert {event.revision for event in message.events} == {1}
        assert not message.fragment


async def test_a_revision_that_is_too_large_is_fragmented_and_tells_its_position_last(running, monkeypatch):
    monkeypatch.setattr(batches, "FRAGMENT_BYTES", 10_000)
    monkeypatch.setattr(batches, "MESSAGE_BYTES", 4_000)
    async with running() as r:
        watch = r.stub.Watch(pb.WatchRequest())
        await past_snapshot(watch)
        await register(r, *(model(f"m{i}") for i in range(200)))
        messages = [await read(watch)]
        while messages[-1].fragment:
            messages.append(await read(watch))
        assert len(messages) > 3
        assert all(message.fragment and not message.resume_token for message in messages[:-1])
        assert messages[-1].resume_token
        names = [name for _, name, _ in told(*messages)]
        assert len(names) == len(set(names)) == 200


async def test_a_cut_stream_resumes_without_loss_or_repeat(running):
    async with running() as r:
        watch = r.stub.Watch(pb.WatchRequest())
        token = (await past_snapshot(watch)).resume_token
        seen = []
        for i in range(30):
            await register(r, model(f"m{i}"))
            if i % 7 == 3:
                message = await read(watch)
                seen += told(message)
                token = message.resume_token
                watch.cancel()
                watch = r.stub.Watch(pb.WatchRequest(resume_token=token))
        while len(seen) < 30:
            seen += told(await read(watch))
        assert seen == [(ADDED, f"m{i}", i + 1) for i in range(30)]


async def test_a_stream_resumes_after_a_restart(running):
    async with running() as r:
        watch = r.stub.Watch(pb.WatchRequest())
        token = (await past_snapshot(watch)).resume_token
        await register(r, model("missed"))
    async with running() as r:
        watch = r.stub.Watch(pb.WatchRequest(resume_token=token))
        assert told(await read(watch)) == [(ADDED, "missed", 1)]


async def test_a_token_of_another_store_is_refused(running, tmp_path):
    async with running(data_dir=tmp_path / "other") as other:
        token = (await past_snapshot(other.stub.Watch(pb.WatchRequest()))).resume_token
    async with running() as r:
        with pytest.raises(aio.AioRpcError) as caught:
            await r.stub.Watch(pb.WatchRequest(resume_token=token)).read()
        assert refusal(caught.value).code is StatusCode.FAILED_PRECONDITION
        assert refusal(caught.value).reason == "FOREIGN_RESUME_TOKEN"


async def test_a_position_that_was_compacted_away_is_refused(running):
    async with running() as r:
        for i in range(3):
            await register(r, model(f"m{i}"))
        r.registry.catalog.feed.forget(2)
        with pytest.raises(aio.AioRpcError) as caught:
            await r.stub.Watch(pb.WatchRequest(after_revision=1)).read()
        found = refusal(caught.value)
        assert (found.code, found.reason) == (StatusCode.OUT_OF_RANGE, "REVISION_COMPACTED")
        assert found.metadata == {"compact_revision": "2", "current_revision": "3"}
        assert told(await read(r.stub.Watch(pb.WatchRequest(after_revision=2)))) == [(ADDED, "m2", 3)]


FILTERS = [
    pytest.param(pb.WatchFilter(labels={"team": "x"}), model("m"), model("m", team="x"), id="labels"),
    pytest.param(pb.WatchFilter(capabilities=["tools"]), model("m"), model("m", "tools"), id="capabilities"),
    pytest.param(pb.WatchFilter(capabilities=["law"]), agent("m"), agent("m", "law"), id="skill-tags"),
]


@pytest.mark.parametrize(("wanted", "outside", "inside"), FILTERS)
async def test_what_enters_the_filter_is_added_and_what_leaves_it_is_removed(running, wanted, outside, inside):
    async with running() as r:
        watch = r.stub.Watch(pb.WatchRequest(filter=wanted))
        await past_snapshot(watch)
        changed = Resource()
        changed.CopyFrom(inside)
        changed.labels["more"] = "yes"
        for resource in (outside, inside, changed, outside, inside):
            await register(r, resource)
        await r.stub.Deregister(pb.DeregisterRequest(name=inside.name))
        seen: list[tuple[int, str, int]] = []
        while len(seen) < 5:
            seen += told(await read(watch))
        assert seen == [(ADDED, "m", 2), (UPDATED, "m", 3), (REMOVED, "m", 4), (ADDED, "m", 5), (REMOVED, "m", 6)]


async def test_kinds_and_name_prefixes_select_in_snapshots_and_changes(running):
    async with running() as r:
        await register(r, model("one"), model("two"), agent("one"))
        kinds = r.stub.Watch(pb.WatchRequest(filter=pb.WatchFilter(kinds=[RESOURCE_KIND_AGENT])))
        both = pb.WatchFilter(kinds=[RESOURCE_KIND_MODEL], name_prefix="models/t")
        prefix = r.stub.Watch(pb.WatchRequest(filter=both))
        assert told(await read(kinds)) == [(ADDED, "one", 1)]
        assert told(await read(prefix)) == [(ADDED, "two", 1)]
        await past_snapshot(kinds)
        await past_snapshot(prefix)
        await register(r, model("three"), agent("two"), model("other"))
        assert told(await read(kinds)) == [(ADDED, "two", 2)]
        assert told(await read(prefix)) == [(ADDED, "three", 2)]


async def test_bookmarks_advance_when_the_filter_matches_nothing(running):
    async with running() as r:
        request = pb.WatchRequest(filter=pb.WatchFilter(name_prefix="routes/"))
        request.bookmark_interval.seconds = 1
        watch = r.stub.Watch(request)
        await past_snapshot(watch)
        await register(r, model("a"))
        # A second may have passed before the change, too.
        while (bookmark := await read(watch)).revision < 1:
            assert bookmark.kind == BOOKMARK
        assert (bookmark.kind, bookmark.revision, list(bookmark.events)) == (BOOKMARK, 1, [])
        resumed = r.stub.Watch(pb.WatchRequest(resume_token=bookmark.resume_token))
        await register(r, model("b"))
        assert told(await read(resumed)) == [(ADDED, "b", 2)]


async def test_a_snapshot_can_be_skipped(running):
    async with running() as r:
        await register(r, model("a"))
        watch = r.stub.Watch(pb.WatchRequest(skip_snapshot=True))
        end = await read(watch)
        assert (end.kind, end.revision) == (SNAPSHOT_END, 1)
        await register(r, model("b"))
        assert told(await read(watch)) == [(ADDED, "b", 2)]


async def test_a_snapshot_is_sent_in_several_messages_when_it_is_large(running, monkeypatch):
    monkeypatch.setattr(batches, "MESSAGE_BYTES", 4_000)
    async with running() as r:
        await register(r, *(model(f"m{i}") for i in range(200)))
        watch = r.stub.Watch(pb.WatchRequest())
        messages = [await read(watch)]
        while messages[-1].kind == SNAPSHOT:
            messages.append(await read(watch))
        assert len(messages) > 5
        assert len(told(*messages)) == 200
        assert not any(message.resume_token for message in messages[:-1])


async def test_a_stream_ends_itself_with_a_bookmark_at_its_age(running):
    async with running(registry_max_watch_age=0.3) as r:
        await register(r, model("a"))
        watch = r.stub.Watch(pb.WatchRequest())
        messages = [message async for message in watch]
        assert (messages[-1].kind, messages[-1].revision) == (BOOKMARK, 1)
        assert messages[-1].resume_token
        assert await watch.code() is StatusCode.OK


async def test_shutdown_ends_open_watches_with_a_bookmark_and_does_not_wait(running):
    async with running(registry_drain=30) as r:
        # A channel of its own: it outlives the server.
        channel = aio.insecure_channel(r.registry.address)
        watches = [type(r.stub)(channel).Watch(pb.WatchRequest()) for _ in range(20)]
        for watch in watches:
            await past_snapshot(watch)
        revision = await register(r, model("a"))
        ends = [asyncio.create_task(drained(watch)) for watch in watches]
        started = time.monotonic()
    assert time.monotonic() - started < 15
    for messages, code in await asyncio.gather(*ends):
        assert code is StatusCode.OK
        assert (messages[-1].kind, messages[-1].revision) == (BOOKMARK, revision)
    await channel.close(None)


async def drained(watch):
    messages = []
    while (message := await read(watch)) is not EOF:
        messages.append(message)
    return messages, await watch.code()


async def test_many_watchers_see_every_change_once_and_in_order(running):
    async with running() as r:
        watches = [r.stub.Watch(pb.WatchRequest()) for _ in range(50)]
        for watch in watches:
            await past_snapshot(watch)
        for i in range(40):
            await register(r, model(f"m{i % 5}", turn=str(i)))
        for watch in watches:
            revisions: list[int] = []
            while not revisions or revisions[-1] < 40:
                revisions += [event.revision for event in (await read(watch)).events]
            assert all(after == before + 1 for before, after in pairwise(revisions))
            assert revisions[0] == 1


async def test_a_watcher_that_does_not_read_holds_nobody_up(running):
    async with running() as r:
        stuck = r.stub.Watch(pb.WatchRequest())
        await past_snapshot(stuck)
        watch = r.stub.Watch(pb.WatchRequest())
        await past_snapshot(watch)
        for i in range(30):
            await register(
                r, *(Resource(name=f"models/m{j}", model=Model(description=f"{i}" * 4000)) for j in range(100))
            )
            assert len((await read(watch)).events) == 100
        stuck.cancel()


async def test_a_stream_that_is_far_behind_catches_up_without_another_change(running, monkeypatch):
    monkeypatch.setattr(feed, "MAX_STEP_REVISIONS", 2)
    async with running() as r:
        for number in range(7):
            await register(r, model(f"m{number}"))
        watch = r.stub.Watch(pb.WatchRequest(after_revision=0))
        revisions: list[int] = []
        while len(revisions) < 7:
            revisions += [event.revision for event in (await read(watch)).events]
    assert revisions == [1, 2, 3, 4, 5, 6, 7]


async def test_watches_beyond_the_limit_are_refused_until_one_ends(running):
    async with running(registry_max_watches=1) as r:
        first = r.stub.Watch(pb.WatchRequest())
        await past_snapshot(first)
        with pytest.raises(aio.AioRpcError) as caught:
            await read(r.stub.Watch(pb.WatchRequest()))
        found = refusal(caught.value)
        assert (found.code, found.reason) == (StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
        first.cancel()
        async with asyncio.timeout(20):
            while not await opens(r):  # noqa: ASYNC110 - the server tells nobody that a stream ended
                await asyncio.sleep(0.01)


async def opens(r):
    try:
        await past_snapshot(r.stub.Watch(pb.WatchRequest()))
    except aio.AioRpcError:
        return False
    return True
