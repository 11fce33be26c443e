"""The registry's own probes of a real model."""

import asyncio

import pytest

from airegistry.client import RegistryClient
from airegistry.resources.endpoint import ProbeStep, Probing
from airegistry.resources.resource import Health
from tests import catalogs
from tests.e2e.real_models.llama import llama_server
from tests.e2e.real_models.scene import DIALECTS, serving
from tests.planes import register, registry_at

OFTEN = Probing(max_step=ProbeStep.REQUEST, interval=1.0)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_probe_asks_for_a_token_and_finds_the_model_serving(llama, tmp_path, dialect):
    before = await llama.tokens_made()
    async with registry_at(tmp_path) as registry:
        endpoint = serving("m", llama, dialect, probing=OFTEN)
        await register(registry.address, catalogs.model(), endpoint)
        async with RegistryClient(registry.address) as client:
            status = await until(client, endpoint.name, Health.SERVING)
    assert status.probe.step is ProbeStep.REQUEST
    assert await llama.tokens_made() > before


async def test_a_model_that_was_killed_is_found_out(files, tmp_path):
    async with llama_server(files, tmp_path) as server, registry_at(tmp_path) as registry:
        endpoint = serving("m", server, "openai.chat", probing=OFTEN)
        await register(registry.address, catalogs.model(), endpoint)
        async with RegistryClient(registry.address) as client:
            await until(client, endpoint.name, Health.SERVING)
            server.kill()
            await until(client, endpoint.name, Health.NOT_SERVING)


async def until(client, name, health):
    """Return the status of a resource once its health is that."""
    async with asyncio.timeout(30):
        while True:
            status = (await client.get(name)).status
            if status is not None and status.health is health:
                return status
            await asyncio.sleep(0.1)
