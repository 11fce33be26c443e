"""What AnalyticsService promises, whoever serves it: the real registry, and the fake for users' tests."""

import asyncio
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from airegistry.client import RegistryClient
from airegistry.client.messages import DiscoverRequest, LeaseRenewal
from airegistry.discovery.answers import ScoreBasis, ScoreFigureKind, ScorePartKind
from airegistry.errors import InvalidArgumentError, NotFoundError
from airegistry.invocations.invocation import AttemptOutcome
from airegistry.invocations.usage import Cost, CostState, Usage
from airegistry.observations.observation import RejectedObservations, RejectionReason
from airegistry.observations.performance import ErrorCount
from airegistry.resources.requirements import DiscoverQuery, Preference
from airegistry.resources.route import ErrorClass
from airegistry.testing import FakeRegistry
from tests import catalogs
from tests.observing import HERE, REPORTER, seen
from tests.planes import registry_at

NOWHERE = "http://127.0.0.1:1/v1"
THERE = "models/m/endpoints/b"


@asynccontextmanager
async def fake_registry(_folder):
    async with FakeRegistry() as registry:
        yield registry


@pytest.fixture(params=[fake_registry, registry_at], ids=["fake", "real"])
async def client(request, tmp_path):
    async with request.param(tmp_path) as registry, RegistryClient(registry.address, timeout=30) as client:
        await client.register([catalogs.model(), catalogs.endpoint("a", NOWHERE), catalogs.endpoint("b", NOWHERE)])
        yield client


async def report(client, *observations, number=1, **fields):
    return await client.report_usage(observations, reporter_id=REPORTER, batch_number=number, **fields)


async def attempts(client):
    """Return how many attempts were measured of each window, the shortest first."""
    (performance,) = (await client.get_performance([HERE])).performances
    return [window.attempts for window in performance.windows]


async def test_what_is_reported_is_measured_as_a_whole(client):
    usage, cost = Usage(input_tokens=10, output_tokens=4), Cost(CostState.KNOWN, 18_000)
    await report(
        client,
        seen(duration=2.5, time_to_first_token=0.5, usage=usage, cost=cost),
        seen(outcome=AttemptOutcome.ERROR, error_class=ErrorClass.RATE_LIMITED),
        seen(outcome=AttemptOutcome.CANCELED),
    )
    answer = await client.get_performance([HERE, THERE])
    measured, nothing = answer.performances
    window = measured.windows[0]
    assert (window.window, window.attempts, window.canceled) == (60.0, 2, 1)
    assert window.errors == (ErrorCount(ErrorClass.RATE_LIMITED, 1),)
    assert window.time_to_first_token.p50 == pytest.approx(0.5, rel=0.02)
    assert window.tokens_per_second.p50 == pytest.approx(1.5, rel=0.02)
    assert (window.cost_nanos, window.costed, window.tokens) == (18_000, 1, 14)
    assert (nothing.name, nothing.windows) == (THERE, ())
    assert measured.observation_epoch == answer.observation_epoch


async def test_a_batch_that_comes_again_counts_once(client):
    batch = [seen(), seen()]
    assert (await report(client, *batch, dropped_count=3)).counted == 2
    again = await report(client, *batch, dropped_count=3)
    assert (again.counted, again.replayed) == (0, True)
    assert (await attempts(client))[0] == 2


async def test_a_number_is_of_one_content_only(client):
    await report(client, seen())
    with pytest.raises(InvalidArgumentError) as caught:
        await report(client, seen(), seen())
    assert [violation.field for violation in caught.value.violations] == ["batch_number"]
    assert (await attempts(client))[0] == 1


async def test_numbers_that_are_too_far_apart_are_refused(client):
    await report(client, seen(), number=65)
    assert (await report(client, seen(), number=2)).counted == 1
    with pytest.raises(InvalidArgumentError, match="at most 64 apart"):
        await report(client, seen(), number=1)


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
async def test_a_batch_with_a_wrong_observation_names_it_and_counts_nothing(client, wrong, field):
    with pytest.raises(InvalidArgumentError) as caught:
        await report(client, seen(), wrong(seen()))
    assert [violation.field for violation in caught.value.violations] == [field]
    assert await attempts(client) == []


async def test_performance_of_what_is_not_registered_is_not_found(client):
    with pytest.raises(NotFoundError):
        await client.get_performance([HERE, "models/m/endpoints/gone"])


async def test_stats_of_nothing_are_none_and_of_a_strange_step_an_error(client):
    assert await client.get_stats(HERE) == ()
    with pytest.raises(InvalidArgumentError, match="step"):
        await client.get_stats(HERE, step=61.0)


async def test_a_watch_tells_everything_and_then_what_changes(client):
    await report(client, seen())
    async with aclosing(client.watch_performance()) as updates:
        first = await anext(updates)
        assert (first.snapshot, [each.name for each in first.performances]) == (True, [HERE])
        await report(client, seen(THERE), number=2)
        second = await anext(updates)
    assert (second.snapshot, [each.name for each in second.performances]) == (False, [THERE])
    assert second.observation_epoch > first.observation_epoch


async def test_a_watch_is_narrowed_by_a_prefix(client):
    await report(client, seen(), seen(THERE))
    async with aclosing(client.watch_performance(THERE)) as updates:
        assert [each.name for each in (await anext(updates)).performances] == [THERE]


async def test_what_was_reported_changes_the_order_and_a_batch_of_queries_sees_one_epoch(client):
    before = await client.discover()
    assert [each.resource.name for each in before.candidates] == [HERE, THERE]
    failed = seen(outcome=AttemptOutcome.ERROR, error_class=ErrorClass.PROVIDER)
    counted = (await report(client, *[failed] * 40)).observation_epoch
    async with asyncio.timeout(30):
        while True:
            found = await client.discover()
            if found.observation_epoch >= counted:
                break
            await asyncio.sleep(0.05)
    assert [each.resource.name for each in found.candidates] == [THERE, HERE]
    (share,) = found.candidates[1].score.parts[2].figures
    assert (share.measured, share.samples) == (0.0, 40)
    batch = await client.batch_discover(
        [DiscoverRequest(), DiscoverRequest(DiscoverQuery(preference=Preference.FASTEST))]
    )
    assert {(each.revision, each.observation_epoch) for each in batch.responses} == {(batch.revision, counted)}
    assert batch.responses[0].candidates == found.candidates


async def test_the_load_of_heartbeats_is_told_and_changes_the_order(client):
    owner = "owner-1234"
    pair = [catalogs.endpoint(id_, NOWHERE) for id_ in "ab"]
    await client.register(pair, owner_id=owner, lease_ttl=30)
    revision = (await client.list_page("models")).revision

    async def told(busy, idle):
        await client.heartbeat([LeaseRenewal(busy, load=0.9), LeaseRenewal(idle, load=0.1)], owner_id=owner)
        async with asyncio.timeout(30):
            while True:
                loads = [each.load for each in (await client.get_performance([busy, idle])).performances]
                found = await client.discover(DiscoverQuery())
                if loads == [0.9, 0.1]:
                    return [each.resource.name for each in found.candidates], found.candidates[0].score
                await asyncio.sleep(0.02)

    order, score = await told(HERE, THERE)
    assert order == [THERE, HERE]
    (part,) = [part for part in score.parts if part.kind is ScorePartKind.LOAD]
    assert (part.value, part.basis) == (0.9, ScoreBasis.MEASURED)
    assert [(figure.kind, figure.measured) for figure in part.figures] == [(ScoreFigureKind.LOAD, 0.1)]
    order, _ = await told(THERE, HERE)
    assert order == [HERE, THERE]
    assert (await client.list_page("models")).revision == revision


async def test_the_lane_tells_loads(client):
    owner = "owner-1234"
    await client.register([catalogs.endpoint("a", NOWHERE)], owner_id=owner, lease_ttl=30)
    async with asyncio.timeout(30), aclosing(client.watch_performance()) as updates:
        await anext(updates)
        await client.heartbeat([LeaseRenewal(HERE, load=0.5)], owner_id=owner)
        async for update in updates:
            if update.performances:
                break
    assert [(each.name, each.load) for each in update.performances] == [(HERE, 0.5)]
    assert update.performances[0].load_time is not None
