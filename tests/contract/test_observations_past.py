"""What was measured long ago, on every store: rollups that add up, and what is kept for how long."""

import asyncio
from typing import Any

import pytest

from airegistry.errors import UnavailableError
from registry.observations import folding
from registry.observations.delta import Delta
from registry.observations.intake import Batch
from registry.observations.past import past
from registry.observations.records import BatchKey, ClashError
from registry.observations.retention import KEEP_EPOCHS, KEEP_MARKS, Retention
from tests.contract.observed import REPORTER, running
from tests.measuring import measured
from tests.orders import batch, endpoint, model


async def test_rollups_add_up_to_what_was_reported_and_end_at_whole_steps(replica, clock):
    target = replica.target()
    for number in range(1, 21):
        await replica.report({"duration": float(number), "cost": 10**15}, number=number)
        clock.time += 30
    clock.time += 60
    await folding.fold_all(replica.store)
    for step in (60, 300, 1800, 3600, 86400):
        found: Any = await past(replica.store, target, 86_400.0, float(step), Retention())
        assert sum(one.windows[0].attempts for one in found) == 20
        assert sum(one.windows[0].duration.count for one in found) == 20
        assert sum(one.windows[0].cost_nanos for one in found) == 20 * 10**15
        assert {one.time.timestamp() % step for one in found} == {0}
        assert {one.windows[0].window for one in found} == {step}
        assert [one.time for one in found] == sorted(one.time for one in found)


async def test_late_observations_go_into_the_rollup_of_their_time(replica, clock):
    target = replica.target()
    await replica.report({}, number=1)
    clock.time += 3600
    await folding.fold_all(replica.store)
    await replica.report({"at": clock.time - 3600}, number=2)
    clock.time += 60
    await folding.fold_all(replica.store)
    (hour,) = await past(replica.store, target, 86_400.0, 3600.0, Retention())
    assert hour.windows[0].attempts == 2


async def test_only_one_folds_what_several_want_to(replica, clock):
    target = replica.target()
    await replica.report({})
    clock.time += 60
    await asyncio.gather(*(folding.fold_all(replica.store) for _ in range(4)))
    with pytest.raises(ClashError):
        await replica.store.fold(0, 0, 1, {})
    (hour,) = await past(replica.store, target, 86_400.0, 3600.0, Retention())
    assert hour.windows[0].attempts == 1


async def test_a_fold_that_was_interrupted_is_gone_on_with_and_nothing_counts_twice(open_store, clock, monkeypatch):
    async with open_store() as store, running(store) as replica:
        await replica.catalog.register(batch(model(), *(endpoint(f"e{place}") for place in range(40))))
        names = [f"models/a/endpoints/e{place}" for place in range(40)]
        for number, name in enumerate(names * 2, 1):
            delta = measured({"at": replica.store.now()}, targets=(replica.target(name),))
            await replica.intake.submit(Batch(BatchKey(REPORTER, number), b"", delta, 1))
            clock.time += 5
        clock.time += 60
        fold = replica.store.fold
        shards: list[int] = []

        async def stop_half_way(shard, *rest):
            if len(shards) == 8:
                raise UnavailableError("the database is away")
            shards.append(shard)
            await fold(shard, *rest)

        monkeypatch.setattr(replica.store, "fold", stop_half_way)
        with pytest.raises(UnavailableError):
            await folding.fold_all(replica.store)
        epoch, shown = replica.shown()
    async with open_store() as store, running(store) as again:
        assert again.shown() == (epoch, shown)
        await again.intake.submit(Batch(BatchKey(REPORTER, 81), b"", Delta(), 0))
        clock.time += 60
        await folding.fold_all(again.store)
        for name in names:
            found: Any = await past(again.store, again.target(name), 86_400.0, 3600.0, Retention())
            assert sum(hour.windows[0].attempts for hour in found) == 2


async def test_retention_drops_what_is_old_and_nothing_else(replica, clock):
    target = replica.target()
    for number in range(1, 4):
        await replica.report({}, number=number)
        clock.time += 2 * 86_400
        await folding.fold_all(replica.store)
    retention = Retention(minutes=3600, hours=3 * 86_400, days=400 * 86_400)
    await folding.forget_all(replica.store, retention)

    async def kept(step):
        return len(await replica.store.rollups(target.uid, step, 0, int(clock.time)))

    assert [await kept(step) for step in (60, 3600, 86_400)] == [0, 1, 3]


async def test_the_newest_epoch_stays_and_what_is_in_no_rollup(replica, clock):
    for number in (1, 2, 3):
        await replica.report({}, number=number)
    clock.time += KEEP_EPOCHS + 1
    await folding.forget_all(replica.store, Retention())
    assert len(await replica.store.since(0)) == 3
    await folding.fold_all(replica.store)
    await folding.forget_all(replica.store, Retention())
    assert [epoch.number for epoch in await replica.store.since(0)] == [3]


async def test_reporters_are_forgotten_two_days_after_their_last_batch(replica, clock):
    await replica.report({})
    clock.time += KEEP_MARKS - 1
    await replica.report({}, reporter="reporter-two")
    assert set(await replica.store.reporters(10)) == {REPORTER, "reporter-two"}
    clock.time += 2
    await folding.forget_all(replica.store, Retention())
    assert set(await replica.store.reporters(10)) == {"reporter-two"}
