"""Values at and beyond the edge of their type: refused by field, or stored and computed right, never in between."""

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode, aio

from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1.endpoint_pb2 import DeclaredPerformance, Endpoint
from airegistry.v1.model_pb2 import Lifecycle, Model
from airegistry.v1.price_pb2 import (
    PRICE_BUCKET_INPUT_TOKENS,
    PRICE_BUCKET_OUTPUT_TOKENS,
    Price,
    PriceList,
    PriceSchedule,
)
from airegistry.v1.requirements_pb2 import (
    CREDENTIAL_REQUIREMENT_ANY,
    HEALTH_REQUIREMENT_ANY,
    PREFERENCE_CHEAPEST,
    DiscoverQuery,
    Requirements,
    TokenMix,
)
from airegistry.v1.resource_pb2 import Resource
from tests.calls import refusal

INT64 = 2**63 - 1


def model(id_="m", **fields):
    return Resource(name=f"models/{id_}", model=Model(**fields))


def endpoint(id_="e", **fields):
    return Resource(
        name=f"models/m/endpoints/{id_}", endpoint=Endpoint(**{"provider": "p", "upstream_model": "m"} | fields)
    )


def first_token(**parts):
    return endpoint(declared=DeclaredPerformance(time_to_first_token=Duration(**parts)))


def retired(**parts):
    return model(lifecycle=Lifecycle(retire_time=Timestamp(**parts)))


def priced(id_, nanos):
    buckets = (PRICE_BUCKET_INPUT_TOKENS, PRICE_BUCKET_OUTPUT_TOKENS)
    schedule = PriceSchedule(prices=[Price(bucket=bucket, nanos=nanos) for bucket in buckets])
    return endpoint(id_, prices=PriceList(schedules=[schedule]))


async def refused(answering):
    with pytest.raises(aio.AioRpcError) as caught:
        await (answering.read() if isinstance(answering, aio.UnaryStreamCall) else answering)
    return refusal(caught.value)


async def untouched(running):
    """Whether nothing was applied, and the server goes on."""
    return (await running.stub.List(pb.ListRequest(collection="models"))).revision == 0


RETIRE, TOKEN = "resources[0].model.lifecycle.retire_time", "resources[0].endpoint.declared.time_to_first_token"


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        pytest.param(retired(seconds=INT64), RETIRE, id="time-int64"),
        pytest.param(retired(seconds=253_402_300_800), RETIRE, id="time-year-10000"),
        pytest.param(retired(seconds=-62_135_596_801), RETIRE, id="time-before-year-1"),
        pytest.param(retired(nanos=-1), RETIRE, id="time-negative-nanos"),
        pytest.param(retired(nanos=10**9), RETIRE, id="time-a-second-of-nanos"),
        pytest.param(first_token(seconds=-1), TOKEN, id="duration-negative"),
        pytest.param(first_token(seconds=10**12), TOKEN, id="duration-too-long"),
        pytest.param(first_token(seconds=-(2**63)), TOKEN, id="duration-int64"),
        pytest.param(first_token(seconds=1, nanos=-1), TOKEN, id="duration-of-two-signs"),
        pytest.param(
            Resource(name="models/m", create_time=Timestamp(seconds=INT64), model=Model()),
            "resources[0].create_time",
            id="time-that-would-be-ignored",
        ),
        pytest.param(
            Resource(name="models/m", labels={"😀": "v"}, model=Model()), "resources[0].labels[😀]", id="emoji"
        ),
        pytest.param(
            Resource(name="models/m", labels={"a\x1b[31m": "v"}, model=Model()),
            "resources[0].labels[a\x1b[31m]",
            id="control-characters",
        ),
        pytest.param(priced("e", -(2**63)), "resources[0].endpoint.prices.schedules[0].prices[0].nanos", id="price"),
    ],
)
async def test_a_value_beyond_its_type_is_refused_by_field(running, resource, path):
    async with running() as r:
        got = await refused(r.stub.Register(pb.RegisterRequest(resources=[resource])))
        assert (got.code, got.reason) == (StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
        assert path in got.paths
        assert await untouched(r)


@pytest.mark.parametrize(
    ("method", "request_", "path"),
    [
        pytest.param(
            "Register",
            pb.RegisterRequest(resources=[model()], owner_id="owner-01", lease_ttl=Duration(seconds=seconds)),
            "lease_ttl",
            id=f"ttl-{seconds}",
        )
        for seconds in (-5, 0, 10**12, INT64)
    ]
    + [
        pytest.param("Watch", pb.WatchRequest(bookmark_interval=Duration(seconds=-1)), "bookmark_interval", id="mark"),
        pytest.param(
            "Watch", pb.WatchRequest(bookmark_interval=Duration(seconds=10**12)), "bookmark_interval", id="mark-1e12"
        ),
        pytest.param(
            "Watch",
            pb.WatchRequest(filter=pb.WatchFilter(name_prefix="x" * 100_000)),
            "filter.name_prefix",
            id="prefix",
        ),
        pytest.param(
            "Watch",
            pb.WatchRequest(filter=pb.WatchFilter(capabilities=["tools", "x" * 100_000])),
            "filter.capabilities[1]",
            id="capability",
        ),
        pytest.param(
            "Get",
            pb.GetRequest(name="models/m", consistency=pb.ReadConsistency(level=2, min_revision=-(2**63))),  # type: ignore[arg-type]  # a number, as it comes over the wire
            "consistency.min_revision",
            id="revision",
        ),
        pytest.param("Get", pb.GetRequest(name="models/😀\x00"), "name", id="name"),
        pytest.param("Get", pb.GetRequest(name="models/" + "x" * 1_000_000), "name", id="name-1-mb"),
    ],
)
async def test_a_request_beyond_its_bounds_is_refused_by_field(running, method, request_, path):
    async with running() as r:
        got = await refused(getattr(r.stub, method)(request_))
        assert (got.code, got.reason, got.paths) == (StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", [path])
        assert await untouched(r)


async def test_a_resource_whose_fields_are_fine_but_together_too_large_is_refused_with_limit_and_count(running):
    large = Resource(
        name="models/m",
        labels={f"k{i}": "v" * 256 for i in range(64)},
        model=Model(description="x" * 8192, license="x" * 8192),
    )
    schedules = [PriceSchedule(variant={f"k{j}": "v" * 200 for j in range(8)}) for _ in range(64)]
    async with running() as r:
        await r.stub.Register(pb.RegisterRequest(resources=[large]))
        much = endpoint(prices=PriceList(schedules=schedules))
        for schedule in much.endpoint.prices.schedules:
            schedule.variant.update({f"x{j}": "v" * 4000 for j in range(8)})
        got = await refused(r.stub.Register(pb.RegisterRequest(resources=[much])))
        assert (got.code, got.reason) == (StatusCode.INVALID_ARGUMENT, "REQUEST_TOO_LARGE")
        assert (got.metadata["limit"], got.paths) == ("262144", ["resources[0]"])
        assert int(got.metadata["count"]) > 262_144
        assert (await r.stub.List(pb.ListRequest(collection="models"))).revision == 1


async def test_of_very_many_violations_some_are_told(running):
    async with running() as r:
        batch = [Resource(name="BAD" * 300 + str(i), model=Model()) for i in range(900)]
        got = await refused(r.stub.Register(pb.RegisterRequest(resources=batch)))
        assert got.paths[:3] == ["resources[0].name", "resources[1].name", "resources[2].name"]
        assert await untouched(r)


def cheapest(tokens: int, **fields: Any):
    asked = Requirements(
        credential=CREDENTIAL_REQUIREMENT_ANY,
        health=HEALTH_REQUIREMENT_ANY,
        usage=TokenMix(input_tokens=tokens, output_tokens=tokens),
        **fields,
    )
    return pb.DiscoverRequest(query=DiscoverQuery(requirements=asked, preference=PREFERENCE_CHEAPEST))


@pytest.mark.parametrize("tokens", [10**9, INT64])
async def test_costs_beyond_64_bits_rank_last_and_are_shown_as_the_most_there_is(running, tokens):
    async with running() as r:
        await r.stub.Register(pb.RegisterRequest(resources=[model(), priced("a-dear", INT64), priced("cheap", 1)]))
        found = await r.stub.Discover(cheapest(tokens))
        ranked = [(one.resource.name.rpartition("/")[2], one.cost_nanos) for one in found.candidates]
        assert ranked == [("cheap", (2 * tokens + 500_000) // 1_000_000), ("a-dear", INT64)]
        bounded = await r.stub.Discover(cheapest(tokens, max_cost_nanos=10**15))
        assert [one.resource.name for one in bounded.candidates] == ["models/m/endpoints/cheap"]


async def test_a_model_with_ten_thousand_endpoints_is_found_and_removed_as_one(running):
    async with running() as r:
        await r.stub.Register(pb.RegisterRequest(resources=[model()]))
        for start in range(0, 10_000, 1_000):
            batch = [endpoint(f"e{start + i}") for i in range(1_000)]
            await r.stub.Register(pb.RegisterRequest(resources=batch))
        listed = await r.stub.List(pb.ListRequest(collection="models/m/endpoints", page_size=1))
        assert listed.total_size == 10_000
        gone = await r.stub.Deregister(pb.DeregisterRequest(name="models/m"))
        assert len(gone.names) == 10_001
        assert (await r.stub.List(pb.ListRequest(collection="models/-/endpoints"))).total_size == 0


async def test_text_of_any_characters_comes_back_as_it_was(running):
    odd = "a\x00\x1b[31m\n😀\u202e\ufeff"
    async with running() as r:
        stored = Resource(name="models/m", labels={"k": odd}, model=Model(description=odd))
        await r.stub.Register(pb.RegisterRequest(resources=[stored]))
        got = (await r.stub.Get(pb.GetRequest(name="models/m"))).resource
        assert (got.labels["k"], got.model.description) == (odd, odd)
