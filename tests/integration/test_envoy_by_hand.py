"""An Envoy that somebody starts by himself, with what `airegistry envoy` writes."""

import asyncio
import json
import os
import signal
import stat
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import yaml
from grpc import StatusCode, aio
from typer.testing import CliRunner

from airegistry.cli.app import build
from airegistry.cli.arguments import hoisted
from tests.envoys import addresses_of


def envoy(*arguments, **settings):
    env = {name: None for name in os.environ if name.startswith("AIREGISTRY_")}
    env |= {f"AIREGISTRY_{name}": value for name, value in settings.items()}
    return CliRunner().invoke(build(), hoisted(["envoy", *arguments]), env=env)


@pytest.mark.parametrize("server", ["registry", "gateway"])
def test_the_configuration_is_shown_as_yaml_or_json(server, tmp_path):
    arguments = ("config", server, "--folder", str(tmp_path))
    shown = envoy(*arguments)
    assert shown.exit_code == 0, shown.stderr
    assert yaml.safe_load(shown.stdout) == json.loads(envoy(*arguments, "--output", "json").stdout)
    head = [line for line in shown.stdout.splitlines() if line.startswith("#")]
    for name in ("LD_PRELOAD", "PYTHONPATH", "PYTHONHOME", "AIREGISTRY_HOSTED"):
        assert any(f"export {name}=" in line for line in head)
    assert list(tmp_path.iterdir()) == []


def test_the_listener_is_as_the_settings_say(tmp_path):
    shown = envoy(
        "config", "registry", REGISTRY_ADDRESS="127.0.0.1:7", CORS_ORIGINS="https://a.example", COMPRESSION="no"
    )
    (listener,) = yaml.safe_load(shown.stdout)["static_resources"]["listeners"]
    assert listener["address"]["socket_address"]["port_value"] == 7
    (manager,) = listener["filter_chains"][0]["filters"]
    names = [one["name"] for one in manager["typed_config"]["http_filters"]]
    assert "envoy.filters.http.cors" in names
    assert not any("compressor" in name for name in names)


def test_connections_to_a_gateway_are_left_at_their_age():
    shown = envoy("config", "gateway", "--output", "json", GATEWAY_MAX_CONNECTION_AGE="60")
    (listener,) = json.loads(shown.stdout)["static_resources"]["listeners"]
    (manager,) = listener["filter_chains"][0]["filters"]
    assert manager["typed_config"]["common_http_protocol_options"]["max_connection_duration"] == "60s"


def test_it_is_one_process_whatever_the_settings_say(tmp_path):
    arguments = ("config", "gateway", "--folder", str(tmp_path))
    several = envoy(*arguments, GATEWAY_WORKERS="4")
    assert several.exit_code == 0, several.stderr
    assert several.stdout == envoy(*arguments).stdout
    # Limits are not shared out to others who are not there.
    assert "--gateway-workers=1" in several.stdout


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        pytest.param({"REGISTRY_ADDRESS": "0.0.0.0:7"}, "AIREGISTRY_REGISTRY_ADDRESS: refusing to listen", id="open"),
        pytest.param({"RATE_LIMIT": "many"}, "AIREGISTRY_RATE_LIMIT", id="setting"),
        pytest.param(
            {"ACCESS_LOG": "/none/access.log"}, "AIREGISTRY_ACCESS_LOG: cannot write /none/access.log", id="log"
        ),
        pytest.param({"TLS_CERT_FILE": "/none.crt", "TLS_KEY_FILE": "/none.key"}, "/none.crt", id="certificate"),
    ],
)
def test_what_cannot_be_is_said(settings, words, tmp_path):
    for command in ("config", "prepare"):
        done = envoy(command, "registry", "--folder", str(tmp_path), **settings)
        assert done.exit_code == 2
        assert words in done.stderr.replace("\n", " ")
    assert list(tmp_path.iterdir()) == []


@dataclass
class Started:
    """An Envoy that its script started."""

    process: asyncio.subprocess.Process
    address: str
    admin: Path
    log: Path

    async def end(self, seconds=60):
        """Return its exit code."""
        async with asyncio.timeout(seconds):
            return await self.process.wait()


@asynccontextmanager
async def started(tmp_path, **settings):
    folder = tmp_path / "run of it"
    prepared = envoy("prepare", "registry", "--folder", str(folder), REGISTRY_ADDRESS="127.0.0.1:0", **settings)
    assert prepared.exit_code == 0, prepared.stderr
    script = prepared.stdout.strip()
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE((folder / "run").stat().st_mode) == 0o700
    log = tmp_path / "log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIREGISTRY_")}
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            script,
            env={**environment, "AIREGISTRY_DATA_DIR": str(tmp_path)},
            # As under an init system: nobody holds the other end.
            stdin=asyncio.subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        (address,) = await addresses_of(folder / "admin.sock", process, log)
        yield Started(process, address, folder / "admin.sock", log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_the_script_starts_it(tmp_path):
    async with started(tmp_path) as running:
        async with aiohttp.ClientSession(f"http://{running.address}") as session:
            async with session.get("/registry/v1/health") as answer:
                assert (await answer.json())["status"] == "SERVING"
            async with session.get("/registry/v1/models") as answer:
                assert answer.status == 200
        running.process.terminate()
        assert await running.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
async def test_calls_that_run_end_well_at_a_signal(tmp_path, number):
    async with started(tmp_path) as running:
        async with (
            aiohttp.ClientSession(f"http://{running.address}") as session,
            session.post("/registry/v1/resources:watch", json={}) as watch,
        ):
            await watch.content.readline()
            running.process.send_signal(number)
            # A connection that is cut raises.
            await watch.read()
        assert await running.end() == 0
        assert len(running.log.read_text().splitlines()) == 1


async def test_a_second_signal_ends_it_at_once(tmp_path):
    async def forever():
        await asyncio.Event().wait()
        yield b""

    async with started(tmp_path) as running, aio.insecure_channel(running.address) as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check", bytes, bytes)
        waiting = channel.stream_unary("/airegistry.v1.RegistryService/List", bytes, bytes)(forever())
        await waiting.wait_for_connection()
        assert await check(b"").code() is StatusCode.OK
        running.process.terminate()
        async with asyncio.timeout(30):
            while await check(b"").code() is StatusCode.OK:  # noqa: ASYNC110 - the server tells nobody else
                await asyncio.sleep(0.01)
        assert running.process.returncode is None
        running.process.terminate()
        assert await running.end() == 128 + signal.SIGTERM


async def test_the_access_log_has_the_last_request_before_a_signal(tmp_path):
    async with started(tmp_path, ACCESS_LOG=str(tmp_path / "access.log")) as running:
        async with aiohttp.ClientSession(f"http://{running.address}") as session:
            for _ in range(20):
                async with session.get("/registry/v1/models") as answer:
                    assert answer.status == 200
        running.process.terminate()
        assert await running.end() == 0
        assert len((tmp_path / "access.log").read_text().splitlines()) == 20
