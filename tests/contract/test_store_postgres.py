"""What only a database can do to its store: be away, be old or new, lose an answer, have a clock of its own."""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from asyncpg.transaction import Transaction

from airegistry.discovery.index import Index
from airegistry.discovery.naming import NameTable
from airegistry.errors import FailedPreconditionError, UnavailableError
from registry.catalog import Catalog
from registry.store import rows
from registry.store.postgres import PostgresStore, connections, statements
from registry.store.postgres.connections import Connections
from registry.store.postgres.schema import HEAD, MIGRATIONS, migrate
from registry.store.records import Expected, StaleError
from tests.contract.stores import IDLE, STILL, commit, hold, lease, leases_of, put
from tests.orders import batch, model
from tests.postgres import connected, execute, fresh_database, holding, terminate_sessions

SCOUT = "agents/scout"
COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, collation_name, column_default
FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2
"""
INDEXES = "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 2"
CONSTRAINTS = """
SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass ORDER BY 1, 2
"""
OPTIONS = "SELECT relname, relkind, reloptions FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'alembic%' ORDER BY 1"


async def schema_of(url):
    async with connected(url) as connection:
        return [list(map(tuple, await connection.fetch(sql))) for sql in (COLUMNS, INDEXES, CONSTRAINTS, OPTIONS)]


async def test_no_two_databases_have_the_same_cluster_id(postgres_url):
    ids = set()
    for _ in range(2):
        async with fresh_database(postgres_url) as url:
            store = await PostgresStore.open(url)
            ids.add(store.cluster_id)
            await store.close()
    assert len(ids) == 2


async def test_what_takes_long_to_decode_is_read_all_the_same(open_postgres, monkeypatch):
    def entry(*row):
        # Longer than a session may be idle in a transaction that holds locks.
        time.sleep(1.3)
        return decoded(*row)

    decoded = rows.entry
    monkeypatch.setitem(connections._SESSION, IDLE, "1000")
    async with open_postgres() as store:
        await commit(store, put("models/a"))
        monkeypatch.setattr(rows, "entry", entry)
        assert [each.name for each in (await store.load()).entries] == ["models/a"]


async def test_who_is_stopped_while_it_makes_the_tables_starts_all_the_same(database_url, monkeypatch):
    async def slowly(transaction):
        await start(transaction)
        # Longer than a session may be idle in a transaction that others wait for.
        await asyncio.sleep(1.3)

    start = Transaction.start
    monkeypatch.setattr(Transaction, "start", slowly)
    store = await PostgresStore.open(database_url)
    monkeypatch.undo()
    assert await store.newest() == 0
    await store.close()


async def test_migrating_from_nothing_gives_the_tables_that_a_fresh_database_has(postgres_url):
    async with fresh_database(postgres_url) as fresh, fresh_database(postgres_url) as migrated:
        await (await PostgresStore.open(fresh)).close()
        await asyncio.to_thread(migrate, migrated)
        assert await schema_of(migrated) == await schema_of(fresh)


async def test_a_migrated_database_serves(database_url, open_postgres):
    await asyncio.to_thread(migrate, database_url)
    async with open_postgres() as store:
        assert await commit(store, put()) == (1,)


def test_the_newest_migration_is_the_one_that_the_code_names():
    assert max(path.name[:4] for path in (MIGRATIONS / "versions").glob("*.py")) == HEAD


async def test_a_database_of_a_newer_registry_is_refused(database_url):
    await (await PostgresStore.open(database_url)).close()
    await execute(database_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(FailedPreconditionError, match="newer registry"):
        await PostgresStore.open(database_url)


async def test_replicas_that_start_together_on_nothing_make_one_store(open_postgres):
    async with AsyncExitStack() as stack:
        stores = await asyncio.gather(*(stack.enter_async_context(open_postgres()) for _ in range(4)))
        assert len({store.cluster_id for store in stores}) == 1
        assert len({store.replica_id for store in stores}) == 4
        assert await commit(stores[0], put()) == (1,)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        pytest.param("postgresql://user:s3cret@127.0.0.1:1/x", UnavailableError, id="nobody-there"),
        pytest.param("postgresql://user:s3cret@127.0.0.1:port/x", FailedPreconditionError, id="no-url"),
        pytest.param("mysql://user:s3cret@127.0.0.1/x", FailedPreconditionError, id="another-database"),
    ],
)
async def test_an_address_that_does_not_serve_is_refused_without_its_password(url, error):
    with pytest.raises(error) as raised:
        await PostgresStore.open(url)
    assert "s3cret" not in str(raised.value)


async def test_a_database_that_is_not_there_is_unavailable_and_not_named(database_url):
    url = urlsplit(database_url)._replace(path="/missing").geturl()
    with pytest.raises(UnavailableError) as raised:
        await PostgresStore.open(url)
    assert "missing" not in raised.value.message


async def test_the_database_tells_the_time_of_leases(database_url, open_postgres):
    async with open_postgres(now=None) as store:
        await commit(store, hold(lease(SCOUT)))
        renewed_at = (await leases_of(store, SCOUT))[SCOUT].renewed_at
        assert abs(renewed_at - time.time()) < 60
        # An answer is older than its arrival: what the store shows is never ahead of the database.
        shown = store.now()
        async with connected(database_url) as connection:
            assert shown <= await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")


WAITING = """
SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (
    SELECT pid FROM pg_locks JOIN pg_database ON database = pg_database.oid WHERE datname = current_database())
"""


async def waiting_in(holder, count):
    """Wait until so many sessions of the database wait for locks."""
    async with asyncio.timeout(30):
        while await holder.fetchval(WAITING) < count:  # noqa: ASYNC110 - it happens elsewhere
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "before", [pytest.param((), id="granted"), pytest.param((put(SCOUT), hold(lease(SCOUT))), id="revived")]
)
async def test_a_lease_counts_from_the_time_of_its_revision_however_long_that_waited(
    database_url, open_postgres, before
):
    async with open_postgres(now=None) as store:
        await store.commit([*before, put("models/z")], Expected())
        old = next((entry for entry in (await store.load()).entries if entry.name == SCOUT), None)
        async with holding(database_url, statements.LOCK_COUNTER) as holder:
            waiting = asyncio.create_task(store.commit([put(SCOUT, "two", old, leases=(lease(SCOUT),))], Expected()))
            await waiting_in(holder, 1)
            last_held = await holder.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
        committed = await waiting
        renewed_at = (await leases_of(store, SCOUT))[SCOUT].renewed_at
        assert last_held <= renewed_at == committed.time


async def test_who_makes_a_lease_waits_for_nobody_who_waits_for_the_counter(database_url, open_postgres):
    async with open_postgres() as one, open_postgres() as other:
        async with holding(database_url, statements.LOCK_COUNTER) as holder:
            first = asyncio.create_task(one.commit([put(SCOUT, leases=(lease(SCOUT),))], Expected()))
            await waiting_in(holder, 1)
            second = asyncio.create_task(other.commit([put("models/z"), hold(lease(SCOUT))], Expected()))
            await waiting_in(holder, 2)
        assert [(await first).revisions, (await second).revisions] == [(1,), (2, 2)]
        assert await leases_of(one, SCOUT)


async def test_what_the_database_ends_for_the_sake_of_others_is_decided_anew(database_url, open_postgres):
    async with open_postgres() as store:
        await commit(store, hold(lease("agents/a"), lease("agents/b")))
        seqs = {name: held.seq for name, held in (await leases_of(store, "agents/a", "agents/b")).items()}
        lock = "SELECT FROM lease WHERE name = 'agents/{}' FOR UPDATE"
        async with holding(database_url, "SET deadlock_timeout = '60s'") as other:
            await other.execute(lock.format("b"))
            async with holding(database_url, lock.format("a")) as first:
                defeated = asyncio.create_task(store.commit([put()], Expected(leases=seqs)))
                await waiting_in(first, 1)
                after_it = asyncio.create_task(other.execute(lock.format("a")))
                await waiting_in(first, 2)
            # The store has its turn, and is the last to wait: it closes the cycle, and looks for one first.
            with pytest.raises(StaleError):
                await defeated
            await after_it


async def test_a_database_without_durability_is_complained_about(database_url, open_postgres, caplog):
    name = urlsplit(database_url).path.removeprefix("/")
    await execute(database_url, f"ALTER DATABASE {name} SET synchronous_commit = off")
    async with open_postgres():
        pass
    assert any("synchronous_commit is off" in record.getMessage() for record in caplog.records)


async def test_connections_that_were_cut_are_replaced(database_url, open_postgres):
    async with open_postgres() as store:
        await commit(store, put())
        assert await terminate_sessions(database_url)
        revisions: tuple[int, ...] = ()
        for attempt in range(5):
            try:
                revisions = await commit(store, put(f"models/b{attempt}"))
            except (UnavailableError, StaleError):
                continue
            break
        assert revisions == (2,)
        assert await store.newest() == 2


COMMIT = Transaction.commit


def lose_an_answer(monkeypatch, *, carried_out):
    """Lose the answer to the next COMMIT, which was or was not carried out; return what was lost."""
    lost: list[Any] = []

    async def commit_once(transaction):
        if lost:
            await COMMIT(transaction)
            return
        lost.append(transaction)
        await (COMMIT(transaction) if carried_out else transaction.rollback())
        raise ConnectionResetError("the answer to COMMIT was lost")

    monkeypatch.setattr(Transaction, "commit", commit_once)
    return lost


async def test_a_commit_whose_answer_was_lost_is_found_again(open_postgres, monkeypatch):
    async with open_postgres() as store:
        await commit(store, put("models/z"))
        lost = lose_an_answer(monkeypatch, carried_out=True)
        assert await commit(store, put("models/a"), put("models/b")) == (2, 3)
        assert lost
        assert await store.newest() == 3


async def test_a_commit_that_was_lost_with_its_answer_is_decided_anew(open_postgres, monkeypatch):
    async with open_postgres() as store:
        lost = lose_an_answer(monkeypatch, carried_out=False)
        with pytest.raises(StaleError):
            await commit(store, put("models/a"))
        assert lost
        assert await store.newest() == 0
        assert await commit(store, put("models/a")) == (1,)


async def test_a_lost_commit_is_not_mistaken_for_that_of_another_replica(open_postgres, monkeypatch):
    async with open_postgres() as here, open_postgres() as there:

        async def lose(transaction):
            await transaction.rollback()
            monkeypatch.undo()
            await commit(there, put("models/other"))
            raise ConnectionResetError("the answer to COMMIT was lost")

        monkeypatch.setattr(Transaction, "commit", lose)
        with pytest.raises(StaleError):
            await commit(here, put("models/a"))
        assert [entry.name for entry in (await here.load()).entries] == ["models/other"]


async def test_when_nobody_can_say_whether_it_was_written_the_answer_says_so(open_postgres, monkeypatch):
    def away(_connections, *_deadline):
        raise UnavailableError("the database is away")

    async with open_postgres() as store:
        with monkeypatch.context() as broken:

            async def lose(transaction):
                await COMMIT(transaction)
                broken.setattr(Connections, "lend", away)
                raise ConnectionResetError("the answer to COMMIT was lost")

            broken.setattr(Transaction, "commit", lose)
            with pytest.raises(UnavailableError, match="whether revision 1 was written is not known"):
                await commit(store, put())


async def test_forgiveness_is_not_lost_with_the_connection(open_postgres, clock, monkeypatch):
    async with open_postgres() as store:
        await store.due(away=3)
        await commit(store, hold(lease(SCOUT, ttl=10)))
        clock.time += 500
        with monkeypatch.context() as broken:
            broken.setattr(statements, "FORGIVE", "SELECT 1 / (0 * $1::integer)")
            with pytest.raises(UnavailableError):
                await store.due(away=3)
        clock.time += 1
        assert (await store.due(away=3)).leases == ()


async def test_what_holds_the_counter_for_too_long_is_cut_and_others_go_on(database_url, open_postgres):
    async with open_postgres() as store:
        stuck = await asyncpg.connect(database_url, server_settings={"idle_in_transaction_session_timeout": "300"})
        await stuck.execute("BEGIN; UPDATE counter SET revision = revision + 1")
        assert await commit(store, put()) == (1,)
        stuck.terminate()


async def test_old_history_may_be_dropped_by_any_replica(open_postgres):
    async with open_postgres() as here, open_postgres() as there:
        for i in range(3):
            await commit(here, put(f"models/m{i}"))
        await there.compact(through=2)
        await here.compact(through=1)
        contents = await here.load()
        assert (contents.compacted, [one.number for one in contents.history]) == (2, [3])


async def test_a_replica_ends_itself_when_its_store_went_back(open_postgres, database_url):
    async with open_postgres() as store:
        catalog = await Catalog.open(store, index=Index(lambda: datetime.now(UTC)), names=NameTable())
        running = asyncio.create_task(catalog.run(STILL))
        await catalog.register(batch(model("a")))
        await catalog.register(batch(model("b")))
        await execute(database_url, "UPDATE counter SET revision = 1")
        with pytest.raises(ExceptionGroup) as raised:
            await asyncio.wait_for(running, 30)
    assert raised.group_contains(RuntimeError, match="went back to revision 1, and this replica has shown 2")
