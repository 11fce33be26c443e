"""Envoy's admin pages, as the program inside asks them."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest

from airegistry._rpc.envoy.admin import Admin
from airegistry._rpc.process import StartError


@asynccontextmanager
async def silent(path):
    """Run an Envoy that has begun to end: its main thread answers no request any more. Lend who is connected, too."""
    peers: asyncio.Queue[Any] = asyncio.Queue()
    server = await asyncio.start_unix_server(lambda *streams: peers.put_nowait(streams), path)
    try:
        yield Admin(path), peers
    finally:
        server.close()
        while not peers.empty():
            peers.get_nowait()[1].close()


async def test_an_envoy_that_ends_is_not_waited_for(tmp_path, caplog):
    async with silent(tmp_path / "admin.sock") as (admin, _):
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


async def test_nor_is_the_answer_to_a_question_that_was_asked_before(tmp_path, monkeypatch):
    monkeypatch.setattr("airegistry._rpc.envoy.admin._LONGEST", 3600.0)
    async with silent(tmp_path / "admin.sock") as (admin, peers):
        ready = asyncio.ensure_future(admin.ready())
        streams = await peers.get()
        admin.leave()
        with pytest.raises(StartError, match="told to end"):
            await ready
        streams[1].close()
