"""Several processes behind one port: how they are started, watched, started again and stopped."""

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from airegistry._rpc.listening import ListenError
from airegistry._rpc.workers import Start, WorkerEndedError, Workers, take_stand
from airegistry.client import RegistryClient
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource
from registry.config import Config
from tests.environments import environment

STUB = Path(__file__).with_name("stub_worker.py")
URL = "postgresql://nobody@127.0.0.1:1/nothing"
# Runs stubs as `python -m registry` runs registries.
SUPERVISOR = """
import os, sys
from airegistry._rpc.logs import configure_logs
from registry.config import Config
from airegistry._rpc.workers import Start, Workers, take_stand
config = Config(
    registry_workers=2, registry_database_url=sys.argv[1], registry_address="127.0.0.1:0",
    registry_http_address="127.0.0.1:0",
)
configure_logs("info", "json")
start = Start([sys.executable, *sys.argv[2:]], os.environ)
sys.exit(Workers(take_stand(config.post), config.post.drain, lambda seat: start).run("registry"))
"""


def stubs(folder, *, python=sys.executable, **settings):
    free = {"registry_address": "127.0.0.1:0", "registry_http_address": "127.0.0.1:0"}
    config = Config(registry_database_url=URL, **{"registry_workers": 2} | free | settings)
    start = Start([python, str(STUB), str(folder)], os.environ)
    return Workers(take_stand(config.post), config.post.drain, lambda _seat: start)


@contextmanager
def supervisor(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, URL, str(STUB), str(folder)], stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def notes(folder):
    """What the workers noted, without their process ids."""
    file = folder / "notes"
    return [line.rpartition(" ")[0] for line in file.read_text().splitlines()] if file.exists() else []


def pid_of(folder, index):
    """The process id of the worker that served last in a seat."""
    lines = (folder / "notes").read_text().splitlines()
    return int([line for line in lines if line.startswith(f"{index} serves ")][-1].split()[-1])


def seats(folder, count):
    return [(folder / f"seat-{index}").read_text().split() for index in range(count)]


async def until(folder, *wanted):
    """Wait for other processes, of which nothing but the file can be watched."""
    async with asyncio.timeout(30):
        while not all(notes(folder).count(each) >= wanted.count(each) for each in wanted):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


def alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def until_gone(*pids):
    """Wait for the end of processes that are not our children."""
    async with asyncio.timeout(30):
        while any(alive(pid) for pid in pids):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


async def test_workers_share_the_port_and_each_has_its_own_for_http(tmp_path):
    async with stubs(tmp_path, registry_workers=3, registry_http_address="127.0.0.1:4000").serve():
        await until(tmp_path, *(f"{index} serves" for index in range(3)))
        addresses, http_addresses = zip(*seats(tmp_path, 3), strict=True)
        assert len(set(addresses)) == 1
        assert not addresses[0].endswith(":0")
        assert http_addresses == ("127.0.0.1:4000", "127.0.0.1:4001", "127.0.0.1:4002")


async def test_a_free_port_for_http_is_a_free_one_for_each(tmp_path):
    async with stubs(tmp_path).serve():
        await until(tmp_path, "0 serves", "1 serves")
        assert [http for _, http in seats(tmp_path, 2)] == ["127.0.0.1:0", "127.0.0.1:0"]


async def test_the_first_serves_before_the_others_start(tmp_path):
    async with stubs(tmp_path).serve():
        await until(tmp_path, "1 serves")
        assert notes(tmp_path) == ["0 starts", "0 serves", "1 starts", "1 serves"]


async def test_a_worker_that_is_killed_comes_back_and_the_others_go_on(tmp_path, caplog):
    async with stubs(tmp_path).serve():
        await until(tmp_path, "0 serves", "1 serves")
        before = pid_of(tmp_path, 0), pid_of(tmp_path, 1)
        os.kill(before[1], signal.SIGKILL)
        await until(tmp_path, "1 serves", "1 serves")
        assert pid_of(tmp_path, 0) == before[0]
        assert pid_of(tmp_path, 1) != before[1]
    assert "worker 1 ended (killed by SIGKILL); starting it again in" in caplog.text
    assert notes(tmp_path).count("0 starts") == 1


async def test_one_alone_is_the_server_and_no_worker_with_a_number(tmp_path, caplog):
    async with stubs(tmp_path, registry_workers=1).serve():
        await until(tmp_path, "0 serves")
        (tmp_path / "refuse-0").write_text("kill")
        os.kill(pid_of(tmp_path, 0), signal.SIGKILL)
        await until(tmp_path, "0 starts", "0 starts", "0 starts")
        (tmp_path / "refuse-0").unlink()
        await until(tmp_path, "0 serves", "0 serves")
    assert "the server ended (killed by SIGKILL); starting it again in" in caplog.text
    assert not any("worker" in record.message for record in caplog.records)
    (tmp_path / "refuse-0").write_text("kill")
    with pytest.raises(WorkerEndedError, match=r"^the server ended before it served"):
        async with stubs(tmp_path, registry_workers=1).serve():
            await asyncio.sleep(30)


async def test_a_worker_that_does_not_come_back_is_tried_again_and_again(tmp_path, caplog):
    async with stubs(tmp_path).serve():
        await until(tmp_path, "0 serves", "1 serves")
        (tmp_path / "refuse-1").write_text("1")
        os.kill(pid_of(tmp_path, 1), signal.SIGKILL)
        await until(tmp_path, "1 starts", "1 starts", "1 starts")
        (tmp_path / "refuse-1").unlink()
        await until(tmp_path, "1 serves", "1 serves")
    assert "worker 1 ended (exit code 1)" in caplog.text


async def test_a_program_that_is_away_for_a_while_ends_nothing(tmp_path, caplog):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    async with stubs(tmp_path, python=str(python)).serve():
        await until(tmp_path, "0 serves", "1 serves")
        python.rename(tmp_path / "away")
        os.kill(pid_of(tmp_path, 1), signal.SIGKILL)
        async with asyncio.timeout(30):
            while "worker 1 cannot be started" not in caplog.text:  # noqa: ASYNC110 - nothing else tells
                await asyncio.sleep(0.01)
        (tmp_path / "away").rename(python)
        await until(tmp_path, "1 serves", "1 serves")


async def test_the_wait_before_a_restart_grows_while_the_worker_keeps_failing(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("random.Random.uniform", lambda _self, _low, high: high)
    async with stubs(tmp_path).serve():
        await until(tmp_path, "0 serves", "1 serves")
        (tmp_path / "refuse-1").write_text("1")
        os.kill(pid_of(tmp_path, 1), signal.SIGKILL)
        await until(tmp_path, *["1 starts"] * 4)
    waits = [float(record.message.split()[-2]) for record in caplog.records if "starting it again" in record.message]
    assert waits[:3] == [0.2, 0.4, 0.8]


@pytest.mark.parametrize("index", [0, 1], ids=["the-first", "another"])
@pytest.mark.parametrize(
    ("how", "code", "said"),
    [
        pytest.param("2", 2, "", id="settings"),
        pytest.param("1", 1, "", id="failure"),
        pytest.param("kill", 1, "ended before it served (killed by SIGKILL)", id="killed"),
    ],
)
async def test_a_worker_that_cannot_start_ends_everything_with_its_exit_code(tmp_path, index, how, code, said):
    (tmp_path / f"refuse-{index}").write_text(how)
    with pytest.raises(WorkerEndedError) as caught:
        async with stubs(tmp_path).serve():
            await asyncio.sleep(30)
    assert caught.value.exit_code == code
    assert str(caught.value) == (said and f"worker {index} {said}")
    assert notes(tmp_path).count("0 stops") == index


def test_what_keeps_workers_from_starting_is_said_once(tmp_path):
    (tmp_path / "refuse-0").write_text("2")
    with supervisor(tmp_path) as process:
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (2, "worker 0 does not like it here\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_all_workers(tmp_path, number):
    with supervisor(tmp_path) as process:
        await until(tmp_path, "0 serves", "1 serves")
        assert process.stderr is not None
        assert "2 workers serve on 127.0.0.1:" in await asyncio.to_thread(process.stderr.readline)
        pids = pid_of(tmp_path, 0), pid_of(tmp_path, 1)
        process.send_signal(number)
        _, said = await asyncio.to_thread(process.communicate, timeout=30)
        assert (process.returncode, said) == (0, "")
        await until_gone(*pids)
    assert sorted(notes(tmp_path)[-2:]) == ["0 stops", "1 stops"]


async def test_a_signal_of_the_terminals_group_reaches_workers_only_through_their_supervisor(tmp_path):
    async with stubs(tmp_path).serve():
        await until(tmp_path, "0 serves", "1 serves")
        assert os.getpgid(0) not in {os.getpgid(pid_of(tmp_path, index)) for index in range(2)}


async def test_a_second_signal_kills_what_does_not_stop(tmp_path):
    for misbehaviour in ("stubborn-1", "orphan-1"):
        (tmp_path / misbehaviour).touch()
    with supervisor(tmp_path) as process:
        await until(tmp_path, "0 serves", "1 serves")
        pids = pid_of(tmp_path, 0), pid_of(tmp_path, 1)
        process.send_signal(signal.SIGTERM)
        await until(tmp_path, "0 stops", "1 stops")
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 30) == 128 + signal.SIGTERM
        await until_gone(*pids)
        # Sooner than a stubborn one is killed anyhow.
        assert time.monotonic() - begun < 12


async def test_what_does_not_stop_in_time_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("airegistry._rpc.workers._STOPPING", 4.0)
    (tmp_path / "stubborn-1").touch()
    async with stubs(tmp_path, registry_drain=0).serve():
        await until(tmp_path, "0 serves", "1 serves")
        pid = pid_of(tmp_path, 1)
    assert "1 stops" in notes(tmp_path)
    assert not psutil.pid_exists(pid)


async def test_workers_end_when_their_supervisor_is_killed(tmp_path):
    (tmp_path / "stubborn-1").touch()
    with supervisor(tmp_path) as process:
        await until(tmp_path, "0 serves", "1 serves")
        pids = pid_of(tmp_path, 0), pid_of(tmp_path, 1)
        process.kill()
        await until(tmp_path, "0 stops", "1 stops")
        await until_gone(*pids)


async def test_a_port_that_another_registry_shares_is_taken(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(ListenError, match=f"cannot listen on {address}: address already in use"):
            async with stubs(tmp_path, registry_address=address).serve():
                pass
    assert notes(tmp_path) == []


async def test_a_port_for_http_that_does_not_exist_is_told_before_anything_starts(tmp_path):
    with pytest.raises(ListenError, match="65536"):
        async with stubs(tmp_path, registry_http_address="127.0.0.1:65535").serve():
            pass
    assert notes(tmp_path) == []


@contextmanager
def registry(tmp_path, url):
    """Run `python -m registry` with two workers on a database; yield the process, and its log as it comes."""
    settings = {
        "DATA_DIR": str(tmp_path),
        "LOG_FORMAT": "json",
        "REGISTRY_ADDRESS": "127.0.0.1:0",
        "REGISTRY_HTTP_ADDRESS": "127.0.0.1:0",
        "REGISTRY_WORKERS": "2",
        "REGISTRY_DATABASE_URL": url,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "registry"],
        env=environment(**settings),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines = (json.loads(line) for line in process.stderr)
    try:
        yield process, lines
    finally:
        process.kill()
        process.communicate()


def serving(lines, *workers):
    """Read the log until these workers said that they serve; return where they serve HTTP, and the gRPC address."""
    http = {}
    for line in lines:
        if line["event"].startswith("the registry serves"):
            words = line["event"].replace(",", "").split()
            http[line["worker"]] = words[7].removeprefix("http://")
            if set(workers) <= set(http):
                return http, words[5]
    raise AssertionError("it ended")


def revision_at(http):
    with urllib.request.urlopen(f"http://{http}/health", timeout=5) as page:
        return json.load(page)["revision"]


async def until_revision(http, revision):
    async with asyncio.timeout(30):
        while await asyncio.to_thread(revision_at, http) < revision:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)


async def test_a_killed_registry_worker_comes_back_and_the_others_serve_meanwhile(tmp_path, database_url):
    model = Resource(name="models/m", model=Model())
    with registry(tmp_path, database_url) as (process, lines):
        http, address = await asyncio.to_thread(serving, lines, 0, 1)
        async with RegistryClient(address) as client:
            revision = (await client.register([model])).revision
        for where in http.values():
            await until_revision(where, revision)

        victim, _ = psutil.Process(process.pid).children()
        victim.kill()
        victim.wait(10)
        # Connections of their own: the kernel would give the port of the dead one half of them.
        for _ in range(10):
            async with RegistryClient(address, timeout=10) as client:
                assert (await client.get("models/m")).revision == revision

        again = await asyncio.to_thread(next, (line["event"] for line in lines if "again" in line["event"]))
        assert "killed by SIGKILL" in again
        index = int(again.split()[1])
        back, _ = await asyncio.to_thread(serving, lines, index)
        await until_revision(back[index], revision)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 30) == 0


def test_a_database_that_cannot_be_reached_is_said_once_and_without_its_password(tmp_path):
    with registry(tmp_path, "postgresql://u:hunter2@127.0.0.1:1/nothing") as (process, _):
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "cannot use the database" in said
    assert "hunter2" not in said
    assert said.count("\n") == 1
