"""What the embedded store promises about its folder, its file, and a disk that fails."""

import sqlite3
from contextlib import closing

import pytest

from airegistry.errors import FailedPreconditionError, UnavailableError
from airegistry.resources.resource import Liveness
from registry.store.sqlite import SqliteStore
from registry.store.sqlite.schema import HEAD, MIGRATIONS, migrate
from tests.contract.stores import commit, put, running_catalog
from tests.orders import heartbeat, leased, scout, status


async def test_no_two_stores_have_the_same_cluster_id(tmp_path):
    stores = [SqliteStore(tmp_path / name) for name in "ab"]
    for store in stores:
        await store.close()
    assert stores[0].cluster_id != stores[1].cluster_id


async def test_a_second_registry_is_refused_by_name_of_the_folder(open_sqlite, tmp_path):
    async with open_sqlite():
        with pytest.raises(FailedPreconditionError, match="in use by another registry") as raised:
            SqliteStore(tmp_path / "data")
    assert raised.value.metadata["data_dir"] == str(tmp_path / "data")
    async with open_sqlite():
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
    assert await commit(store, put()) == (1,)
    await store.close()


def test_the_newest_migration_is_the_one_that_the_code_names():
    assert max(path.name[:4] for path in (MIGRATIONS / "versions").glob("*.py")) == HEAD


def settings_of(store, *names):
    return store._run(lambda: [store._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names])


async def test_commits_are_synced_and_checkpoints_wait_for_nobody(open_sqlite):
    async with open_sqlite() as store:
        assert await settings_of(store, "journal_mode", "synchronous") == ["wal", 2]


async def test_leases_do_not_end_while_the_disk_takes_no_renewals(open_sqlite, clock):
    async with open_sqlite() as store, running_catalog(store) as catalog:
        await catalog.register(leased(scout(), lease_ttl=30))
        clock.time += 29
        await store._run(lambda: store._connection.execute("PRAGMA query_only = ON"))
        with pytest.raises(UnavailableError, match="SQLITE_READONLY"):
            await catalog.heartbeat(heartbeat())
        await store._run(lambda: store._connection.execute("PRAGMA query_only = OFF"))
        clock.time += 29
        await catalog.expire()
        assert status(catalog).liveness is Liveness.LIVE
        clock.time += 1
        await catalog.expire()
        assert status(catalog).liveness is Liveness.SUSPECT


async def test_nobody_could_renew_while_no_process_had_the_folder(open_sqlite, clock):
    async with open_sqlite() as store, running_catalog(store) as catalog:
        await catalog.register(leased(scout(), lease_ttl=30))
    clock.time += 10_000
    async with open_sqlite() as store:
        (found,) = (await store.basis(["agents/scout"], ())).leases
        assert found.renewed_at == clock.time
