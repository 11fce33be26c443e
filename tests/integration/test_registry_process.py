"""The registry as a process, and what it tells about itself."""

import asyncio
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from typing import Any

import psutil
import pytest
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from airegistry._rpc.listening import ListenError
from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1 import registry_service_pb2_grpc
from airegistry.v1.model_pb2 import Model
from airegistry.v1.resource_pb2 import Resource
from tests.calls import EOF
from tests.environments import environment
from tests.planes import CARRIER

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def get(address, path):
    with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as response:
        return response.read().decode()


def alone(tmp_path, **settings):
    free = {f"{program}_ADDRESS": "127.0.0.1:0" for program in ("REGISTRY", "REGISTRY_HTTP", "GATEWAY", "GATEWAY_HTTP")}
    return environment(**{"DATA_DIR": tmp_path} | free | settings)


def run(tmp_path, program="registry", **settings):
    """Run a server that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", program],
        env=alone(tmp_path, **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def process(tmp_path, **settings):
    """Run a registry; yield the process and the line it says once it serves."""
    started = subprocess.Popen(
        [sys.executable, "-m", "registry"],
        env=alone(tmp_path, LOG_FORMAT="json", **settings),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stderr is not None
    with started.stderr as log:
        try:
            yield started, json.loads(log.readline())
        finally:
            started.kill()
            started.wait()


def memory_of(pid):
    """What the process and those that it started hold; what they share counts once."""
    process = psutil.Process(pid)
    return sum(each.memory_full_info().pss for each in (process, *process.children(recursive=True)))


def addresses(line):
    words = line["event"].replace(",", "").split()
    return words[5], words[7].removeprefix("http://")


async def test_health_says_not_serving_before_the_server_stops(running):
    async with running() as r:
        channel = aio.insecure_channel(r.registry.address)
        stub: Any = health_pb2_grpc.HealthStub(channel)
        for service in ("", "airegistry.v1.RegistryService"):
            assert (await stub.Check(health_pb2.HealthCheckRequest(service=service))).status == SERVING
        watch = stub.Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
    assert (await watch.read()).status == NOT_SERVING
    assert await watch.read() is EOF
    await channel.close(None)


async def test_health_page_tells_state_and_revision(running):
    async with running() as r:
        await r.stub.Register(pb.RegisterRequest(resources=[Resource(name="models/m", model=Model())]))
        page = json.loads(await asyncio.to_thread(get, r.registry.http_address, "/health"))
        assert page == {"status": "SERVING", "revision": 1}


async def test_metrics_count_calls_and_show_the_state(running):
    async with running() as r:
        await r.stub.Register(pb.RegisterRequest(resources=[Resource(name="models/m", model=Model())]))
        with pytest.raises(aio.AioRpcError):
            await r.stub.Get(pb.GetRequest(name="models/other"))
        watch = r.stub.Watch(pb.WatchRequest())
        await watch.read()
        lines = (await asyncio.to_thread(get, r.registry.http_address, "/metrics")).splitlines()
        path = "/airegistry.v1.RegistryService"
        for line in (
            f'airegistry_rpc_duration_seconds_count{{code="OK",method="{path}/Register"}} 1.0',
            f'airegistry_rpc_duration_seconds_count{{code="NOT_FOUND",method="{path}/Get"}} 1.0',
            f'airegistry_rpc_running{{method="{path}/Watch"}} 1.0',
            "airegistry_revision 1.0",
            'airegistry_resources{kind="model"} 1.0',
            "airegistry_feed_revisions 1.0",
            "airegistry_leases 0.0",
            "airegistry_writes_waiting 0.0",
            "airegistry_watch_streams 1.0",
            "airegistry_watch_lag_revisions 0.0",
        ):
            assert line in lines
        watch.cancel()


async def test_a_port_in_use_stops_the_start_and_lets_go_of_the_data(running):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ListenError, match=f"cannot listen on {address}"):
            async with running(registry_address=address):
                pass
    async with running() as r:
        assert r.registry.catalog.revision == 0


@pytest.mark.parametrize("after", [0, 0.3], ids=["while-starting", "while-serving"])
async def test_a_part_that_dies_ends_the_registry(running, monkeypatch, after):
    async def die(*_arguments, **_options):
        await asyncio.sleep(after)
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr("registry.catalog.upkeep.sweep", die)
    with pytest.raises(BaseExceptionGroup) as caught:
        async with running():
            await asyncio.sleep(60)
    assert caught.group_contains(RuntimeError, match="on fire")


def test_a_signal_ends_open_watches_and_the_process_within_the_drain_time(tmp_path):
    async def watch_until_the_end(started, address):
        async with aio.insecure_channel(address) as channel:
            watch = registry_service_pb2_grpc.RegistryServiceStub(channel).Watch(pb.WatchRequest())
            await watch.read()
            started.send_signal(signal.SIGTERM)
            while await watch.read() is not EOF:
                pass
            return await watch.code()

    with process(tmp_path, REGISTRY_DRAIN="20") as (started, line):
        began = time.monotonic()
        code = asyncio.run(watch_until_the_end(started, addresses(line)[0]))
        assert (code.name, started.wait(timeout=30)) == ("OK", 0)
        assert time.monotonic() - began < 15


async def test_a_second_signal_exits_at_once(tmp_path):
    with process(tmp_path, REGISTRY_DRAIN="60") as (started, line):
        async with aio.insecure_channel(addresses(line)[0]) as channel:
            # Whoever keeps asking is waited for while the server drains.
            ask: Any = channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", None, None)
            asking = ask()
            await asking.write(reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString())
            await asking.read()
            stub: Any = health_pb2_grpc.HealthStub(channel)
            health = stub.Watch(health_pb2.HealthCheckRequest())
            assert (await health.read()).status == SERVING
            started.send_signal(signal.SIGINT)
            # Two signals that a process has not heard of are one.
            assert (await health.read()).status == NOT_SERVING
            with pytest.raises(subprocess.TimeoutExpired):
                started.wait(timeout=0.7)
            started.send_signal(signal.SIGINT)
            assert started.wait(timeout=30) == 128 + signal.SIGINT


@pytest.mark.alone
def test_the_process_starts_quickly_and_stays_small(tmp_path):
    began = time.monotonic()
    with process(tmp_path) as (started, line):
        assert time.monotonic() - began < 6
        assert memory_of(started.pid) < (150 if CARRIER == "aio" else 200) * 1024 * 1024
        assert line["event"].endswith(f"data in {tmp_path}/registry")
        assert json.loads(get(addresses(line)[1], "/health"))["status"] == "SERVING"


CANNOT_START = [
    pytest.param({"REGISTRY_ADDRESS": "0.0.0.0:0"}, 2, "AIREGISTRY_INSECURE", id="beyond-loopback"),
    pytest.param({"REGISTRY_ADDRESS": "0.0.0.0:0"}, 2, "AIREGISTRY_REGISTRY_ADDRESS: ", id="which-address"),
    pytest.param({"REGISTRY_ADDRESS": "nowhere"}, 2, "AIREGISTRY_REGISTRY_ADDRESS: cannot", id="no-port"),
    pytest.param({"REGISTRY_DRAIN": "soon"}, 2, "AIREGISTRY_REGISTRY_DRAIN", id="not-a-number"),
    pytest.param({"REGISTRY_ADRESS": "x"}, 2, "did you mean AIREGISTRY_REGISTRY_ADDRESS", id="misspelled"),
    pytest.param({"DATADIR": "x"}, 2, "did you mean AIREGISTRY_DATA_DIR", id="misspelled-shared"),
    pytest.param({"DATA_DIR": "/proc/nowhere"}, 1, "/proc/nowhere", id="no-such-folder"),
]


@pytest.mark.parametrize(("settings", "code", "words"), CANNOT_START)
def test_what_keeps_it_from_starting_is_said_in_one_line(tmp_path, settings, code, words):
    ended = run(tmp_path, **settings)
    assert ended.returncode == code
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("registry: ")


TAKEN = [
    pytest.param("registry", "REGISTRY_ADDRESS", id="registry"),
    pytest.param("gateway", "GATEWAY_ADDRESS", id="gateway"),
    # Inside Envoy one process has one address.
    *(
        pytest.param(program, f"{program.upper()}_HTTP_ADDRESS", id=f"{program}-http")
        for program in ("registry", "gateway")
        if CARRIER == "aio"
    ),
]


@pytest.mark.parametrize(("program", "setting"), TAKEN)
def test_a_taken_port_is_told_by_the_setting_that_names_it(tmp_path, program, setting):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = run(tmp_path, program, **{"GATEWAY_START_WAIT": "0"} | {setting: address})
    said = f"{program}: AIREGISTRY_{setting}: cannot listen on {address}: address already in use\n"
    assert (ended.returncode, ended.stderr.splitlines(keepends=True)[-1]) == (1, said)


def test_the_settings_of_the_gateway_are_none_of_its_business(tmp_path):
    with process(tmp_path, GATEWAY_ANYTHING="x") as (_, line):
        assert "serves" in line["event"]


def test_a_data_folder_in_use_is_said_in_one_line(tmp_path):
    with process(tmp_path):
        ended = run(tmp_path)
    assert ended.returncode == 1
    assert "in use by another registry" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_data_that_is_no_database_is_said_in_one_line(tmp_path):
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "registry.sqlite3").write_bytes(b"this is not a database" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(tmp_path / "registry" / "registry.sqlite3").execute("select 1 from sqlite_master")
    ended = run(tmp_path)
    assert ended.returncode == 1
    assert "not a database" in ended.stderr
    assert ended.stderr.count("\n") == 1
