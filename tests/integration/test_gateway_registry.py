"""The gateway and a real registry, which goes away and comes back; and the gateway as a process."""

import asyncio
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest

from airegistry import errors
from airegistry.client import GatewayClient
from tests import catalogs, providers
from tests.catalogs import chat
from tests.environments import environment
from tests.planes import CARRIER, NOWHERE, gateway_at, register, registry_at, until_revision
from tests.ports import free_address
from tests.providers import provider


async def test_what_is_registered_can_be_invoked_at_once(tmp_path):
    async with (
        provider(providers.ok) as up,
        registry_at(tmp_path) as registry,
        gateway_at(tmp_path, registry.address) as gateway,
        GatewayClient(gateway.address) as client,
    ):
        revision = await register(registry.address, *catalogs.served(up.url))
        await until_revision(gateway.cache, revision)
        answer = await client.invoke(chat())
    assert answer.settlement is not None
    assert (answer.settlement.revision, answer.settlement.stale) == (revision, False)


async def test_the_gateway_serves_while_the_registry_is_away_and_catches_up_after(tmp_path):
    async with provider(providers.ok) as up, AsyncExitStack() as first, AsyncExitStack() as rest:
        # Nobody else gets it while the registry is away.
        address = free_address()
        await first.enter_async_context(registry_at(tmp_path, address))
        await register(address, *catalogs.served(up.url))
        gateway = await rest.enter_async_context(gateway_at(tmp_path, address))
        async with GatewayClient(gateway.address) as client:
            await client.invoke(chat())
            await first.aclose()
            await client.invoke(chat())
            await rest.enter_async_context(registry_at(tmp_path, address))
            revision = await register(address, catalogs.model("n"), catalogs.endpoint("a", up.url, model="n"))
            await until_revision(gateway.cache, revision)
            await client.invoke(chat("n"))


async def test_the_gateway_starts_by_its_last_view_when_the_registry_is_away(tmp_path):
    async with provider(providers.ok) as up:
        async with registry_at(tmp_path) as registry:
            await register(registry.address, *catalogs.served(up.url))
            async with gateway_at(tmp_path, registry.address):
                pass
        async with gateway_at(tmp_path, NOWHERE) as gateway, GatewayClient(gateway.address) as client:
            answer = await client.invoke(chat())
    assert answer.settlement is not None
    assert answer.settlement.stale


async def test_a_credential_is_read_when_the_call_is_made(tmp_path):
    keyed = catalogs.WITH_KEY
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "from-file").write_text("file-secret\n")
    async with provider(providers.ok) as up:
        resources = [
            *catalogs.served(),
            catalogs.endpoint("a", up.url, communication=keyed, credential="from-file"),
            catalogs.model("n"),
            catalogs.endpoint("a", up.url, model="n", communication=keyed, credential="OF_ENV_API_KEY"),
            catalogs.model("o"),
            catalogs.endpoint("a", up.url, model="o", communication=keyed, credential="PATH"),
        ]
        environment = {"OF_ENV_API_KEY": "env-secret", "PATH": "not for providers"}
        async with (
            gateway_at(tmp_path, gateway_credentials_dir=folder, environment=environment) as gateway,
            GatewayClient(gateway.address) as client,
        ):
            gateway.cache.replace(resources, 1)
            await client.invoke(chat())
            await client.invoke(chat("n"))
            with pytest.raises(errors.NoCandidateError) as refused:
                await client.invoke(chat("o"))
    assert [peer.headers["authorization"] for peer in up.seen] == ["Bearer file-secret", "Bearer env-secret"]
    assert refused.value.metadata == {"credential": "1"}


@asynccontextmanager
async def process(folder, **settings: str):
    """Run `python -m gateway` and yield the process; it is killed at the end if it still runs."""
    usual = {
        "DATA_DIR": folder,
        "ADDRESS": NOWHERE,
        "GATEWAY_ADDRESS": "127.0.0.1:0",
        "GATEWAY_HTTP_ADDRESS": "127.0.0.1:0",
        "GATEWAY_START_WAIT": "0",
    }
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        env=environment(**usual | settings),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def test_the_process_starts_with_one_line_and_stops_on_a_signal(tmp_path):
    async with process(tmp_path, LOG_FORMAT="json") as running:
        assert running.stderr is not None
        async with asyncio.timeout(30):
            while b"the gateway serves" not in (line := await running.stderr.readline()):
                assert line, "it ended instead"
            url = line.decode().partition("http://")[2].partition(",")[0]
            async with aiohttp.ClientSession() as session, session.get(f"http://{url}/health") as reply:
                assert (await reply.json())["status"] == "SERVING"
            running.send_signal(signal.SIGTERM)
            assert await running.wait() == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        pytest.param({"GATEWAY_DRIAN": "1"}, "AIREGISTRY_GATEWAY_DRAIN", id="unknown-setting"),
        pytest.param({"GATEWAY_ADDRESS": "0.0.0.0:0"}, "AIREGISTRY_INSECURE", id="open-grpc"),
        pytest.param(
            {"GATEWAY_HTTP_ADDRESS": "0.0.0.0:0"},
            "AIREGISTRY_INSECURE",
            id="open-http",
            marks=pytest.mark.skipif(CARRIER == "envoy", reason="one process inside Envoy has one address"),
        ),
        pytest.param({"GATEWAY_CREDENTIAL_PATTERN": "("}, "not a regular expression", id="bad-pattern"),
    ],
)
async def test_the_process_refuses_to_start_and_says_why_in_one_line(tmp_path, settings, words):
    async with process(tmp_path, LOG_LEVEL="error", **settings) as running, asyncio.timeout(30):
        _, said = await running.communicate()
    assert running.returncode in (1, 2)
    assert words in said.decode()
    assert said.decode().count("\n") == 1
