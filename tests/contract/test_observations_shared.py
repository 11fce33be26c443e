"""What was measured, on replicas of one database: counted once, shown alike."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from registry.observations import folding
from registry.observations.records import ClashError, Group
from registry.observations.retention import KEEP_EPOCHS, Retention
from tests.contract.observed import LONG, agree, running
from tests.orders import batch, endpoint, leased, model


@pytest.fixture
async def replicas(open_postgres):
    """Three on one database; at the end all show the same."""
    async with AsyncExitStack() as stack:
        every = []
        for _ in range(3):
            store = await stack.enter_async_context(open_postgres(poll_interval=0.05))
            every.append(await stack.enter_async_context(running(store)))
        revision = (await every[0].catalog.register(batch(model(), endpoint(), endpoint("y")))).revision
        for one in every:
            await one.catalog.feed.wait_for(revision, LONG)
        yield every
        await agree(every)


async def test_the_newest_heartbeat_counts_whichever_replica_heard_it(replicas):
    await replicas[0].catalog.register(leased(endpoint()))
    for one in replicas:
        await one.catalog.catch_up()
    for turn in range(6):
        load = turn / 10
        await replicas[turn % 3].heartbeat(load=load)
        for one in replicas:
            await one.until_load(load)


async def test_replicas_show_the_same_whoever_was_told(replicas):
    for number in range(1, 13):
        await replicas[number % 3].report({"duration": number / 7, "cost": number}, number=number)
    await agree(replicas)
    assert replicas[0].attempts()[60] == 12


async def test_replicas_that_are_told_at_once_make_one_history(replicas):
    reports = (replicas[n % 3].report({"duration": 1.0}, number=n) for n in range(1, 61))
    outcomes = await asyncio.gather(*reports)
    assert not any(one.replayed for one in outcomes)
    await agree(replicas)
    assert replicas[1].attempts()[60] == 60


async def test_a_batch_that_reaches_two_replicas_counts_once(replicas):
    for number in range(1, 11):
        outcomes = await asyncio.gather(*(one.report({}, number=number) for one in replicas))
        assert sorted(one.replayed for one in outcomes) == [False, True, True]
        assert len({one.epoch for one in outcomes}) == 1
    await agree(replicas)
    assert replicas[0].attempts()[60] == 10


async def test_two_replicas_that_decided_on_the_same_batch_clash(replicas):
    one, two = replicas[:2]
    found = one.batch({})
    group = Group("first", {found.key: found.fingerprint}, found.delta)
    await one.store.commit(group)
    with pytest.raises(ClashError):
        await two.store.commit(replace(group, id="second"))


async def test_a_replica_that_was_away_for_long_reads_everything_anew(replicas, clock):
    one, two = replicas[:2]
    for number in range(1, 6):
        await one.report({}, number=number)
        clock.time += KEEP_EPOCHS / 2
        await folding.fold_all(one.store)
        await folding.forget_all(one.store, Retention())
    assert (await two.store.since(two.observations.epoch))[0].number > two.observations.epoch + 1
    await agree(replicas)
    assert two.attempts()[86400] == 5


async def test_all_tick_and_one_epoch_comes_of_it(replicas, clock):
    await replicas[0].report({})
    await agree(replicas)
    clock.time += 300
    await asyncio.gather(*(one.observations.tick() for one in replicas))
    await agree(replicas)
    assert replicas[0].observations.epoch == 2
    assert replicas[2].attempts() == {1800: 1, 86400: 1}
