"""The PostgreSQL that tests, benchmarks and a first try stand on."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest

from airegistry._rpc.process import StartError
from launcher import postgres
from launcher.postgres import PostgresServer
from tests.postgres import CUT, connected, execute, fresh_database, holding, own_server, terminate_sessions

OPENS_ONE_AND_WAITS = """
import time
from tests.postgres import own_server
with own_server() as server:
    print(server.pid, flush=True)
    time.sleep(600)
"""
CHECKOUT = Path(__file__).parents[2]
SHARED_MEMORY = Path("/proc/sysvipc/shm")
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


def segments():
    """Return the process that made each segment of shared memory, by its id."""
    rows = (line.split() for line in SHARED_MEMORY.read_text().splitlines()[1:])
    return {int(row[1]): int(row[4]) for row in rows}


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


async def test_a_stopped_server_takes_no_connection_and_starts_again_on_its_port():
    with own_server() as server:
        await execute(server.url(), "CREATE TABLE kept ()")
        server.stop()
        with pytest.raises(ConnectionRefusedError):
            await execute(server.url(), "SELECT")
        server.start()
        await execute(server.url(), "SELECT FROM kept")
        with pytest.raises(StartError, match="runs already"):
            server.start()


@pytest.mark.skipif(not SHARED_MEMORY.exists(), reason="reads what Linux tells of shared memory")
def test_a_killed_server_leaves_no_memory_and_no_folder_behind():
    with own_server() as server:
        data = server._data
        mine = [segment for segment, maker in segments().items() if maker == server.pid]
        assert len(mine) == 1
        server.kill()
    assert not segments().keys() & mine
    assert not data.parent.exists()


def test_the_server_goes_with_the_process_that_started_it():
    command = [sys.executable, "-c", OPENS_ONE_AND_WAITS]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as starter:
        assert starter.stdout is not None
        server = psutil.Process(int(starter.stdout.readline()))
        folder = Path(server.cmdline()[2]).parents[1]
        starter.kill()
    try:
        # Raises when it is still there.
        server.wait(30)
    finally:
        shutil.rmtree(folder)


def test_a_server_that_does_not_start_leaves_no_process(monkeypatch):
    with own_server() as server:
        server.stop()
        with socket.create_server(("127.0.0.1", server.port)), monkeypatch.context() as patch:
            patch.setattr(postgres, "_STARTING", 3.0)
            with pytest.raises(StartError, match="in use"):
                server.start()
            assert not server.running
            assert server._guard is None
        server.start()


def test_a_start_that_is_interrupted_leaves_no_process(monkeypatch):
    def interrupted(_server):
        raise KeyboardInterrupt

    with own_server() as server:
        server.stop()
        with monkeypatch.context() as patch:
            patch.setattr(PostgresServer, "_answers", interrupted)
            with pytest.raises(KeyboardInterrupt):
                server.start()
        assert not server.running
        assert server._guard is None


async def test_databases_do_not_see_each_other_and_go_away(postgres_url):
    async with fresh_database(postgres_url) as one, fresh_database(postgres_url) as other:
        await execute(one, "CREATE TABLE here ()")
        await execute(other, "CREATE TABLE here ()")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await execute(one, "SELECT")


async def test_sessions_are_cut(database_url):
    async with connected(database_url) as connection:
        assert await terminate_sessions(database_url) == 1
        with pytest.raises(CUT):
            await connection.fetchval("SELECT 1")


async def test_an_idle_session_holds_its_locks_until_its_block_ends_or_it_is_cut(database_url):
    await execute(database_url, "CREATE TABLE counter AS SELECT 1 AS number")
    at_once = "SELECT FROM counter FOR UPDATE NOWAIT"
    async with holding(database_url, "SELECT FROM counter FOR UPDATE"):
        with pytest.raises(asyncpg.LockNotAvailableError):
            await execute(database_url, at_once)
    await execute(database_url, "SELECT FROM counter FOR UPDATE")
    async with holding(database_url, "SELECT FROM counter FOR UPDATE"):
        assert await terminate_sessions(database_url) == 1
        await execute(database_url, "SELECT FROM counter FOR UPDATE")


def test_without_the_wheel_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(postgres, "find_spec", lambda _name: None)
    with pytest.raises(StartError, match="AIREGISTRY_REGISTRY_DATABASE_URL"):
        PostgresServer(tmp_path)


@ROOT_ONLY
def test_binaries_that_only_root_may_run_are_copied_for_the_server(monkeypatch, tmp_path):
    package = postgres._installed().parents[1]
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, tmp_path / part.name, symlinks=True)
    for path in tmp_path.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o700)
    monkeypatch.setattr(postgres, "_installed", lambda: tmp_path / package.name / "pginstall" / "bin")
    with own_server() as server:
        assert server.running


@ROOT_ONLY
def test_root_is_told_of_a_folder_that_nobody_else_can_reach(tmp_path):
    tmp_path.chmod(0o700)
    with pytest.raises(StartError, match="choose another one"):
        PostgresServer(tmp_path / "server").start()
