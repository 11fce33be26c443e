"""One read for all who asked before it began, and the next one for who came later."""

import asyncio
import gc
from contextlib import suppress

import pytest

from airegistry.errors import UnavailableError
from registry.shared_read import SharedRead


class Source:
    """Answers 1, 2, 3, … to one call after the other, each when it is told to."""

    def __init__(self):
        self.begun = 0
        self.underway = 0
        self.most_underway = 0
        self.answers = asyncio.Semaphore(0)

    async def read(self):
        self.begun += 1
        number = self.begun
        self.underway += 1
        self.most_underway = max(self.most_underway, self.underway)
        try:
            await self.answers.acquire()
        finally:
            self.underway -= 1
        return number


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


def ask(shared, count=1):
    return [asyncio.ensure_future(shared()) for _ in range(count)]


async def test_who_asks_before_a_read_begins_shares_it():
    source = Source()
    asked = ask(SharedRead(source.read), 5)
    source.answers.release()
    assert await asyncio.gather(*asked) == [1] * 5


async def test_who_asks_during_a_read_gets_the_next_one():
    source = Source()
    shared = SharedRead(source.read)
    first = ask(shared)
    await settle()
    later = ask(shared, 3)
    await settle()
    assert source.begun == 1
    source.answers.release()
    assert await asyncio.gather(*first) == [1]
    await settle()
    assert [one.done() for one in later] == [False] * 3
    source.answers.release()
    assert await asyncio.gather(*later) == [2] * 3


async def test_one_read_runs_at_a_time_however_many_ask():
    source = Source()
    shared = SharedRead(source.read)
    asked = []
    for _ in range(20):
        asked += ask(shared, 3)
        await settle()
        source.answers.release()
    source.answers.release()
    await asyncio.gather(*asked)
    assert source.most_underway == 1
    assert source.begun <= 21


async def test_a_read_after_all_is_quiet_reads_again():
    source = Source()
    shared = SharedRead(source.read)
    for expected in (1, 2, 3):
        source.answers.release()
        assert await shared() == expected


async def test_a_failure_reaches_everybody_who_shared_it_and_nobody_else():
    failing = True

    async def read():
        await asyncio.sleep(0)
        if failing:
            raise UnavailableError("away")
        return "read"

    shared = SharedRead(read)
    outcomes = await asyncio.gather(*ask(shared, 3), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [UnavailableError] * 3
    failing = False
    assert await shared() == "read"


async def test_who_waits_behind_a_read_that_fails_gets_their_own():
    source = Source()

    async def read():
        number = await source.read()
        if number == 1:
            raise UnavailableError("away")
        return number

    shared = SharedRead(read)
    first = ask(shared)
    await settle()
    later = ask(shared)
    source.answers.release()
    source.answers.release()
    with pytest.raises(UnavailableError):
        await first[0]
    assert await later[0] == 2


async def test_a_caller_that_goes_away_takes_nothing_from_the_others():
    source = Source()
    shared = SharedRead(source.read)
    going, staying = ask(shared, 2)
    await settle()
    going.cancel()
    source.answers.release()
    assert await staying == 1
    with suppress(asyncio.CancelledError):
        await going
    assert going.cancelled()


async def test_a_failure_that_nobody_waits_for_is_nobodys(caplog):
    async def read():
        await asyncio.sleep(0)
        raise UnavailableError("away")

    # What other tests left says so before.
    gc.collect()
    caplog.clear()
    shared = SharedRead(read)
    (going,) = ask(shared)
    await asyncio.sleep(0)
    going.cancel()
    await settle()
    del shared, going
    # A task whose failure was never looked at says so when it is collected.
    gc.collect()
    assert not caplog.records
