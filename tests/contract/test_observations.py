"""What is promised of what was measured, on every store: counted once, shown alike, there again after a start."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from airegistry.errors import InvalidArgumentError, OverloadedError, UnavailableError
from registry.observations import folding
from registry.observations.delta import Delta
from registry.observations.heard import Heard
from registry.observations.intake import Batch, Intake
from registry.observations.observations import Observations
from registry.observations.past import past
from registry.observations.records import NUMBERS_APART, BatchKey, ClashError, Group
from registry.observations.retention import KEEP_EPOCHS, KEEP_MARKS, Retention
from registry.observations.targets import target_of
from registry.requests import Deregistration
from tests.contract.stores import running_catalog
from tests.measuring import ERROR, Told, content, measured
from tests.orders import ME, OTHER, batch, endpoint, heartbeat, leased, model

LONG = 30.0
NAME = "models/a/endpoints/x"
REPORTER = "reporter-one"


class Replica:
    """One catalog with what was measured of it, moved by hand: nothing but the intake runs by itself."""

    def __init__(self, store, catalog, **limits):
        self.store = store.observations
        self.catalog = catalog
        self.told = Told()
        self.observations = Observations(self.store, self.told, catalog.entries, catalog.feed)
        limits = {"gather": 0.01, "max_waiting": 100_000, "max_reporters": 100} | limits
        self.intake = Intake(self.store, self.observations.take, **limits)
        self.heard = Heard(self.store, self.observations, pause=0.05)

    def target(self, name=NAME):
        return target_of(self.catalog.entries[name])

    def batch(self, *found, number=1, reporter=REPORTER, content=b"content"):
        """A batch of observations of one target; each ended now unless it says more."""
        delta = measured(*({"at": self.store.now()} | one for one in found), targets=(self.target(),))
        return Batch(BatchKey(reporter, number), content, delta if found else Delta(), len(found))

    async def heartbeat(self, name=NAME, **report):
        beat = heartbeat(name, **report)
        self.heard.hear(beat, await self.catalog.heartbeat(beat))

    def load(self, name=NAME):
        return self.observations.performance(name).load

    async def until_load(self, load, name=NAME):
        async with asyncio.timeout(LONG):
            while self.load(name) != load or self.told.epoch < self.observations.epoch:
                await asyncio.sleep(0.01)
                await self.observations.follow()

    async def report(self, *found, **options):
        return await asyncio.wait_for(self.intake.submit(self.batch(*found, **options)), LONG)

    def attempts(self, name=NAME):
        return {window.window: window.attempts for window in self.observations.performance(name).windows}

    def shown(self):
        names = self.observations.measured_names("")
        return self.observations.epoch, {name: self.observations.performance(name) for name in names}


@asynccontextmanager
async def running(store, **limits):
    async with running_catalog(store) as catalog:
        replica = Replica(store, catalog, **limits)
        await replica.observations.load()
        tasks = [asyncio.create_task(each.run()) for each in (replica.intake, replica.heard)]
        try:
            yield replica
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


@pytest.fixture
async def replica(store):
    async with running(store) as replica:
        await replica.catalog.register(batch(model(), endpoint(), endpoint("y")))
        yield replica


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


async def agree(replicas):
    for one in replicas:
        await one.observations.follow()
    shown = [one.shown() for one in replicas]
    assert all(each == shown[0] for each in shown)
    for one in replicas:
        assert content(one.told.latest.values()) == content(replicas[0].told.latest.values())
        assert one.told.epoch == one.observations.epoch


async def test_what_was_reported_is_shown_and_told_to_the_index(replica):
    counted = await replica.report({"duration": 2.0}, {"outcome": ERROR, "error_class": 7})
    assert (counted.epoch, counted.replayed) == (1, False)
    assert replica.attempts() == {60: 2, 300: 2, 1800: 2, 86400: 2}
    assert replica.told.epoch == replica.observations.epoch == 1
    assert content(replica.told.latest.values()) == content([replica.observations.performance(NAME)])


async def test_the_revision_does_not_move(replica):
    before = replica.catalog.revision
    await replica.report({})
    assert await replica.catalog.catch_up() == replica.catalog.revision == before


async def test_the_load_of_a_heartbeat_is_shown_without_a_revision_and_is_there_after_a_start(replica):
    await replica.catalog.register(leased(endpoint(), endpoint("y")))
    before = replica.catalog.revision
    await replica.heartbeat(load=0.9)
    await replica.until_load(0.9)
    assert replica.load("models/a/endpoints/y") is None
    assert replica.told.latest[NAME].load == 0.9
    assert replica.observations.measured_names("") == [NAME]
    again = Observations(replica.store, Told(), replica.catalog.entries, replica.catalog.feed)
    await again.load()
    assert again.performance(NAME) == replica.observations.performance(NAME)
    assert await replica.catalog.catch_up() == replica.catalog.revision == before


async def test_many_heartbeats_make_few_epochs_and_the_last_one_counts(replica):
    await replica.catalog.register(leased(endpoint()))
    for number in range(50):
        await replica.heartbeat(load=number / 50)
    await replica.until_load(49 / 50)
    assert replica.observations.epoch < 50


async def test_a_heartbeat_without_load_takes_it_back_and_of_others_says_nothing(replica):
    await replica.catalog.register(leased(endpoint(), endpoint("y")))
    await replica.heartbeat(load=0.9)
    await replica.until_load(0.9)
    await replica.heartbeat()
    await replica.until_load(None)
    await replica.heartbeat("models/a/endpoints/y")
    await replica.heartbeat(load=0.2)
    await replica.until_load(0.2)
    assert replica.observations.measured_names("") == [NAME]


async def test_a_load_ends_with_its_lease(replica):
    await replica.catalog.register(leased(endpoint()))
    await replica.heartbeat(load=0.9)
    await replica.until_load(0.9)
    await replica.catalog.deregister(Deregistration(name=NAME, owner_id=ME))
    assert replica.observations.latest(NAME).load is None
    await replica.catalog.register(batch(endpoint()))
    assert replica.load() is None


async def test_who_may_not_renew_tells_no_load(replica):
    await replica.catalog.register(leased(endpoint()))
    await replica.heartbeat(load=0.9, owner_id=OTHER)
    await replica.heartbeat(load=0.5)
    await replica.until_load(0.5)
    assert replica.observations.epoch == 1


async def test_the_newest_heartbeat_counts_whichever_replica_heard_it(replicas):
    await replicas[0].catalog.register(leased(endpoint()))
    for one in replicas:
        await one.catalog.catch_up()
    for turn in range(6):
        load = turn / 10
        await replicas[turn % 3].heartbeat(load=load)
        for one in replicas:
            await one.until_load(load)


async def test_a_batch_that_is_sent_again_counts_once(replica):
    first = await replica.report({})
    again = await replica.report({})
    assert (again.replayed, again.epoch) == (True, first.epoch)
    assert replica.attempts()[60] == 1


async def test_a_batch_that_is_sent_twice_at_once_counts_once(replica):
    outcomes = await asyncio.gather(*(replica.report({}) for _ in range(5)))
    assert sorted(one.replayed for one in outcomes) == [False, True, True, True, True]
    assert replica.attempts()[60] == 1


async def test_reports_that_come_together_share_an_epoch(replica):
    outcomes = await asyncio.gather(*(replica.report({}, number=number) for number in range(1, 11)))
    assert {one.epoch for one in outcomes} == {1}
    assert replica.attempts()[60] == 10


@pytest.mark.parametrize("together", [True, False], ids=["together", "later"])
async def test_a_number_that_was_used_for_other_content_is_refused(replica, together):
    reports = [replica.report({}), replica.report({}, {}, content=b"other")]
    if together:
        outcomes = await asyncio.gather(*reports, return_exceptions=True)
    else:
        outcomes = [*await asyncio.gather(reports[0]), *await asyncio.gather(reports[1], return_exceptions=True)]
    assert isinstance(outcomes[1], InvalidArgumentError)
    assert [violation.field for violation in outcomes[1].violations] == ["batch_number"]
    assert replica.attempts()[60] == 1


async def test_numbers_too_far_behind_are_refused_because_nobody_knows_them(replica, store):
    for number in (1, NUMBERS_APART, NUMBERS_APART + 1):
        await replica.report({}, number=number)
    assert (await replica.report({}, number=2)).replayed is False
    with pytest.raises(InvalidArgumentError, match="64 apart"):
        await replica.report({}, number=1)
    # Those that are remembered are bounded.
    marks = await store.observations.marks([BatchKey(REPORTER, number) for number in (1, 2, 64, 65)])
    assert {key.number for key in marks.found} == {2, 64, 65}


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


async def test_a_batch_counts_once_over_a_start(open_store):
    async with open_store() as store, running(store) as replica:
        await replica.catalog.register(batch(model(), endpoint()))
        await replica.report({})
    async with open_store() as store, running(store) as again:
        assert (await again.report({})).replayed
        assert again.attempts()[60] == 1


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


async def test_one_reporter_too_many_is_refused_and_the_others_go_on(store):
    async with running(store, max_reporters=2) as replica:
        await replica.catalog.register(batch(model(), endpoint()))
        for reporter in ("reporter-a", "reporter-b"):
            await replica.report({}, reporter=reporter)
        with pytest.raises(OverloadedError, match="2 reporters") as refused:
            await replica.report({}, reporter="reporter-c")
        assert refused.value.retry_after
        await replica.report({}, reporter="reporter-a", number=2)
        await replica.intake.refresh()
        with pytest.raises(OverloadedError):
            await replica.report({}, reporter="reporter-c")


async def test_what_waits_is_bounded(store):
    async with running(store, max_waiting=3, gather=0.3) as replica:
        await replica.catalog.register(batch(model(), endpoint()))
        waiting = [asyncio.create_task(replica.report({}, number=number)) for number in (1, 2, 3)]
        await asyncio.sleep(0.01)
        with pytest.raises(OverloadedError) as refused:
            await replica.report({}, number=4)
        assert refused.value.retry_after
        await asyncio.gather(*waiting)
        await replica.report({}, number=4)
        assert replica.attempts()[60] == 4


async def test_who_waits_at_the_end_is_told(store):
    async with running(store, gather=0.5) as replica:
        await replica.catalog.register(batch(model(), endpoint()))
        waiting = asyncio.create_task(replica.report({}))
        await asyncio.sleep(0.01)
    with pytest.raises(UnavailableError):
        await waiting
    with pytest.raises(UnavailableError):
        await replica.intake.submit(replica.batch({}))


class Faulty:
    """A store whose commits fail or go unanswered, as often as is said."""

    def __init__(self, store, *, refused=0, unanswered=0):
        self._store = store
        self._refused = refused
        self._unanswered = unanswered

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def commit(self, group):
        if self._refused:
            self._refused -= 1
            raise UnavailableError("the database is away")
        epoch = await self._store.commit(group)
        if self._unanswered:
            self._unanswered -= 1
            raise UnavailableError("no answer")
        return epoch


@pytest.mark.parametrize("faults", [{"refused": 3}, {"unanswered": 1}], ids=["refused", "unanswered"])
async def test_a_commit_that_fails_or_is_not_answered_counts_once(replica, faults):
    replica.intake._store = Faulty(replica.store, **faults)
    counted = await replica.report({})
    assert (counted.epoch, counted.replayed) == (1, False)
    await replica.observations.follow()
    assert replica.attempts()[60] == 1


async def test_a_store_that_stays_away_is_told_to_everybody_who_waits(replica, monkeypatch):
    monkeypatch.setattr("registry.observations.intake.PATIENCE", 0.1)
    replica.intake._store = Faulty(replica.store, refused=1000)
    first = asyncio.create_task(replica.report({}, number=1))
    await asyncio.sleep(0.05)
    # Behind it in the queue: it need not be tried for as long again.
    second = asyncio.create_task(replica.report({}, number=2))
    for waiting in (first, second):
        with pytest.raises(UnavailableError) as refused:
            await waiting
        assert refused.value.retry_after
        assert second.done() or await asyncio.wait_for(asyncio.wait([second], timeout=0.02), LONG) == ({second}, set())
    assert replica.intake.waiting == 0
    replica.intake._store = replica.store
    assert not (await replica.report({}, number=1)).replayed


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
