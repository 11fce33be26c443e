"""The lane of what was measured: everything first, then the latest, to those who watch."""

import asyncio
from contextlib import AsyncExitStack, aclosing

import pytest

from airegistry.client import RegistryClient
from airegistry.client.analytics import AnalyticsClient
from airegistry.client.performances import Lane
from airegistry.errors import InvalidArgumentError, OverloadedError
from tests.orders import fields_of
from tests.reports import LONG, NAME, attempt, report


async def test_the_lane_begins_with_everything_and_goes_on_with_the_latest(client):
    await report(client, attempt())
    async with aclosing(client.watch_performance()) as updates:
        first = await asyncio.wait_for(anext(updates), LONG)
        assert (first.snapshot, [one.name for one in first.performances]) == (True, [NAME])
        epoch = 0
        for number in range(2, 6):
            epoch = (await report(client, attempt(), attempt("agents/scout"), number=number)).observation_epoch
        seen: dict[str, int] = {}
        while first.observation_epoch < epoch:
            first = await asyncio.wait_for(anext(updates), LONG)
            assert not first.snapshot
            seen |= {one.name: one.windows[0].attempts for one in first.performances}
        assert seen == {NAME: 5, "agents/scout": 4}


async def test_the_lane_tells_a_name_at_most_once_a_second(client):
    began = asyncio.get_running_loop().time()
    async with aclosing(client.watch_performance_once(Lane())) as messages:
        assert (await anext(messages)).snapshot
        told = 0
        for number in range(1, 40):
            await report(client, attempt(), number=number)

        async def read():
            nonlocal told
            async for message in messages:
                told += len(message.performances)
                if message.performances and message.performances[0].windows[0].attempts == 39:
                    break

        await asyncio.wait_for(read(), LONG)
    assert told <= 1 + (asyncio.get_running_loop().time() - began)


async def test_the_lane_tells_only_of_names_that_begin_as_asked(client):
    async with aclosing(client.watch_performance("agents/")) as updates:
        await anext(updates)
        await report(client, attempt(), attempt("agents/scout"))
        update = await asyncio.wait_for(anext(updates), LONG)
        assert [one.name for one in update.performances] == ["agents/scout"]


async def test_who_is_deregistered_is_told_without_windows(client):
    await report(client, attempt())
    async with aclosing(client.watch_performance()) as updates:
        await anext(updates)
        async with RegistryClient(client.registry.address) as registry:
            await registry.deregister(NAME)
        update = await asyncio.wait_for(anext(updates), LONG)
        assert [(one.name, one.windows) for one in update.performances] == [(NAME, ())]


async def test_a_bookmark_comes_when_nothing_changes(client):
    async with aclosing(client.watch_performance_once(Lane(bookmark_interval=1.0))) as messages:
        await anext(messages)
        bookmark = await asyncio.wait_for(anext(messages), LONG)
        assert (bookmark.performances, bookmark.observation_epoch, bookmark.snapshot) == ((), 0, False)


async def test_a_bookmark_interval_too_short_is_refused(client):
    with pytest.raises(InvalidArgumentError) as refused:
        await anext(client.watch_performance(bookmark_interval=0.1))
    assert fields_of(refused) == ["bookmark_interval"]


async def test_one_watcher_too_many_is_refused(measuring):
    async with measuring(registry_max_performance_watches=1) as client, aclosing(client.watch_performance()) as first:
        await anext(first)
        with pytest.raises(OverloadedError):
            await anext(client.watch_performance_once(Lane()))


async def test_shutdown_does_not_wait_for_watchers(measuring):
    async with AsyncExitStack() as stack:
        async with measuring(registry_drain=60.0) as client:
            address = client.registry.address
            watching = await stack.enter_async_context(AnalyticsClient(address, timeout=LONG))
            stream = watching.watch_performance_once(Lane())
            await anext(stream)
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 20
        # A last bookmark, and a clean end.
        assert [message.performances async for message in stream] in ([], [()])
