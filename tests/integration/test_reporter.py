"""What an engine measures arrives at the registry: once, or it is told that it does not."""

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from airegistry.backoff import Backoff
from airegistry.client import AnalyticsClient, RegistryClient
from airegistry.errors import (
    InternalError,
    InvalidArgumentError,
    OverloadedError,
    UnavailableError,
)
from airegistry.invocations.invocation import Attempt, AttemptOutcome
from airegistry.invoke.observer import Circumstances
from airegistry.observations.observation import RejectionReason
from airegistry.reporting import Reporter
from airegistry.testing import FakeRegistry
from tests import catalogs
from tests.analytics_servers import refused, taken, taking
from tests.observing import HERE
from tests.ports import free_address
from tests.waiting import until

NOWHERE = "http://127.0.0.1:1/v1"
NEVER = 3_600.0
PATIENT = 30.0


@pytest.fixture
def patient(monkeypatch):
    """A last report may take as long as a busy machine needs for it."""
    monkeypatch.setattr("airegistry.reporting.reporter.CLOSING", PATIENT)


def note(reporter, count=1, start=0):
    for number in range(start, start + count):
        attempt = Attempt(HERE, AttemptOutcome.OK, duration=float(number))
        reporter.attempt_ended(SimpleNamespace(name=HERE), attempt, Circumstances())


def durations(observations):
    return [round(each.duration) for each in observations]


@asynccontextmanager
async def reporting(address, **options: Any):
    """Run a reporter that looks for a registry often."""
    settings: dict[str, Any] = {"interval": 0.02, "backoff": lambda: Backoff(first=0.02, most=0.05)} | options
    async with AnalyticsClient(address, timeout=20.0) as client, Reporter(client, **settings) as reporter:
        yield reporter


@asynccontextmanager
async def registered(**options: Any):
    async with FakeRegistry(address=free_address(), **options) as fake:
        async with RegistryClient(fake.address) as client:
            await client.register([catalogs.model(), catalogs.endpoint("a", NOWHERE)])
        yield fake


async def test_what_is_noted_is_reported_after_a_while():
    async with taking() as reports, reporting(reports.address) as reporter:
        note(reporter, 3)
        await until(lambda: reporter.reported == 3)
        assert durations(reports.observations) == [0, 1, 2]
        assert (reporter.waiting, reporter.dropped) == (0, 0)
        assert {request.reporter_id for request in reports.requests} == {reporter.reporter_id}


async def test_a_full_batch_does_not_wait():
    async with taking() as reports, reporting(reports.address, interval=NEVER) as reporter:
        # The first look is at nothing.
        await asyncio.sleep(0.01)
        note(reporter, 2_000)
        await until(lambda: reporter.reported == 2_000)


async def test_a_batch_whose_answer_was_lost_is_sent_again_unchanged():
    lost = refused(UnavailableError("gone"))
    async with taking(lost, lost, taken) as reports, reporting(reports.address) as reporter:
        note(reporter, 2)
        await until(lambda: reports.requests)
        note(reporter, 1, start=2)
        await until(lambda: reporter.reported == 3)
    first = [request for request in reports.requests if request.batch_number == 1]
    assert len(first) > 1
    assert all(request == first[0] for request in first)
    assert durations(reports.observations) == [0, 1, 2]


async def test_nothing_is_lost_or_counted_twice_while_a_registry_comes_and_goes():
    async with registered(drain=0.0) as fake, reporting(fake.address) as reporter:
        for round_ in range(5):
            note(reporter, 40, start=40 * round_)
            await asyncio.sleep(0.03)
            await fake.stop()
            note(reporter, 10, start=1_000 + 10 * round_)
            await asyncio.sleep(0.03)
            await fake.start()
        await until(lambda: reporter.waiting == 0)
        expected = [*range(200), *range(1_000, 1_050)]
        assert sorted(durations(fake.observations)) == expected
        assert (reporter.reported, reporter.dropped, fake.dropped_count) == (250, 0, 0)


async def test_beyond_its_bound_the_oldest_are_dropped_and_the_registry_learns_how_many(patient):
    async with registered() as fake:
        await fake.stop()
        async with reporting(fake.address, kept=50, interval=NEVER) as reporter:
            await asyncio.sleep(0.01)
            note(reporter, 120)
            assert (reporter.waiting, reporter.dropped) == (50, 70)
            await fake.start()
        assert durations(fake.observations) == list(range(70, 120))
        assert fake.dropped_count == 70


async def test_a_registry_that_asks_for_time_gets_it():
    busy = refused(OverloadedError("too much", retry_after=0.5))
    async with taking(busy, taken) as reports, reporting(reports.address) as reporter:
        note(reporter)
        began = time.monotonic()
        await until(lambda: reporter.reported == 1)
        assert time.monotonic() - began >= 0.5
        assert len(reports.requests) == 2


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(InvalidArgumentError.of("observations[0].outcome", "is wrong"), id="a-wrong-batch"),
        pytest.param(InternalError("internal error"), id="a-batch-that-breaks-the-registry"),
    ],
)
async def test_a_batch_that_is_never_taken_is_dropped_and_told(refusal, caplog):
    async with taking(refused(refusal)) as reports, reporting(reports.address) as reporter:
        note(reporter, 3)
        await until(lambda: reporter.dropped == 3)
        asked = len(reports.requests)
        await asyncio.sleep(0.1)
        assert len(reports.requests) == asked
        reports.behave(taken)
        note(reporter)
        await until(lambda: reporter.reported == 1)
        assert reports.requests[-1].dropped_count == 3
    assert len([record for record in caplog.records if "airegistry.reporting" in record.name]) == 1


async def test_a_registry_that_takes_no_reports_is_left_alone_until_another_one_comes(caplog):
    caplog.set_level(logging.WARNING)
    async with (
        FakeRegistry(address=free_address(), analytics=False, drain=0.0) as old,
        reporting(old.address) as reporter,
    ):
        note(reporter, 2)
        await until(lambda: caplog.records)
        note(reporter, start=2)
        await asyncio.sleep(0.2)
        note(reporter, start=3)
        assert len([record for record in caplog.records if "takes no reports" in record.message]) == 1
        assert (reporter.reported, reporter.waiting, reporter.dropped) == (0, 4, 0)
        await old.stop()
        async with taking(address=old.address) as reports:
            await until(lambda: reporter.reported == 4)
            assert durations(reports.observations) == [0, 1, 2, 3]
            # What came meanwhile waited in no batch: nobody was asked in vain.
            assert [request.batch_number for request in reports.requests] == [1, 2]


async def test_what_is_left_is_reported_at_the_end(patient):
    async with taking() as reports:
        async with reporting(reports.address, interval=NEVER) as reporter:
            await asyncio.sleep(0.01)
            note(reporter, 4_001)
        assert len(reports.observations) == 4_001
        assert reporter.waiting == 0


async def test_the_end_does_not_wait_long_for_a_registry_that_is_away(caplog):
    began = time.monotonic()
    async with reporting("127.0.0.1:1") as reporter:
        note(reporter, 7)
    assert time.monotonic() - began < 10
    assert reporter.waiting == 7
    assert any("7 observations were not reported" in record.message for record in caplog.records)


async def test_a_registry_that_comes_back_at_the_end_still_gets_what_is_left(patient):
    slow = lambda: Backoff(first=60.0, most=60.0)  # noqa: E731 - a factory
    async with registered() as fake:
        await fake.stop()
        async with reporting(fake.address, backoff=slow) as reporter:
            note(reporter, 5)
            await asyncio.sleep(0.3)
            await fake.start()
        assert durations(fake.observations) == [0, 1, 2, 3, 4]


async def test_the_end_does_not_wait_for_a_registry_that_takes_no_reports(caplog, patient):
    async with FakeRegistry(address=free_address(), analytics=False) as old:
        began = time.monotonic()
        async with reporting(old.address) as reporter:
            note(reporter, 2)
            await until(lambda: caplog.records)
        assert time.monotonic() - began < PATIENT / 2


async def test_what_cannot_be_written_ends_nothing():
    async with taking() as reports, reporting(reports.address) as reporter:
        unwritable = Attempt("\ud800", AttemptOutcome.OK)
        reporter.attempt_ended(SimpleNamespace(name=HERE), unwritable, Circumstances())
        await until(lambda: reporter.dropped == 1)
        note(reporter)
        await until(lambda: reporter.reported == 1)
        assert reports.requests[-1].dropped_count == 1


async def test_each_reporter_has_an_id_of_its_own():
    async with AnalyticsClient("127.0.0.1:1") as client:
        assert Reporter(client).reporter_id != Reporter(client).reporter_id


async def test_what_the_registry_did_not_count_is_known_by_its_reason():
    async with registered() as fake, reporting(fake.address) as reporter:
        note(reporter)
        stranger = Attempt("models/m/endpoints/gone", AttemptOutcome.OK)
        reporter.attempt_ended(SimpleNamespace(name=""), stranger, Circumstances())
        await until(lambda: reporter.waiting == 0)
        assert (reporter.reported, dict(reporter.rejected)) == (1, {RejectionReason.UNKNOWN_TARGET: 1})


async def test_a_clock_that_is_ahead_is_said_once(caplog):
    def ahead():
        return datetime.now(UTC) + timedelta(hours=1)

    async with registered() as fake, reporting(fake.address, clock=ahead) as reporter:
        for _ in range(2):
            note(reporter)
            await until(lambda: reporter.waiting == 0)
        assert (reporter.reported, dict(reporter.rejected)) == (0, {RejectionReason.FROM_THE_FUTURE: 2})
    assert len([record for record in caplog.records if "clock ahead" in record.message]) == 1
