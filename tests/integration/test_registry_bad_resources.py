"""Resources that a registry does not take: each is refused by its field, and nothing of its batch is applied."""

import math

import pytest
from google.protobuf.duration_pb2 import Duration
from grpc import StatusCode

from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1.endpoint_pb2 import DeclaredPerformance
from airegistry.v1.model_pb2 import Model
from airegistry.v1.price_pb2 import PRICE_BUCKET_INPUT_TOKENS, Price, PriceList, PriceSchedule
from airegistry.v1.resource_pb2 import Resource
from tests.bad_requests import INVALID, declaring, endpoint, model, refused

REFUSED_RESOURCES = [
    pytest.param(model(""), "resources[0].name", id="no-name"),
    pytest.param(model("models/Not An Id"), "resources[0].name", id="invalid-id"),
    pytest.param(model("models/" + "x" * 200), "resources[0].name", id="overlong-id"),
    pytest.param(model("things/m"), "resources[0].name", id="unknown-collection"),
    pytest.param(
        declaring(template='{"q": "{{ prompt }}"}'),
        "resources[0].endpoint.communication.custom.request_template",
        id="a-template-that-gives-no-json",
    ),
    pytest.param(
        declaring(text="out["),
        "resources[0].endpoint.communication.custom.response_paths[text]",
        id="a-path-that-is-none",
    ),
    pytest.param(model("agents/m"), "resources[0].name", id="name-of-another-kind"),
    pytest.param(Resource(name="models/m"), "resources[0].spec", id="no-spec"),
    pytest.param(
        endpoint(declared=DeclaredPerformance(reliability=math.nan)),
        "resources[0].endpoint.declared.reliability",
        id="nan",
    ),
    pytest.param(model(description="x" * 5_000_000), "resources[0].model.description", id="five-megabytes"),
    pytest.param(
        Resource(name="models/m", labels={"k": "v" * 300}, model=Model()), "resources[0].labels[k]", id="overlong-label"
    ),
    pytest.param(
        Resource(name="models/m", labels={"Not A Key": "v"}, model=Model()),
        "resources[0].labels[Not A Key]",
        id="invalid-label-key",
    ),
]


@pytest.mark.parametrize(("resource", "path"), REFUSED_RESOURCES)
async def test_an_invalid_resource_is_refused_by_field(running, resource, path):
    async with running() as r:
        code, reason, paths, _ = await refused(r.stub.Register(pb.RegisterRequest(resources=[resource])))
        assert (code, reason) == (INVALID, "INVALID_ARGUMENT")
        assert path in paths
        assert r.registry.catalog.revision == 0


TOO_LARGE = [
    pytest.param([model(f"models/m{i}") for i in range(1001)], "1000", "1001", id="too-many"),
    pytest.param(
        [model(f"models/m{i}", license="x" * 8000) for i in range(450)], "3145728", None, id="three-mebibytes"
    ),
]


@pytest.mark.parametrize(("resources", "limit", "count"), TOO_LARGE)
async def test_what_is_too_large_is_refused_with_limit_and_count(running, resources, limit, count):
    async with running() as r:
        code, reason, _, metadata = await refused(r.stub.Register(pb.RegisterRequest(resources=resources)))
        assert (code, reason, metadata["limit"]) == (INVALID, "REQUEST_TOO_LARGE", limit)
        assert int(metadata["count"]) > int(limit)
        assert count in {None, metadata["count"]}
        assert r.registry.catalog.revision == 0


async def test_nothing_of_a_batch_is_applied_when_one_is_wrong(running):
    async with running() as r:
        batch = [model("models/good"), model("models/BAD"), endpoint()]
        _, _, paths, _ = await refused(r.stub.Register(pb.RegisterRequest(resources=batch)))
        assert paths[0] == "resources[1].name"
        code, reason, _, _ = await refused(r.stub.Get(pb.GetRequest(name="models/good")))
        assert (code, reason) == (StatusCode.NOT_FOUND, "NOT_FOUND")


async def test_a_negative_price_is_refused(running):
    async with running() as r:
        price = Price(bucket=PRICE_BUCKET_INPUT_TOKENS, nanos=-1)
        resource = endpoint(prices=PriceList(schedules=[PriceSchedule(prices=[price])]))
        code, reason, paths, _ = await refused(r.stub.Register(pb.RegisterRequest(resources=[model(), resource])))
        assert (code, reason) == (INVALID, "INVALID_ARGUMENT")
        assert paths == ["resources[1].endpoint.prices.schedules[0].prices[0].nanos"]


async def test_a_child_without_its_parent_is_refused(running):
    async with running() as r:
        code, reason, _, metadata = await refused(r.stub.Register(pb.RegisterRequest(resources=[endpoint()])))
        assert (code, reason, metadata["name"]) == (StatusCode.NOT_FOUND, "NOT_FOUND", "models/m")


async def test_a_stale_etag_is_refused(running):
    async with running() as r:
        stored = await r.stub.Register(pb.RegisterRequest(resources=[model()]))
        await r.stub.Register(pb.RegisterRequest(resources=[model(license="MIT")]))
        late = model(license="BSD")
        late.etag = stored.resources[0].etag
        code, reason, _, _ = await refused(r.stub.Update(pb.UpdateRequest(resource=late)))
        assert (code, reason) == (StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_a_foreign_lease_is_refused(running):
    async with running() as r:
        request = pb.RegisterRequest(resources=[model()], lease_ttl=Duration(seconds=60), owner_id="owner-0001")
        await r.stub.Register(request)
        request.owner_id = "owner-0002"
        code, reason, _, _ = await refused(r.stub.Register(request))
        assert (code, reason) == (StatusCode.ALREADY_EXISTS, "OWNED_BY_ANOTHER")


async def test_a_request_id_with_another_payload_is_refused(running):
    async with running() as r:
        await r.stub.Register(pb.RegisterRequest(resources=[model()], request_id="one"))
        other = pb.RegisterRequest(resources=[model("models/other")], request_id="one")
        code, reason, _, _ = await refused(r.stub.Register(other))
        assert (code, reason) == (INVALID, "REQUEST_ID_REUSED")
