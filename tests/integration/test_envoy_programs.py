"""The programs with Envoy: what the settings of the listener come to."""

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import psutil
import pytest
from grpc import aio
from pydantic import ValidationError
from typer.testing import CliRunner

from airegistry._rpc.process import SettingsError
from airegistry.cli.app import build
from airegistry.cli.arguments import hoisted
from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1.registry_service_pb2_grpc import RegistryServiceStub
from gateway.config import Config as GatewayConfig
from tests.planes import gateway_at
from tests.tls_folders import TlsFolder


def environment(tmp_path, **settings):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIREGISTRY_")}
    usual = {"DATA_DIR": str(tmp_path / "data"), "REGISTRY_ADDRESS": "127.0.0.1:0", "LOG_FORMAT": "json"}
    return kept | {f"AIREGISTRY_{name}": value for name, value in (usual | settings).items()}


def run(tmp_path, **settings):
    """Run a registry that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "registry"],
        env=environment(tmp_path, **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def airegistry(*arguments):
    """Run the command."""
    return await asyncio.to_thread(CliRunner().invoke, build(), hoisted(arguments))


@asynccontextmanager
async def registry(tmp_path, **settings):
    """Run a registry inside Envoy; yield its address and its log."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "registry",
        env=environment(tmp_path, CARRIER="envoy", **settings),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            said = json.loads(await process.stderr.readline())
            yield said["event"].replace(",", "").split()[5], process.stderr
            process.terminate()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
def folder(tmp_path):
    return TlsFolder(tmp_path)


@pytest.fixture
def encrypted(folder):
    return {
        "TLS_CERT_FILE": str(folder.certificate),
        "TLS_KEY_FILE": str(folder.key),
        "TLS_CLIENT_CA_FILE": str(folder.authority_file),
    }


async def test_the_registry_knows_its_clients_and_takes_new_certificates(folder, encrypted, tmp_path, monkeypatch):
    monkeypatch.setattr("airegistry.cli.reaching._WAIT", 30.0)
    client = folder.authority.issue_cert("client.example")
    chain = b"".join(pem.bytes() for pem in client.cert_chain_pems)
    keys = grpc.ssl_channel_credentials(folder.authority_file.read_bytes(), client.private_key_pem.bytes(), chain)
    async with registry(tmp_path, **encrypted) as (address, log):
        async with aio.secure_channel(address, keys) as channel:
            answer = await RegistryServiceStub(channel).List(pb.ListRequest(collection="models"), wait_for_ready=True)
            assert answer.revision >= 0
        assert await folder.name_of(address, client=client) == ("first", "h2")
        folder.put("second")
        command = ("list", "models", "--registry", address, "--ca-file", str(folder.authority_file))
        unshown = await airegistry(*command, "--timeout", "30")
        assert unshown.exit_code == 3
        assert f"the registry at {address} speaks TLS: it needs --cert-file and --key-file" in unshown.stderr
        unknown = await airegistry("list", "models", "--registry", address, "--timeout", "30")
        assert unknown.exit_code == 3
        assert f"the registry at {address} speaks TLS: it needs --ca-file (AIREGISTRY_CA_FILE)" in unknown.stderr
        assert "--cert-file" in unknown.stderr
        (tmp_path / "client.crt").write_bytes(chain)
        (tmp_path / "client.key").write_bytes(client.private_key_pem.bytes())
        shown = ("--cert-file", str(tmp_path / "client.crt"), "--key-file", str(tmp_path / "client.key"))
        assert (await airegistry(*command, *shown)).exit_code == 0
        assert (await airegistry(*command, *shown[:2])).exit_code == 2
        await folder.wait_for_name(address, "second", client=client)
        assert "certificates have changed" in json.loads(await log.readline())["event"]


async def test_a_gateway_shows_the_registry_who_it_is(folder, encrypted, tmp_path):
    client = folder.authority.issue_cert("gateway.example")
    shown, key = tmp_path / "gateway.crt", tmp_path / "gateway.key"
    shown.write_bytes(b"".join(pem.bytes() for pem in client.cert_chain_pems))
    key.write_bytes(client.private_key_pem.bytes())
    known = {"gateway_registry_ca_file": folder.authority_file}
    pair = {"gateway_registry_cert_file": shown, "gateway_registry_key_file": key}
    async with registry(tmp_path, **encrypted) as (address, _):
        async with gateway_at(tmp_path / "known", address, **known, **pair, gateway_start_wait=30.0) as running:
            assert not running.cache.stale(time.monotonic())
        async with gateway_at(tmp_path / "unknown", address, **known, gateway_start_wait=1.0) as running:
            assert running.cache.stale(time.monotonic())


async def test_the_threads_of_envoy_and_of_the_program_do_not_interrupt_each_other(tmp_path):
    async with registry(tmp_path) as (address, _):
        port = int(address.rpartition(":")[2])
        of_envoy = [
            process
            for process in psutil.Process().children(recursive=True)
            if process.name() == "envoy" and port in {each.laddr.port for each in process.net_connections()}
        ]
        assert {os.sched_getscheduler(thread.id) for thread in of_envoy[0].threads()} == {os.SCHED_BATCH}


async def test_what_a_killed_one_left_is_removed_by_the_next(tmp_path):
    (tmp_path / "tmp").mkdir()
    settings = environment(tmp_path, CARRIER="envoy") | {"TMPDIR": str(tmp_path / "tmp")}
    command = (sys.executable, "-m", "registry")
    killed = await asyncio.create_subprocess_exec(*command, env=settings, stderr=asyncio.subprocess.PIPE)
    assert killed.stderr is not None
    await killed.stderr.readline()
    (left,) = (tmp_path / "tmp").glob("airegistry-registry-*")
    killed.kill()
    # Its Envoy drains, and goes.
    await asyncio.wait_for(killed.stderr.read(), 30)
    assert left.exists()
    following = await asyncio.create_subprocess_exec(*command, env=settings, stderr=asyncio.subprocess.PIPE)
    assert following.stderr is not None
    await following.stderr.readline()
    assert not left.exists()
    following.terminate()
    assert await following.wait() == 0
    assert not list((tmp_path / "tmp").glob("airegistry-registry-*"))


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"gateway_registry_cert_file": "a", "gateway_registry_key_file": "b"}, id="nobody-is-known"),
        pytest.param({"gateway_registry_ca_file": "a", "gateway_registry_cert_file": "b"}, id="no-key"),
        pytest.param({"gateway_registry_ca_file": "a", "gateway_registry_key_file": "b"}, id="no-certificate"),
    ],
)
def test_half_of_what_a_gateway_shows_is_refused(settings):
    with pytest.raises(ValidationError, match="AIREGISTRY_GATEWAY_REGISTRY_"):
        GatewayConfig(**settings)


async def test_authorities_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(SettingsError, match="AIREGISTRY_GATEWAY_REGISTRY_CA_FILE: cannot read /none"):
        async with gateway_at(tmp_path, gateway_registry_ca_file=Path("/none")):
            pass


@pytest.mark.parametrize("wrong", ["ca", "cert", "key"])
async def test_a_gateway_does_not_start_with_files_that_are_no_certificates(folder, tmp_path, wrong):
    (tmp_path / "empty").write_bytes(b"")
    known = {"ca": folder.authority_file, "cert": folder.certificate, "key": folder.key}
    files = {f"gateway_registry_{which}_file": file for which, file in (known | {wrong: tmp_path / "empty"}).items()}
    with pytest.raises(SettingsError, match=rf"AIREGISTRY_GATEWAY_REGISTRY_{wrong.upper()}_FILE.*\(PEM\)"):
        async with gateway_at(tmp_path, **files):
            pass


@pytest.mark.parametrize("wrong", ["--ca-file", "--cert-file", "--key-file"])
async def test_the_command_names_the_files_that_it_cannot_use(folder, wrong):
    (folder.path / "empty").write_bytes(b"")
    usual = {"--ca-file": folder.authority_file, "--cert-file": folder.certificate, "--key-file": folder.key}
    shown = [str(part) for pair in (usual | {wrong: folder.path / "empty"}).items() for part in pair]
    ended = await airegistry("list", "models", "--registry", "127.0.0.1:1", *shown)
    assert ended.exit_code == 2
    assert wrong in ended.output


@pytest.mark.parametrize("named", ["TLS_CERT_FILE", "TLS_KEY_FILE"])
def test_certificates_that_cannot_be_used_are_told_in_one_line(folder, encrypted, tmp_path, named):
    (folder.path / "empty").write_bytes(b"")
    ended = run(tmp_path, CARRIER="envoy", **encrypted | {named: str(folder.path / "empty")})
    assert ended.returncode == 2
    assert f"AIREGISTRY_{named}" in ended.stderr
    assert "are no certificate and its key" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_an_access_log_that_cannot_be_written_is_a_setting_that_does_not_fit(tmp_path):
    ended = run(tmp_path, CARRIER="envoy", ACCESS_LOG="/none/access.log")
    said = "registry: AIREGISTRY_ACCESS_LOG: cannot write /none/access.log: no such file or directory\n"
    assert (ended.returncode, ended.stderr) == (2, said)


def test_encryption_that_would_not_happen_is_refused(encrypted, tmp_path):
    ended = run(tmp_path, CARRIER="aio", **encrypted)
    assert ended.returncode == 2
    assert "AIREGISTRY_TLS_CERT_FILE: only the Envoy carrier" in ended.stderr
