"""What is reported to a registry is read in windows; what cannot count is named."""

import asyncio
import math
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import aio

from airegistry._convert import to_pb
from airegistry._status import from_call
from airegistry.client import RegistryClient
from airegistry.errors import InvalidArgumentError, NotFoundError, RegistryError, RequestTooLargeError
from airegistry.invocations.usage import Cost, CostState, Usage
from airegistry.observations.observation import RejectionReason
from airegistry.resources.requirements import DiscoverQuery
from airegistry.v1 import analytics_service_pb2 as pb
from airegistry.v1 import observation_pb2
from airegistry.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from tests.orders import fields_of
from tests.reports import LONG, NAME, REPORTER, attempt, attempts, report


async def test_what_is_reported_is_read_in_windows(client):
    response = await report(
        client,
        attempt(duration=2.0, time_to_first_token=1.0, usage=Usage(input_tokens=5, output_tokens=11)),
        attempt(cost=Cost(CostState.KNOWN, 7)),
        attempt(cost=Cost(CostState.PARTIAL, 1000, ("images",))),
        attempt("agents/scout"),
    )
    assert (response.counted, response.replayed, response.rejected) == (4, False, ())
    read = await client.get_performance(["agents/scout", NAME])
    assert [one.name for one in read.performances] == ["agents/scout", NAME]
    assert read.observation_epoch == response.observation_epoch
    window = read.performances[1].windows[0]
    assert (window.attempts, window.cost_nanos, window.costed, window.tokens) == (3, 7, 1, 16)
    assert math.isclose(window.tokens_per_second.p50, 10.0, rel_tol=0.02)
    assert abs(window.last_time - datetime.now(UTC)) < timedelta(minutes=1)


async def test_a_name_of_which_nothing_was_measured_has_no_windows(client):
    read = await client.get_performance([NAME])
    assert (read.performances[0].name, read.performances[0].windows) == (NAME, ())


async def test_discover_says_in_which_epoch_it_answers(client):
    epoch = (await report(client, attempt(duration=1.0))).observation_epoch
    async with RegistryClient(client.registry.address) as registry:
        found = await registry.discover(DiscoverQuery())
    assert found.observation_epoch == epoch


async def test_what_cannot_count_is_told_by_reason_and_the_rest_counts(client):
    now = datetime.now(UTC)
    response = await report(
        client,
        attempt(),
        attempt("models/a/endpoints/gone"),
        attempt(time=now + timedelta(seconds=90)),
        attempt(time=now - timedelta(days=2)),
        attempt(time=now - timedelta(minutes=5)),
        attempt("models/b/endpoints/gone", time=now + timedelta(seconds=90)),
        attempt(time=now + timedelta(seconds=30)),
    )
    assert response.counted == 2
    assert {one.reason: (one.count, one.first_index) for one in response.rejected} == {
        RejectionReason.UNKNOWN_TARGET: (2, 1),
        RejectionReason.FROM_THE_FUTURE: (1, 2),
        RejectionReason.TOO_OLD: (1, 3),
        RejectionReason.BEFORE_TARGET: (1, 4),
    }
    assert (await attempts(client))[60] == 2


async def test_a_batch_of_which_nothing_counts_is_remembered_too(client):
    first = await report(client, attempt("models/a/endpoints/gone"))
    assert (first.counted, first.replayed) == (0, False)
    assert (await report(client, attempt("models/a/endpoints/gone"))).replayed


def observation(**fields):
    message = to_pb(attempt(), observation_pb2.Observation)
    for name, value in fields.items():
        if isinstance(value, str | int):
            setattr(message, name, value)
        else:
            getattr(message, name).CopyFrom(value)
    return message


BAD = {
    "no-target": ({"target": ""}, "target"),
    "no-name": ({"target": "models/a/endpoints/"}, "target"),
    "a-model": ({"target": "models/a"}, "target"),
    "no-outcome": ({"outcome": 0}, "outcome"),
    "unknown-outcome": ({"outcome": 99}, "outcome"),
    "unknown-class": ({"error_class": 99}, "error_class"),
    "negative-duration": ({"duration": Duration(seconds=-1)}, "duration"),
    "negative-nanos": ({"duration": Duration(nanos=-1)}, "duration"),
    "endless-duration": ({"duration": Duration(seconds=2**60)}, "duration"),
    "too-many-nanos": ({"time_to_first_token": Duration(nanos=10**9)}, "time_to_first_token"),
    "negative-first-token": ({"time_to_first_token": Duration(seconds=-5)}, "time_to_first_token"),
    "no-time": ({"time": Timestamp(seconds=2**60)}, "time"),
}


async def raw_report(client, *observations, **fields):
    known: dict[str, Any] = {"reporter_id": REPORTER, "batch_number": 1, "observations": observations}
    known.update(fields)
    request = pb.ReportUsageRequest(**known)
    async with aio.insecure_channel(client.registry.address) as channel:
        try:
            return await AnalyticsServiceStub(channel).ReportUsage(request, timeout=LONG)
        except aio.AioRpcError as error:
            raise from_call(error) from None


@pytest.mark.parametrize(("fields", "field"), BAD.values(), ids=BAD)
async def test_a_value_that_means_nothing_is_named_and_nothing_counts(client, fields, field):
    with pytest.raises(InvalidArgumentError) as refused:
        await raw_report(client, observation(), observation(**fields))
    assert fields_of(refused) == [f"observations[1].{field}"]
    assert await attempts(client) == {}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"usage": Usage(output_tokens=-1)}, "usage.output_tokens"),
        ({"usage": Usage(cache_read_tokens=10**9 + 1)}, "usage.cache_read_tokens"),
        ({"cost": Cost(CostState.KNOWN, -1)}, "cost.nanos"),
        ({"cost": Cost(CostState.KNOWN, 10**15 + 1)}, "cost.nanos"),
    ],
    ids=["negative-tokens", "too-many-tokens", "negative-cost", "unbelievable-cost"],
)
async def test_counts_and_costs_out_of_range_are_named(client, fields, path):
    with pytest.raises(InvalidArgumentError) as refused:
        await report(client, attempt(**fields))
    assert fields_of(refused) == [f"observations[0].{path}"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"reporter_id": "short"}, "reporter_id"),
        ({"reporter_id": "x" * 129}, "reporter_id"),
        ({"reporter_id": "with\0zero"}, "reporter_id"),
        ({"batch_number": 0}, "batch_number"),
        ({"batch_number": -1}, "batch_number"),
        ({"batch_number": 2**63 - 1}, "batch_number"),
        ({"dropped_count": -1}, "dropped_count"),
        ({"observations": ()}, "observations"),
    ],
    ids=["short-id", "long-id", "zero-in-id", "no-number", "negative", "too-large", "negative-dropped", "empty"],
)
async def test_a_report_that_is_wrong_is_refused_by_its_field(client, fields, field):
    with pytest.raises(InvalidArgumentError) as refused:
        await raw_report(client, **{"observations": (observation(),)} | fields)
    assert fields_of(refused) == [field]


async def test_too_many_at_once_are_refused(client):
    with pytest.raises(RequestTooLargeError):
        await report(client, *[attempt()] * 2001)
    with pytest.raises(RequestTooLargeError):
        await client.get_performance([NAME] * 1001)


@pytest.mark.parametrize(
    ("names", "error"),
    [
        ([], InvalidArgumentError),
        (["models/a"], InvalidArgumentError),
        (["nonsense"], InvalidArgumentError),
        ([NAME, "models/a/endpoints/gone"], NotFoundError),
    ],
    ids=["none", "a-model", "no-name", "gone"],
)
async def test_names_that_cannot_be_measured_are_refused(client, names, error):
    with pytest.raises(error):
        await client.get_performance(names)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"period": -1.0}, InvalidArgumentError),
        ({"period": 1e9}, InvalidArgumentError),
        ({"step": 7.0}, InvalidArgumentError),
        ({"period": 5 * 86_400.0, "step": 60.0}, InvalidArgumentError),
        ({"period": 2 * 86_400.0, "step": 60.0}, RequestTooLargeError),
    ],
    ids=["negative", "longer-than-kept", "odd-step", "minutes-of-long-ago", "too-many"],
)
async def test_stats_that_are_not_kept_are_refused(client, asked, error):
    with pytest.raises(error):
        await client.get_stats(NAME, **asked)


async def test_stats_of_who_is_not_registered_are_not_found(client):
    assert await client.get_stats(NAME) == ()
    with pytest.raises(NotFoundError):
        await client.get_stats("models/a/endpoints/gone")


async def test_the_metrics_page_counts_what_was_reported(client):
    await report(client, attempt(), attempt("models/a/endpoints/gone"), dropped_count=3)
    await report(client, attempt(), attempt("models/a/endpoints/gone"), dropped_count=3)
    address = client.registry.http_address

    def read():
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as response:
            return response.read().decode()

    page = await asyncio.to_thread(read)
    for line in (
        "airegistry_observations_total 1.0",
        'airegistry_observations_rejected_total{reason="unknown_target"} 1.0',
        "airegistry_observations_dropped_total 3.0",
        "airegistry_reports_replayed_total 1.0",
        "airegistry_measured 1.0",
    ):
        assert line in page


async def test_bytes_that_are_no_report_are_refused(client):
    async with aio.insecure_channel(client.registry.address) as channel:
        call = channel.unary_unary("/airegistry.v1.AnalyticsService/ReportUsage", None, None)
        with pytest.raises(aio.AioRpcError) as refused:
            await call(b"\xff\xff\xff")
    assert isinstance(from_call(refused.value), RegistryError)
