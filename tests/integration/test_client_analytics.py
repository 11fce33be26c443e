"""What a client reports and reads of measurements, through a real server and over its restarts."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from airegistry.client import AnalyticsClient, Client, RegistryClient
from airegistry.errors import InvalidArgumentError, NotFoundError, UnimplementedError
from airegistry.invocations.invocation import AttemptOutcome
from airegistry.invocations.usage import Cost, CostState, Usage
from airegistry.observations.observation import RejectedObservations, RejectionReason
from airegistry.observations.performance import ErrorCount
from airegistry.resources.route import ErrorClass
from airegistry.testing import FakeRegistry
from tests import catalogs
from tests.observing import HERE, REPORTER, seen

NOWHERE = "http://127.0.0.1:1/v1"


@pytest.fixture
async def fake():
    async with FakeRegistry() as fake, RegistryClient(fake.address) as client:
        await client.register([catalogs.model(), catalogs.endpoint("a", NOWHERE), catalogs.endpoint("b", NOWHERE)])
        yield fake


@pytest.fixture
async def client(fake):
    async with RegistryClient(fake.address) as client:
        yield client


async def report(client, *observations, number=1, **fields):
    return await client.report_usage(observations, reporter_id=REPORTER, batch_number=number, **fields)


async def test_what_is_reported_is_measured_as_a_whole(client):
    usage, cost = Usage(input_tokens=10, output_tokens=4), Cost(CostState.KNOWN, 18_000)
    await report(
        client,
        seen(duration=2.5, time_to_first_token=0.5, usage=usage, cost=cost),
        seen(outcome=AttemptOutcome.ERROR, error_class=ErrorClass.RATE_LIMITED),
        seen(outcome=AttemptOutcome.CANCELED),
    )
    answer = await client.get_performance([HERE, "models/m/endpoints/b"])
    measured, nothing = answer.performances
    window = measured.windows[0]
    assert (window.window, window.attempts, window.canceled) == (60.0, 2, 1)
    assert window.errors == (ErrorCount(ErrorClass.RATE_LIMITED, 1),)
    assert window.time_to_first_token.p50 == pytest.approx(0.5, rel=0.02)
    assert window.tokens_per_second.p50 == pytest.approx(1.5, rel=0.02)
    assert (window.cost_nanos, window.costed, window.tokens) == (18_000, 1, 14)
    assert (nothing.name, nothing.windows) == ("models/m/endpoints/b", ())
    assert measured.observation_epoch == answer.observation_epoch


async def test_a_batch_that_comes_again_counts_once(fake, client):
    assert (await report(client, seen(), seen(), dropped_count=3)).counted == 2
    again = await report(client, seen(), seen(), dropped_count=3)
    assert (again.counted, again.replayed) == (0, True)
    assert (len(fake.observations), fake.dropped_count) == (2, 3)


async def test_a_large_batch_arrives_whole_and_in_order(fake, client):
    batch = [seen(duration=float(i)) for i in range(2_000)]
    assert (await report(client, *batch)).counted == 2_000
    assert [each.duration for each in fake.observations] == [each.duration for each in batch]


async def test_what_cannot_count_is_told_by_reason_and_the_rest_counts(client):
    now = datetime.now(UTC)
    answer = await report(
        client,
        seen("models/m/endpoints/gone"),
        seen(),
        seen(time=now + timedelta(hours=1)),
        seen(time=now - timedelta(days=2)),
        seen("models/m/endpoints/gone"),
        seen(time=now - timedelta(hours=1)),
    )
    assert answer.counted == 1
    assert set(answer.rejected) == {
        RejectedObservations(RejectionReason.UNKNOWN_TARGET, 2, 0),
        RejectedObservations(RejectionReason.FROM_THE_FUTURE, 1, 2),
        RejectedObservations(RejectionReason.TOO_OLD, 1, 3),
        RejectedObservations(RejectionReason.BEFORE_TARGET, 1, 5),
    }


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        pytest.param(lambda good: replace(good, target=""), "observations[1].target", id="target"),
        pytest.param(lambda good: replace(good, outcome=None), "observations[1].outcome", id="outcome"),
        pytest.param(lambda good: replace(good, duration=-1.0), "observations[1].duration", id="negative"),
    ],
)
async def test_a_batch_with_a_wrong_observation_names_it_and_counts_nothing(fake, client, wrong, field):
    with pytest.raises(InvalidArgumentError) as caught:
        await report(client, seen(), wrong(seen()))
    assert [violation.field for violation in caught.value.violations] == [field]
    assert fake.observations == ()


async def test_performance_of_what_is_not_registered_is_not_found(client):
    with pytest.raises(NotFoundError):
        await client.get_performance([HERE, "models/m/endpoints/gone"])


async def test_stats_are_windows_that_end_at_whole_multiples(client):
    await report(client, seen(duration=1.0))
    (performance,) = await client.get_stats(HERE, period=3_600.0, step=60.0)
    assert performance.windows[0].attempts == 1
    assert performance.time.timestamp() % 60 == 0
    with pytest.raises(InvalidArgumentError, match="step"):
        await client.get_stats(HERE, step=61.0)


async def test_a_watch_tells_everything_and_then_what_changes(client):
    await report(client, seen())
    async with aclosing(client.watch_performance()) as updates:
        first = await anext(updates)
        assert (first.snapshot, [each.name for each in first.performances]) == (True, [HERE])
        await report(client, seen("models/m/endpoints/b"), number=2)
        second = await anext(updates)
    assert (second.snapshot, [each.name for each in second.performances]) == (False, ["models/m/endpoints/b"])
    assert second.observation_epoch == 2


async def test_a_watch_is_narrowed_by_a_prefix(client):
    await report(client, seen(), seen("models/m/endpoints/b"))
    async with aclosing(client.watch_performance("models/m/endpoints/b")) as updates:
        assert [each.name for each in (await anext(updates)).performances] == ["models/m/endpoints/b"]


async def test_a_watch_goes_on_over_a_restart_with_everything(fake, client):
    await report(client, seen())
    async with aclosing(client.watch_performance(bookmark_interval=1.0)) as updates, asyncio.timeout(20):
        await anext(updates)
        await fake.stop()
        await fake.start()
        again = await anext(updates)
        while not again.snapshot:
            again = await anext(updates)
    assert [bool(each.windows) for each in again.performances] == [True]


async def test_a_registry_that_does_not_measure_says_so():
    async with FakeRegistry(analytics=False) as fake, AnalyticsClient(fake.address) as client:
        with pytest.raises(UnimplementedError):
            await client.get_performance([HERE])
        with pytest.raises(UnimplementedError):
            async with aclosing(client.watch_performance()) as updates:
                await anext(updates)


async def test_one_client_has_all_of_it(fake):
    async with Client(fake.address) as client:
        await report(client, seen())
        assert (await client.get_performance([HERE])).performances[0].windows


async def test_a_reconnect_is_noticed(fake, client):
    await client.get("models/m")
    waiting = asyncio.ensure_future(client.wait_for_reconnect())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await fake.stop()
    await fake.start()
    async with asyncio.timeout(20):
        await waiting
