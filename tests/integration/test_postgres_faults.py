"""A registry's catalog over a database that goes away, hangs, or does not answer."""

import asyncio
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from airegistry.errors import UnavailableError
from registry.store.postgres import PostgresStore, writing
from registry.store.postgres import statements as sql
from registry.store.postgres.connections import Connections
from tests.contract.stores import running_catalog
from tests.orders import batch, model
from tests.postgres import own_server, terminate_sessions
from tests.robustness.proxy import BLACKHOLE, FINE, HALF_OPEN, proxy


@asynccontextmanager
async def running(url, **options):
    store = await PostgresStore.open(url, **options)
    try:
        async with running_catalog(store) as catalog:
            yield catalog
    finally:
        await store.close()


@asynccontextmanager
async def behind_proxy(url):
    parts = urlsplit(url)
    with proxy(f"{parts.hostname}:{parts.port}") as bad:
        async with running(url.replace(f"{parts.hostname}:{parts.port}", bad.address)) as catalog:
            yield catalog, bad


async def eventually(attempt):
    """Return what *attempt* gives as soon as the database lets it."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await attempt()
            except UnavailableError:
                await asyncio.sleep(0.1)


async def test_cut_sessions_disturb_nobody(database_url):
    async with running(database_url) as catalog:
        for i in range(3):
            await terminate_sessions(database_url)
            assert (await catalog.register(batch(model(f"m{i}")))).revision == i + 1
            await terminate_sessions(database_url)
            assert await catalog.catch_up() == i + 1


async def test_a_database_that_crashes_loses_nothing_and_reads_from_memory_go_on():
    with own_server() as server:
        async with running(server.url()) as catalog:
            await catalog.register(batch(model("a")))
            await asyncio.to_thread(server.kill)
            with pytest.raises(UnavailableError):
                await catalog.register(batch(model("b")))
            with pytest.raises(UnavailableError):
                await catalog.catch_up()
            assert list(catalog.entries) == ["models/a"]
            await asyncio.to_thread(server.start)
            assert (await eventually(lambda: catalog.register(batch(model("c"))))).revision == 2
            assert list(catalog.entries) == ["models/a", "models/c"]
        async with running(server.url()) as catalog:
            assert list(catalog.entries) == ["models/a", "models/c"]


async def test_a_network_that_swallows_everything_is_an_error_in_time_and_heals(database_url):
    async with behind_proxy(database_url) as (catalog, bad):
        await catalog.register(batch(model("a")))
        bad.set(BLACKHOLE)
        with pytest.raises(UnavailableError, match="no answer in time"):
            await asyncio.wait_for(catalog.catch_up(), 60)
        bad.set(FINE)
        assert (await eventually(lambda: catalog.register(batch(model("b"))))).revision == 2


@pytest.mark.parametrize("commit_arrives", [True, False])
async def test_an_unanswered_commit_is_looked_up_and_done_once(database_url, monkeypatch, commit_arrives):
    write_changes = writing.write_changes
    async with behind_proxy(database_url) as (catalog, bad):

        async def lose_the_answer(*arguments):
            committed = await write_changes(*arguments)
            monkeypatch.setattr(writing, "write_changes", write_changes)
            bad.set(HALF_OPEN if commit_arrives else BLACKHOLE)
            asyncio.get_running_loop().call_later(1, lambda: (bad.cut(), bad.set(FINE)))
            return committed

        monkeypatch.setattr(writing, "write_changes", lose_the_answer)
        assert (await catalog.register(batch(model("a"), create_only=True))).revision == 1
        assert await catalog.catch_up() == 1


async def test_an_unanswered_commit_is_looked_up_though_the_session_for_it_is_cut(database_url, monkeypatch):
    write_changes, find_out, lend = writing.write_changes, PostgresStore._find_out, Connections.lend
    looks = []

    async with behind_proxy(database_url) as (catalog, bad):

        @asynccontextmanager
        async def lend_and_cut(connections, *deadline):
            async with lend(connections, *deadline) as connection:
                monkeypatch.setattr(Connections, "lend", lend)
                looks.append(await terminate_sessions(database_url))
                yield connection

        async def lose_the_answer(*arguments):
            committed = await write_changes(*arguments)
            monkeypatch.setattr(writing, "write_changes", write_changes)
            bad.set(HALF_OPEN)
            asyncio.get_running_loop().call_later(1, lambda: (bad.cut(), bad.set(FINE)))
            return committed

        def look_and_be_cut(*arguments):
            monkeypatch.setattr(Connections, "lend", lend_and_cut)
            return find_out(*arguments)

        monkeypatch.setattr(PostgresStore, "_find_out", look_and_be_cut)
        monkeypatch.setattr(writing, "write_changes", lose_the_answer)
        assert (await catalog.register(batch(model("a"), create_only=True))).revision == 1
    assert looks


async def test_a_replica_that_stops_while_it_holds_the_counter_delays_others_and_stops_nobody(database_url):
    async with running(database_url) as catalog:
        other = await Connections.open(database_url)
        made = []

        async def stop_with_the_counter():
            async with other.lend(30) as stopped:
                await stopped.execute("BEGIN")
                await stopped.execute(sql.LOCK_COUNTER)
                made.append(await catalog.register(batch(model("a"))))
                await stopped.execute("COMMIT")

        # The server lets go of what the stopped one holds, and tells it so.
        with pytest.raises(UnavailableError):
            await stop_with_the_counter()
        assert [one.revision for one in made] == [1]
        await other.close()
