"""Requests that a registry does not understand: each is refused by its field, over the real wire."""

import math
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from grpc import StatusCode, aio

from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1 import requirements_pb2
from airegistry.v1.requirements_pb2 import DiscoverQuery, ScoreWeights
from tests.bad_requests import INVALID, model, query, refused


def preferring(number: Any):
    return pb.DiscoverRequest(query=DiscoverQuery(preference=number))


def consistency(level, revision):
    return pb.ReadConsistency(level=level, min_revision=revision)


UNARY = [
    pytest.param("Register", pb.RegisterRequest(), INVALID, "INVALID_ARGUMENT", "resources", id="empty-batch"),
    pytest.param(
        "Register",
        pb.RegisterRequest(resources=[model(), model()]),
        INVALID,
        "INVALID_ARGUMENT",
        "resources[1].name",
        id="a-name-twice",
    ),
    pytest.param(
        "Register",
        pb.RegisterRequest(resources=[model()], lease_ttl=Duration(seconds=60)),
        INVALID,
        "INVALID_ARGUMENT",
        "owner_id",
        id="lease-without-owner",
    ),
    pytest.param(
        "Register",
        pb.RegisterRequest(resources=[model(input_modalities=[77])]),
        INVALID,
        "INVALID_ARGUMENT",
        "resources[0].model.input_modalities[0]",
        id="unknown-enum",
    ),
    pytest.param("Get", pb.GetRequest(), INVALID, "INVALID_ARGUMENT", "name", id="get-nothing"),
    pytest.param(
        "Get",
        pb.GetRequest(name="models/m", consistency=consistency(9, 0)),
        INVALID,
        "INVALID_ARGUMENT",
        "consistency.level",
        id="unknown-consistency",
    ),
    pytest.param(
        "Get",
        pb.GetRequest(name="models/m", consistency=consistency(pb.CONSISTENCY_LEVEL_ANY, 3)),
        INVALID,
        "INVALID_ARGUMENT",
        "consistency.min_revision",
        id="revision-without-its-level",
    ),
    pytest.param("List", pb.ListRequest(), INVALID, "INVALID_ARGUMENT", "collection", id="list-nothing"),
    pytest.param(
        "List",
        pb.ListRequest(collection="models", page_size=-1),
        INVALID,
        "INVALID_ARGUMENT",
        "page_size",
        id="negative-page-size",
    ),
    pytest.param(
        "List",
        pb.ListRequest(collection="models", filter="model.famly == 'gpt'"),
        INVALID,
        "INVALID_ARGUMENT",
        "filter",
        id="list-filter",
    ),
    pytest.param(
        "List",
        pb.ListRequest(collection="models", labels={f"k{i}": "v" for i in range(33)}),
        INVALID,
        "INVALID_ARGUMENT",
        "labels",
        id="too-many-labels",
    ),
    pytest.param("Discover", pb.DiscoverRequest(limit=101), INVALID, "INVALID_ARGUMENT", "limit", id="limit-too-high"),
    pytest.param("Discover", pb.DiscoverRequest(limit=-1), INVALID, "INVALID_ARGUMENT", "limit", id="negative-limit"),
    pytest.param(
        "Discover",
        query(filter="endpoint.region =="),
        INVALID,
        "INVALID_ARGUMENT",
        "query.requirements.filter",
        id="discover-filter",
    ),
    pytest.param(
        "Discover",
        query(min_reliability=math.nan),
        INVALID,
        "INVALID_ARGUMENT",
        "query.requirements.min_reliability",
        id="nan-requirement",
    ),
    pytest.param(
        "Discover",
        preferring(42),
        INVALID,
        "INVALID_ARGUMENT",
        "query.preference",
        id="unknown-preference",
    ),
    pytest.param(
        "Discover",
        pb.DiscoverRequest(query=DiscoverQuery(weights=ScoreWeights(cost=-1))),
        INVALID,
        "INVALID_ARGUMENT",
        "query.weights.cost",
        id="negative-weight",
    ),
    pytest.param("BatchDiscover", pb.BatchDiscoverRequest(), INVALID, "INVALID_ARGUMENT", "requests", id="no-queries"),
    pytest.param(
        "BatchDiscover",
        pb.BatchDiscoverRequest(requests=[query(), query(max_cost_nanos=-5)]),
        INVALID,
        "INVALID_ARGUMENT",
        "requests[1].query.requirements.max_cost_nanos",
        id="a-bad-query-among-good",
    ),
    pytest.param(
        "BatchDiscover",
        pb.BatchDiscoverRequest(requests=[pb.DiscoverRequest(consistency=consistency(3, 0))]),
        INVALID,
        "INVALID_ARGUMENT",
        "requests[0].consistency",
        id="consistency-of-one-query",
    ),
    pytest.param(
        "BatchDiscover",
        pb.BatchDiscoverRequest(requests=[query()] * 101),
        INVALID,
        "REQUEST_TOO_LARGE",
        "requests",
        id="too-many-queries",
    ),
    pytest.param(
        "Update", pb.UpdateRequest(resource=model()), StatusCode.NOT_FOUND, "NOT_FOUND", None, id="update-missing"
    ),
    pytest.param(
        "Deregister",
        pb.DeregisterRequest(name="models/m"),
        StatusCode.NOT_FOUND,
        "NOT_FOUND",
        None,
        id="deregister-missing",
    ),
    pytest.param("Heartbeat", pb.HeartbeatRequest(), INVALID, "INVALID_ARGUMENT", "owner_id", id="heartbeat-of-nobody"),
]


@pytest.mark.parametrize(("method", "request_", "code", "reason", "path"), UNARY)
async def test_a_bad_request_is_refused_by_field(running, method, request_, code, reason, path):
    async with running() as r:
        got_code, got_reason, paths, _ = await refused(getattr(r.stub, method)(request_))
        assert (got_code, got_reason) == (code, reason)
        assert path is None or path in paths
        assert (await r.stub.List(pb.ListRequest(collection="models"))).revision == 0


@pytest.mark.parametrize("damage", ["garbage", "cut", "changed", "of-another-list"])
async def test_a_damaged_or_foreign_page_token_is_refused(running, damage):
    async with running() as r:
        await r.stub.Register(pb.RegisterRequest(resources=[model(f"models/m{i}") for i in range(3)]))
        token = (await r.stub.List(pb.ListRequest(collection="models", page_size=1))).next_page_token
        request = {
            "garbage": pb.ListRequest(collection="models", page_token=urlsafe_b64encode(b"garbage").decode()),
            "cut": pb.ListRequest(collection="models", page_token=token[:-4]),
            "changed": pb.ListRequest(collection="models", page_token=("b" if token[0] == "a" else "a") + token[1:]),
            "of-another-list": pb.ListRequest(collection="agents", page_token=token),
        }[damage]
        code, reason, paths, _ = await refused(r.stub.List(request))
        assert (code, reason, paths) == (INVALID, "INVALID_PAGE_TOKEN", ["page_token"])


async def test_a_read_of_the_future_runs_into_its_deadline(running):
    async with running() as r:
        future = consistency(pb.CONSISTENCY_LEVEL_NOT_OLDER_THAN, 10)
        with pytest.raises(aio.AioRpcError) as caught:
            await r.stub.Get(pb.GetRequest(name="models/m", consistency=future), timeout=0.2)
        assert caught.value.code() is StatusCode.DEADLINE_EXCEEDED


async def test_bytes_that_are_no_request_are_refused(running):
    async with running() as r:
        call = r.channel.unary_unary("/airegistry.v1.RegistryService/Discover")
        code, reason, _, _ = await refused(call(b"\xff\xff"))
        assert (code, reason) == (INVALID, "INVALID_ARGUMENT")


async def test_an_unexpected_error_tells_the_caller_nothing(running, monkeypatch, caplog):
    async with running() as r:

        def fail(*_arguments, **_options):
            raise RuntimeError("postgres://admin:hunter2@db")

        monkeypatch.setattr(r.registry.catalog.index, "discover", fail)
        with pytest.raises(aio.AioRpcError) as caught:
            await r.stub.Discover(pb.DiscoverRequest())
        assert (caught.value.code(), caught.value.details()) == (StatusCode.INTERNAL, "internal error")
        assert "hunter2" not in repr(caught.value.trailing_metadata())
        assert caplog.text.count("unhandled error") == 1


async def test_a_query_may_ask_for_the_enum_s_zero(running):
    async with running() as r:
        unspecified = DiscoverQuery(target=requirements_pb2.DISCOVER_TARGET_UNSPECIFIED)
        assert not (await r.stub.Discover(pb.DiscoverRequest(query=unspecified))).candidates


def kinds(number: Any):
    return pb.WatchFilter(kinds=[number])


WATCHES = [
    pytest.param(pb.WatchRequest(after_revision=5), StatusCode.OUT_OF_RANGE, "REVISION_IN_FUTURE", [], id="future"),
    pytest.param(
        pb.WatchRequest(after_revision=-1), INVALID, "INVALID_ARGUMENT", ["after_revision"], id="negative-revision"
    ),
    pytest.param(
        pb.WatchRequest(resume_token="nonsense"), INVALID, "INVALID_ARGUMENT", ["resume_token"], id="bad-token"
    ),
    pytest.param(
        pb.WatchRequest(bookmark_interval=Duration(nanos=5)),
        INVALID,
        "INVALID_ARGUMENT",
        ["bookmark_interval"],
        id="interval-too-short",
    ),
    pytest.param(
        pb.WatchRequest(after_revision=0, skip_snapshot=True),
        INVALID,
        "INVALID_ARGUMENT",
        ["skip_snapshot"],
        id="skip-what-never-comes",
    ),
    pytest.param(
        pb.WatchRequest(after_revision=0, resume_token="x"),
        INVALID,
        "INVALID_ARGUMENT",
        ["after_revision"],
        id="two-positions",
    ),
    pytest.param(
        pb.WatchRequest(filter=pb.WatchFilter(filter="resource.name")),
        INVALID,
        "INVALID_ARGUMENT",
        ["filter.filter"],
        id="filter-expression",
    ),
    pytest.param(pb.WatchRequest(filter=kinds(9)), INVALID, "INVALID_ARGUMENT", ["filter.kinds[0]"], id="kind"),
    pytest.param(
        pb.WatchRequest(filter=pb.WatchFilter(capabilities=["c"] * 33)),
        INVALID,
        "INVALID_ARGUMENT",
        ["filter.capabilities"],
        id="too-many-capabilities",
    ),
]


@pytest.mark.parametrize(("request_", "code", "reason", "paths"), WATCHES)
async def test_a_bad_watch_is_refused(running, request_, code, reason, paths):
    async with running() as r:
        got = await refused(r.stub.Watch(request_))
        assert got[:3] == (code, reason, paths)
        assert (await r.stub.List(pb.ListRequest(collection="models"))).revision == 0
