"""What every store promises. A new store is one more line in `STORES`."""

import sqlite3
from contextlib import asynccontextmanager, closing
from dataclasses import replace

import pytest

from airegistry.errors import FailedPreconditionError, UnavailableError
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource, ResourceKind
from registry.entry import Draft, content_of
from registry.leases import Lease
from registry.store.records import Change, SavedReply, Write
from registry.store.sqlite import SqliteStore
from registry.store.sqlite.schema import HEAD, MIGRATIONS, migrate

STORES = {"sqlite": SqliteStore}


@pytest.fixture(params=list(STORES.values()), ids=list(STORES))
def open_store(request, tmp_path):
    @asynccontextmanager
    async def open_one(now=None):
        store = request.param(tmp_path / "data", now=now)
        try:
            yield store
        finally:
            await store.close()

    return open_one


def draft(name="models/a", text="one"):
    resource = Resource(name=name, uid="u", etag="e", model=Model(description=text))
    return Draft(resource, ResourceKind.MODEL, content_of(resource))


def put(name="models/a", text="one", old=None):
    return Write((Change(old, draft(name, text)),))


def lease(name="models/a", **changes):
    return replace(Lease(name, "owner-me", ttl=30.0, renewed_at=1000.0), **changes)


async def test_a_fresh_store_is_at_revision_zero(open_store):
    async with open_store() as store:
        contents = await store.load()
    assert (contents.revision, contents.compacted, contents.entries, contents.history) == (0, 0, (), ())


async def test_what_was_committed_is_there_after_reopening(open_store):
    async with open_store() as store:
        assert await store.commit([put()]) == [1]
    async with open_store() as store:
        contents = await store.load()
    assert contents.revision == 1
    assert [entry.resource for entry in contents.entries] == [replace(draft().resource, revision=1)]


async def test_each_write_with_changes_takes_the_next_revision(open_store):
    async with open_store() as store:
        assert await store.commit([put("models/a"), put("models/b")]) == [1, 2]
        assert await store.commit([put("models/c")]) == [3]


async def test_a_write_without_changes_takes_no_revision(open_store):
    async with open_store() as store:
        assert await store.commit([put("models/a"), Write(leases=(lease(),)), put("models/b")]) == [1, 1, 2]


async def test_all_changes_of_one_write_share_its_revision_in_their_order(open_store):
    async with open_store() as store:
        await store.commit([Write((Change(None, draft("models/b")), Change(None, draft("models/a"))))])
        (revision,) = (await store.load()).history
    assert [(event.revision, event.name) for event in revision.events] == [(1, "models/b"), (1, "models/a")]


async def test_the_history_tells_old_and_new(open_store):
    async with open_store() as store:
        first, second = draft(text="one"), draft(text="two")
        await store.commit([Write((Change(None, first),))])
        await store.commit([Write((Change(first.at(1), second),))])
        await store.commit([Write((Change(second.at(2), None),))])
        contents = await store.load()
    told = [
        (event.old and event.old.resource.model.description, event.new and event.new.resource.model.description)
        for revision in contents.history
        for event in revision.events
    ]
    assert told == [(None, "one"), ("one", "two"), ("two", None)]
    assert contents.entries == ()


async def test_a_commit_that_fails_leaves_no_trace_and_no_hole(open_store):
    async with open_store() as store:
        await store.commit([put("models/a")])
        reply = SavedReply("r-1", "f", 0, b"")
        with pytest.raises(UnavailableError):
            # The last of them breaks a rule of the database: the same request twice.
            await store.commit([put("models/b"), replace(put("models/c"), reply=reply), Write(reply=reply)])
        assert [entry.name for entry in (await store.load()).entries] == ["models/a"]
        assert await store.commit([put("models/d")]) == [2]


async def test_leases_survive_with_their_expiry(open_store):
    async with open_store() as store:
        await store.commit([Write(leases=(lease("models/a"), lease("models/b", suspect=True), lease("models/c")))])
        await store.commit([Write(leases=(lease("models/a", renewed_at=2000.0),), ended_leases=("models/c",))])
    async with open_store() as store:
        found = {one.name: one for one in (await store.load()).leases}
    assert found == {
        "models/a": lease("models/a", renewed_at=2000.0),
        "models/b": lease("models/b", suspect=True),
    }


async def test_a_saved_reply_is_found_with_the_revision_of_its_write(open_store):
    async with open_store() as store:
        await store.commit([replace(put(), reply=SavedReply("r-1", "print", 0, b"reply"))])
        assert await store.replies(["r-1", "r-2"]) == {"r-1": SavedReply("r-1", "print", 1, b"reply")}


async def test_old_replies_are_forgotten_a_few_at_a_time(open_store):
    time = [100.0]
    async with open_store(now=lambda: time[0]) as store:
        for i in range(3):
            await store.commit([Write(reply=SavedReply(f"r-{i}", "", 0, b""))])
            time[0] += 100
        assert await store.forget_replies(older_than=250, limit=1) == 1
        assert await store.forget_replies(older_than=250, limit=10) == 1
        assert list(await store.replies(["r-0", "r-1", "r-2"])) == ["r-2"]


async def test_compaction_drops_history_and_remembers_how_far(open_store):
    async with open_store() as store:
        for i in range(4):
            await store.commit([put(f"models/m{i}")])
        await store.compact(through=3)
        await store.compact(through=2)
    async with open_store() as store:
        contents = await store.load()
    assert (contents.compacted, [revision.number for revision in contents.history]) == (3, [4])
    assert len(contents.entries) == 4


async def test_a_store_keeps_its_cluster_id_and_no_two_have_the_same(open_store, tmp_path):
    async with open_store() as store:
        first = store.cluster_id
    async with open_store() as store:
        assert store.cluster_id == first
    other = SqliteStore(tmp_path / "other")
    await other.close()
    assert other.cluster_id != first


async def test_a_second_registry_is_refused_by_name_of_the_folder(open_store, tmp_path):
    async with open_store():
        with pytest.raises(FailedPreconditionError, match="in use by another registry") as raised:
            SqliteStore(tmp_path / "data")
    assert raised.value.metadata["data_dir"] == str(tmp_path / "data")
    async with open_store():
        pass


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    (tmp_path / "registry.sqlite3").write_bytes(b"precious" * 1000)
    for _ in range(2):
        with pytest.raises(FailedPreconditionError, match="not a database"):
            SqliteStore(tmp_path)
    assert (tmp_path / "registry.sqlite3").read_bytes() == b"precious" * 1000


async def test_a_database_of_a_newer_registry_is_refused(tmp_path):
    await SqliteStore(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "registry.sqlite3", isolation_level=None)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(FailedPreconditionError, match="newer registry"):
        SqliteStore(tmp_path)


def schema_of(path):
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: " ".join(sql.split()) for name, sql in rows if name != "alembic_version"}


async def test_migrating_from_nothing_gives_the_tables_that_a_fresh_store_has(tmp_path):
    await SqliteStore(tmp_path / "fresh").close()
    migrate(tmp_path / "migrated.sqlite3")
    assert schema_of(tmp_path / "migrated.sqlite3") == schema_of(tmp_path / "fresh" / "registry.sqlite3")


async def test_a_migrated_database_serves(tmp_path):
    migrate(tmp_path / "registry.sqlite3")
    store = SqliteStore(tmp_path)
    assert await store.commit([put()]) == [1]
    await store.close()


def test_the_newest_migration_is_the_one_that_the_code_names():
    assert max(path.name[:4] for path in (MIGRATIONS / "versions").glob("*.py")) == HEAD


async def test_commits_are_synced_and_checkpoints_wait_for_nobody(open_store):
    async with open_store() as store:
        settings = await store._run(
            lambda: [
                store._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
            ]
        )
    assert settings == ["wal", 2]
