"""The echo service inside an Envoy that the tests of a module share, and a connection of its own for each of them."""

import pytest_asyncio

from tests.echo_servers import connected, echoing


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address():
    async with echoing() as address:
        yield address


@pytest_asyncio.fixture(loop_scope="module")
async def channel(address):
    async with connected(address) as channel:
        yield channel
