"""What every store promises about revisions, history, and replies."""

from dataclasses import replace

import pytest

from airegistry.errors import UnavailableError
from registry.store.records import Basis, Change, Expected, SavedReply, StaleError, Write
from tests.contract.stores import commit, draft, hold, lease, put, remove


async def test_a_fresh_store_is_at_revision_zero(store):
    contents = await store.load()
    assert (contents.revision, contents.compacted, contents.entries, contents.history) == (0, 0, (), ())
    assert await store.newest() == 0


async def test_what_was_committed_is_there_after_reopening(open_store):
    async with open_store() as store:
        assert await commit(store, put()) == (1,)
    async with open_store() as store:
        contents = await store.load()
        assert await store.newest() == contents.revision == 1
    assert [entry.resource for entry in contents.entries] == [replace(draft().resource, revision=1)]


async def test_each_write_with_changes_takes_the_next_revision(store):
    assert await commit(store, put("models/a"), put("models/b")) == (1, 2)
    assert await commit(store, put("models/c")) == (3,)
    assert await store.newest() == 3


async def test_a_write_without_changes_takes_no_revision(store):
    assert await commit(store, put("models/a"), hold(lease("models/c")), put("models/b")) == (1, 1, 2)
    assert await commit(store, hold(lease("models/c"))) == (2,)


async def test_a_commit_tells_the_time_that_the_history_shows(store, clock):
    clock.time += 7
    committed = await store.commit([put()], Expected({"models/a": 0}))
    (revision,) = (await store.load()).history
    assert committed.time == revision.time == clock.time


async def test_all_changes_of_one_write_share_its_revision_in_their_order(store):
    await commit(store, Write((Change(None, draft("models/b")), Change(None, draft("models/a")))))
    (revision,) = (await store.load()).history
    assert [(event.revision, event.name) for event in revision.events] == [(1, "models/b"), (1, "models/a")]


async def test_the_history_tells_old_and_new(store):
    first, second = draft(text="one"), draft(text="two")
    await commit(store, Write((Change(None, first),)))
    await commit(store, Write((Change(first.at(1), second),)))
    await commit(store, remove(second.at(2)))
    contents = await store.load()
    told = [
        (event.old and event.old.resource.model.description, event.new and event.new.resource.model.description)
        for revision in contents.history
        for event in revision.events
    ]
    assert told == [(None, "one"), ("one", "two"), ("two", None)]
    assert contents.entries == ()


async def test_a_commit_that_fails_leaves_no_trace_and_no_hole(store):
    await commit(store, put("models/a"))
    reply = SavedReply("r-1", "f", 0, b"")
    with pytest.raises((UnavailableError, StaleError)):
        # The last of them breaks a rule of the database: the same request twice.
        await commit(store, put("models/b"), hold(lease()), put("models/c", reply=reply), Write(reply=reply))
    assert [entry.name for entry in (await store.load()).entries] == ["models/a"]
    assert (await store.basis(["models/a"], ["r-1"])) == Basis(1)
    assert await commit(store, put("models/d")) == (2,)


async def test_a_saved_reply_is_found_with_the_revision_of_its_write(store):
    await commit(store, put("models/z"), put(reply=SavedReply("r-1", "print", 0, b"reply")))
    assert (await store.basis((), ["r-1", "r-2"])).replies == {"r-1": SavedReply("r-1", "print", 2, b"reply")}


async def test_the_reply_to_what_changed_nothing_has_the_revision_before_it(store):
    await commit(store, put())
    await commit(store, Write(reply=SavedReply("r-1", "print", 0, b"reply")))
    assert (await store.basis((), ["r-1"])).replies["r-1"].revision == 1


async def test_old_replies_are_forgotten_a_few_at_a_time(store, clock):
    start = clock.time
    for i in range(3):
        await commit(store, Write(reply=SavedReply(f"r-{i}", "", 0, b"")))
        clock.time += 100
    assert await store.forget_replies(older_than=start + 150, limit=1) == 1
    assert await store.forget_replies(older_than=start + 150, limit=10) == 1
    assert list((await store.basis((), ["r-0", "r-1", "r-2"])).replies) == ["r-2"]


async def test_compaction_drops_history_and_remembers_how_far(open_store):
    async with open_store() as store:
        for i in range(4):
            await commit(store, put(f"models/m{i}"))
        await store.compact(through=3)
        await store.compact(through=2)
    async with open_store() as store:
        contents = await store.load()
    assert (contents.compacted, [revision.number for revision in contents.history]) == (3, [4])
    assert len(contents.entries) == 4


async def test_what_a_resource_was_is_known_when_its_older_history_is_gone(store):
    first, second = draft(text="one"), draft(text="two")
    await commit(store, Write((Change(None, first),)))
    await commit(store, put("models/b"))
    await commit(store, Write((Change(first.at(1), second),)))
    await store.compact(through=2)
    (revision,) = (await store.load()).history
    assert [(event.old.revision, event.old.resource.model.description) for event in revision.events] == [(1, "one")]


async def test_a_store_keeps_its_cluster_id(open_store):
    async with open_store() as store:
        first = store.cluster_id
    async with open_store() as store:
        assert store.cluster_id == first != ""


async def test_a_store_is_one_of_its_replicas(store):
    await store.due(away=3)
    assert list(store.replicas) == [store.replica_id]
