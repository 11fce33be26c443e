"""One demo backend for each module of tests: it has to stay healthy whatever the tests before did to it."""

import pytest_asyncio

from demo_backend.server import serve
from tests.demo_backends import FAST, connect, open_http


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url():
    async with serve(FAST) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="module")
async def sdk(url):
    async with connect(url) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def http(url):
    async with open_http(url) as client:
        yield client
