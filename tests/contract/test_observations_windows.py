"""The windows of what was measured, on every store: they move on, and are there again after a start."""

from registry.observations import folding
from registry.observations.retention import Retention
from registry.requests import Deregistration
from tests.contract.observed import NAME, running
from tests.orders import batch, endpoint, model


async def test_windows_move_on_though_nobody_reports(replica, clock):
    await replica.report({})
    clock.time += 61
    await replica.observations.tick()
    assert replica.attempts() == {300: 1, 1800: 1, 86400: 1}
    assert replica.told.latest[NAME].windows[0].window == 300
    epoch = replica.observations.epoch
    await replica.observations.tick()
    assert replica.observations.epoch == epoch


async def test_one_tick_is_enough_for_all(replica, store, clock):
    await replica.report({})
    clock.time += 10
    for _ in range(3):
        await store.observations.tick(10)
    assert [epoch.number for epoch in await store.observations.since(0)] == [1, 2]


async def test_time_never_goes_back(replica, clock):
    await replica.report({})
    time = replica.observations.performance(NAME).time
    clock.time -= 100
    await replica.report({}, number=2)
    assert replica.observations.performance(NAME).time == time


async def test_windows_are_the_same_after_a_start(open_store, clock):
    async with open_store() as store, running(store) as replica:
        await replica.catalog.register(batch(model(), endpoint(), endpoint("y")))
        for number in range(1, 30):
            at = replica.store.now()
            found = [{"duration": 0.1 * number, "cost": number}, {"at": at - 37 * number}, {"at": at - 997 * number}]
            await replica.report(*found, number=number)
            clock.time += 47
            await folding.fold_all(replica.store)
            await folding.forget_all(replica.store, Retention())
        epoch, shown = replica.shown()
        assert len(await replica.store.since(0)) < epoch, "nothing was dropped"
    async with open_store() as store, running(store) as again:
        assert again.shown() == (epoch, shown)
        clock.time += 61
        await again.observations.tick()
        assert again.attempts()[300] < shown[NAME].windows[2].attempts


async def test_who_is_registered_again_starts_anew(replica):
    await replica.report({})
    await replica.catalog.deregister(Deregistration(name=NAME))
    assert replica.observations.latest(NAME).windows == ()
    await replica.catalog.register(batch(endpoint()))
    assert replica.observations.performance(NAME).windows == ()
    await replica.report({}, number=2)
    assert replica.attempts()[86400] == 1


async def test_an_update_keeps_what_was_measured(replica):
    await replica.report({})
    await replica.catalog.register(batch(endpoint(weight=7)))
    assert replica.attempts()[60] == 1


async def test_what_is_known_of_nobody_is_dropped(replica, clock):
    await replica.report({})
    await replica.catalog.deregister(Deregistration(name=NAME))
    for left in (1, 0):
        await replica.observations.tidy()
        assert replica.observations.measured == left
    assert replica.observations.entries == 0
    await replica.catalog.register(batch(endpoint()))
    await replica.report({}, number=2)
    clock.time += 95_000
    await replica.observations.tick()
    await replica.observations.tidy()
    assert replica.observations.measured == 0


async def test_a_store_that_was_restored_is_read_anew(open_store, clock):
    async with open_store() as store, running(store) as replica:
        await replica.catalog.register(batch(model(), endpoint()))
        await replica.report({})
        # As if two more epochs had been in what the backup does not have.
        before = replica.observations._windows
        before.apply(2, clock.time, replica.batch({}, {}).delta)
        before.apply(3, clock.time, replica.batch({}, {}).delta)
        assert replica.attempts()[60] == 5
        await replica.observations.follow()
        assert replica.observations.epoch == replica.told.epoch == 1
        assert replica.attempts()[60] == replica.told.latest[NAME].windows[0].attempts == 1
