"""Servers that many tests share; none of them runs where no real model was made."""

import asyncio

import pytest

from tests.e2e.real_models.llama import ENDLESS, started
from tests.e2e.real_models.scene import scene, served
from tools.real_models.cache import real_models


@pytest.fixture(scope="session")
def files():
    found = real_models()
    if not found.cached:
        pytest.skip("no real model is cached: make real-models")
    return found


@pytest.fixture(scope="session")
def llama(files, tmp_path_factory):
    with started(files, tmp_path_factory.mktemp("llama")) as server:
        asyncio.run(server.until_ready())
        yield server


@pytest.fixture(scope="session")
def endless(files, tmp_path_factory):
    with started(files, tmp_path_factory.mktemp("endless"), *ENDLESS) as server:
        asyncio.run(server.until_ready())
        yield server


@pytest.fixture
async def real(llama, tmp_path):
    async with scene(tmp_path, served(llama)) as ready:
        yield ready


@pytest.fixture
async def unending(endless, tmp_path):
    async with scene(tmp_path, served(endless)) as ready:
        yield ready
