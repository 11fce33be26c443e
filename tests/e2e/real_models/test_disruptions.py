"""Callers that go away from a real model, and real models that go away from their callers."""

import asyncio
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

import pytest

from airegistry.resources.route import RoutePolicy, RouteTarget, RouteTier
from tests import catalogs
from tests.e2e.real_models.asking import Ask, Got, heard, refused
from tests.e2e.real_models.llama import ENDLESS, llama_server
from tests.e2e.real_models.scene import CALLERS, DIALECTS, scene, serving

EVER = 16_000
"""More tokens than are made in the time that a test takes."""
WHOLE = 200
HOLD_BACK = RoutePolicy(hold_back_tokens=100_000, hold_back_duration=60.0)

pytestmark = [
    pytest.mark.parametrize("dialect", DIALECTS),
    pytest.mark.parametrize("by", CALLERS),
]


@asynccontextmanager
async def only_server(files, folder, dialect, *options):
    """Run a server that alone serves the model `m`."""
    async with (
        llama_server(files, folder, *options) as server,
        scene(folder, [catalogs.model(), serving("m", server, dialect)]) as ready,
    ):
        yield ready, server


@asynccontextmanager
async def two_servers(files, folder, dialect, policy):
    """Run a server that answers for ever and one that ends, and a route `r` that tries them in this order."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(llama_server(files, folder, *ENDLESS))
        second = await stack.enter_async_context(llama_server(files, folder))
        tiers = tuple(RouteTier((RouteTarget(model=f"models/{name}"),)) for name in ("first", "second"))
        resources = [
            *(catalogs.model(name) for name in ("first", "second")),
            serving("first", first, dialect),
            serving("second", second, dialect),
            catalogs.route("r", tiers=tiers, policy=policy),
        ]
        ready = await stack.enter_async_context(scene(folder, resources))
        yield ready, first, second


@asynccontextmanager
async def streaming(caller, ask):
    """Lend a stream of which some text came, and what came."""
    got = Got()
    async with aclosing(caller.streamed(ask, got)) as pieces:
        while not got.text:
            await anext(pieces)
        yield pieces, got


async def test_a_caller_that_goes_away_frees_the_slot(unending, endless, by, dialect):
    before = await endless.tokens_made()
    async with streaming(unending.callers[by], Ask(dialect, max_tokens=EVER)):
        assert len(await endless.busy()) == 1
    await endless.until_idle()
    assert await endless.tokens_made() - before < EVER // 2


async def test_a_caller_of_a_whole_answer_that_goes_away_frees_the_slot(unending, endless, by, dialect):
    before = await endless.tokens_made()
    asking = asyncio.create_task(unending.callers[by].whole(Ask(dialect, max_tokens=EVER)))
    await endless.until_busy()
    asking.cancel()
    await endless.until_idle()
    assert await endless.tokens_made() - before < EVER // 2


async def test_one_that_goes_away_does_not_disturb_another(unending, endless, by, dialect):
    caller = unending.callers[by]
    other = asyncio.create_task(heard(caller, Ask(dialect, max_tokens=300)))
    async with streaming(caller, Ask(dialect, max_tokens=EVER)):
        pass
    got = await other
    assert got.usage[1] == 300
    await endless.until_idle()


async def test_a_server_killed_in_the_middle_of_a_stream_is_one_error(files, tmp_path, by, dialect):
    async with only_server(files, tmp_path, dialect, *ENDLESS) as (ready, server):
        caller = ready.callers[by]
        async with streaming(caller, Ask("m", max_tokens=EVER)) as (pieces, got):
            server.kill()
            with pytest.raises(Exception) as failed:  # noqa: PT011 - each SDK has its own
                async for _ in pieces:
                    pass
    assert caller.reason(failed.value) in ("TRUNCATED_ANSWER", "PROVIDER_CONNECTION")
    assert got.finish == ""


async def test_a_killed_server_is_refused_by_what_it_is(files, tmp_path, by, dialect):
    async with only_server(files, tmp_path, dialect) as (ready, server):
        server.kill()
        reasons = [await refused(ready.callers[by], Ask("m"), streamed=streamed) for streamed in (False, True)]
    assert reasons == ["PROVIDER_CONNECTION", "PROVIDER_CONNECTION"]


async def test_a_server_killed_before_the_commit_point_is_replaced(files, tmp_path, by, dialect):
    async with two_servers(files, tmp_path, dialect, HOLD_BACK) as (ready, first, _):
        caller = ready.callers[by]
        asking = asyncio.create_task(heard(caller, Ask("r", max_tokens=EVER)))
        await first.until_busy()
        first.kill()
        got = await asking
        assert got == await heard(caller, Ask("second", max_tokens=EVER))
        assert got.finish == "stop"


async def test_a_whole_answer_survives_the_server_that_was_asked_first(files, tmp_path, by, dialect):
    async with two_servers(files, tmp_path, dialect, None) as (ready, first, _):
        caller = ready.callers[by]
        asking = asyncio.create_task(caller.whole(Ask("r", max_tokens=EVER)))
        await first.until_busy()
        first.kill()
        got = await asking
        assert got == await caller.whole(Ask("second", max_tokens=EVER))


async def test_a_server_that_falls_silent_is_replaced(files, tmp_path, by, dialect):
    policy = RoutePolicy(first_token_timeout=2.0)
    async with two_servers(files, tmp_path, dialect, policy) as (ready, first, _):
        caller = ready.callers[by]
        first.halt()
        got = await heard(caller, Ask("r", max_tokens=WHOLE))
        assert got == await heard(caller, Ask("second", max_tokens=WHOLE))
