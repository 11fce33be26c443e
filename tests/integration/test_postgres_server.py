"""The PostgreSQL that tests, benchmarks and a first try stand on."""

import asyncpg
import pytest

from airegistry._rpc.process import StartError
from launcher import postgres
from launcher.postgres import PostgresServer
from tests.postgres import connected, execute, fresh_database, own_server, terminate_sessions


async def test_what_was_committed_survives_a_kill():
    with own_server() as server:
        await execute(server.url(), "CREATE TABLE kept AS SELECT 7 AS number")
        server.kill()
        assert not server.running
        server.start()
        async with connected(server.url()) as connection:
            assert await connection.fetchval("SELECT number FROM kept") == 7
            assert await connection.fetchval("SHOW fsync") == "on"
    assert not server.running


async def test_databases_do_not_see_each_other_and_go_away(postgres_url):
    async with fresh_database(postgres_url) as one, fresh_database(postgres_url) as other:
        await execute(one, "CREATE TABLE here ()")
        await execute(other, "CREATE TABLE here ()")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await execute(one, "SELECT")


async def test_sessions_are_cut(database_url):
    async with connected(database_url) as connection:
        assert await terminate_sessions(database_url) == 1
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
            await connection.fetchval("SELECT 1")


def test_without_the_wheel_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(postgres, "find_spec", lambda _name: None)
    with pytest.raises(StartError, match="AIREGISTRY_REGISTRY_DATABASE_URL"):
        PostgresServer(tmp_path)
