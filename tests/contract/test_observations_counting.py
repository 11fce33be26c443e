"""What was reported, on every store: counted once, told to the index, refused where it cannot be."""

import asyncio

import pytest

from airegistry.errors import InvalidArgumentError, OverloadedError, UnavailableError
from registry.observations.records import NUMBERS_APART, BatchKey
from tests.contract.observed import LONG, NAME, REPORTER, running
from tests.measuring import ERROR, content
from tests.orders import batch, endpoint, model
from tests.waiting import until


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


async def test_a_batch_counts_once_over_a_start(open_store):
    async with open_store() as store, running(store) as replica:
        await replica.catalog.register(batch(model(), endpoint()))
        await replica.report({})
    async with open_store() as store, running(store) as again:
        assert (await again.report({})).replayed
        assert again.attempts()[60] == 1


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
    async with running(store, max_waiting=3) as replica:
        await replica.catalog.register(batch(model(), endpoint()))
        replica.intake._store = held = Held(replica.store)
        first = asyncio.create_task(replica.report({}, number=1))
        await held.asked.wait()
        waiting = [asyncio.create_task(replica.report({}, number=number)) for number in (2, 3, 5)]
        await until(lambda: replica.intake.waiting == 3)
        with pytest.raises(OverloadedError) as refused:
            await replica.report({}, number=4)
        assert refused.value.retry_after
        held.let_go.set()
        await asyncio.gather(first, *waiting)
        await replica.report({}, number=4)
        assert replica.attempts()[60] == 5


async def test_who_waits_at_the_end_is_told(store):
    async with running(store, gather=LONG) as replica:
        await replica.catalog.register(batch(model(), endpoint()))
        waiting = asyncio.create_task(replica.report({}))
        await until(lambda: replica.intake.waiting)
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


class Held(Faulty):
    """One whose commits begin, and go on when they are let go."""

    def __init__(self, store, **faults):
        super().__init__(store, **faults)
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()
        self.commits = 0

    async def commit(self, group):
        self.commits += 1
        self.asked.set()
        await self.let_go.wait()
        return await super().commit(group)


@pytest.mark.parametrize("faults", [{"refused": 3}, {"unanswered": 1}], ids=["refused", "unanswered"])
async def test_a_commit_that_fails_or_is_not_answered_counts_once(replica, faults):
    replica.intake._store = Faulty(replica.store, **faults)
    counted = await replica.report({})
    assert (counted.epoch, counted.replayed) == (1, False)
    await replica.observations.follow()
    assert replica.attempts()[60] == 1


async def test_a_store_that_stays_away_is_told_to_everybody_who_waits(replica, monkeypatch):
    monkeypatch.setattr("registry.observations.intake.PATIENCE", 0.1)
    replica.intake._store = away = Held(replica.store, refused=1000)
    first = asyncio.create_task(replica.report({}, number=1))
    await away.asked.wait()
    # Behind it in the queue: it need not be tried for as long again.
    second = asyncio.create_task(replica.report({}, number=2))
    await until(lambda: replica.intake.waiting)
    away.let_go.set()
    tried = set()
    for waiting in (first, second):
        with pytest.raises(UnavailableError) as refused:
            await waiting
        assert refused.value.retry_after
        tried.add(away.commits)
    assert len(tried) == 1
    assert replica.intake.waiting == 0
    replica.intake._store = replica.store
    assert not (await replica.report({}, number=1)).replayed
