"""Envoy's admin pages, as the program inside asks them."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from airegistry._rpc.envoy.admin import Admin
from airegistry._rpc.process import StartError


@asynccontextmanager
async def silent(path):
    """Run an Envoy that has begun to end: its main thread takes no request any more."""
    server = await asyncio.start_unix_server(lambda *_: None, path)
    try:
        yield Admin(path)
    finally:
        server.close()


async def test_an_envoy_that_ends_is_not_waited_for(tmp_path, caplog):
    async with silent(tmp_path / "admin.sock") as admin:
        admin.leave()
        async with asyncio.timeout(1):
            await admin.stop_listening()
            await admin.idle()
    assert not caplog.records


async def test_an_envoy_that_ends_before_it_serves_is_told(tmp_path):
    admin = Admin(tmp_path / "admin.sock")
    ready = asyncio.ensure_future(admin.ready())
    await asyncio.sleep(0)
    admin.leave()
    with pytest.raises(StartError, match="told to end"):
        await ready
