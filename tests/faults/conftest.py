import pytest_asyncio

from tests.faults.scene import open_scene


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory):
    """Return a gateway with callers, one for all tests of a module: what failed in it before must not show."""
    async with open_scene(tmp_path_factory.mktemp("gateway")) as opened:
        yield opened
