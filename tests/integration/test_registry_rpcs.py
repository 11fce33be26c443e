"""Every RPC of the registry, called through generated stubs on a real server."""

import pytest
from google.protobuf import field_mask_pb2
from google.protobuf.duration_pb2 import Duration
from grpc import aio

from airegistry.v1 import discovery_pb2, requirements_pb2
from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1.agent_pb2 import Agent
from airegistry.v1.endpoint_pb2 import Communication, Endpoint
from airegistry.v1.model_pb2 import Capability, Model
from airegistry.v1.resource_pb2 import Resource
from airegistry.v1.route_pb2 import Route, RouteTarget, RouteTier


def a_model(name="models/m1", **labels):
    tools = {"tools": Capability(supported=True)}
    return Resource(name=name, labels=labels, model=Model(tasks=["text-generation"], capabilities=tools))


def an_endpoint(name="models/m1/endpoints/e1", credential="key"):
    return Resource(
        name=name,
        endpoint=Endpoint(
            provider="acme",
            address="https://acme.example/v1",
            upstream_model="m1",
            credential=credential,
            communication=Communication(dialect="openai.chat"),
        ),
    )


def a_query(*tasks):
    requirements = requirements_pb2.Requirements(task=tasks[0] if tasks else "")
    return pb.DiscoverRequest(query=requirements_pb2.DiscoverQuery(requirements=requirements))


async def test_register_answers_with_what_is_stored(running):
    async with running() as r:
        reply = await r.stub.Register(pb.RegisterRequest(resources=[a_model(team="a"), an_endpoint()]))
        assert (reply.revision, reply.created_count) == (1, 2)
        assert [resource.name for resource in reply.resources] == ["models/m1", "models/m1/endpoints/e1"]
        model, endpoint = reply.resources
        assert model.uid
        assert model.etag
        assert model.revision == endpoint.revision == 1
        assert model.model.tasks == ["text-generation"]
        assert not reply.HasField("lease_ttl")


async def test_an_identical_registration_moves_nothing(running):
    async with running() as r:
        request = pb.RegisterRequest(resources=[a_model()])
        await r.stub.Register(request)
        again = await r.stub.Register(request)
        assert (again.revision, again.unchanged_count, again.created_count) == (1, 1, 0)


async def test_get_returns_what_register_stored(running):
    async with running() as r:
        stored = (await r.stub.Register(pb.RegisterRequest(resources=[a_model(team="a")]))).resources[0]
        got = await r.stub.Get(pb.GetRequest(name="models/m1"))
        assert got.resource == stored
        assert got.revision == 1


async def test_a_read_waits_for_the_revision_it_asks_for(running):
    async with running() as r:
        consistency = pb.ReadConsistency(level=pb.CONSISTENCY_LEVEL_NOT_OLDER_THAN, min_revision=2)
        await r.stub.Register(pb.RegisterRequest(resources=[a_model()]))
        reading = r.stub.Get(pb.GetRequest(name="models/m1", consistency=consistency), timeout=30)
        await r.stub.Register(pb.RegisterRequest(resources=[a_model(team="b")]))
        assert (await reading).resource.labels["team"] == "b"


async def test_list_shows_one_revision_page_by_page(running):
    async with running() as r:
        await r.stub.Register(pb.RegisterRequest(resources=[a_model(f"models/m{i}") for i in range(5)]))
        first = await r.stub.List(pb.ListRequest(collection="models", page_size=2))
        await r.stub.Register(pb.RegisterRequest(resources=[a_model("models/m15"), a_model("models/m3", late="yes")]))
        await r.stub.Deregister(pb.DeregisterRequest(name="models/m4"))
        seen, page = [*first.resources], first
        while page.next_page_token:
            page = await r.stub.List(pb.ListRequest(collection="models", page_size=2, page_token=page.next_page_token))
            assert (page.revision, page.total_size) == (1, 5)
            seen += page.resources
        assert [resource.name for resource in seen] == [f"models/m{i}" for i in range(5)]
        assert not any(resource.labels for resource in seen)


async def test_list_selects_by_collection_and_labels(running):
    async with running() as r:
        resources = [
            a_model("models/a", team="x"),
            a_model("models/b"),
            an_endpoint("models/a/endpoints/e"),
            an_endpoint("models/b/endpoints/e"),
        ]
        await r.stub.Register(pb.RegisterRequest(resources=resources))

        async def names(**request):
            return [each.name for each in (await r.stub.List(pb.ListRequest(**request))).resources]

        assert await names(collection="models") == ["models/a", "models/b"]
        assert await names(collection="models", labels={"team": "x"}) == ["models/a"]
        assert await names(collection="models/b/endpoints") == ["models/b/endpoints/e"]
        assert await names(collection="models/-/endpoints") == ["models/a/endpoints/e", "models/b/endpoints/e"]
        assert await names(collection="agents") == []


async def test_a_page_ends_before_three_mebibytes(running):
    async with running() as r:
        for i in range(4):
            big = [
                Resource(name=f"models/m{i}{j}", model=Model(description="x" * 8000, license="y")) for j in range(100)
            ]
            await r.stub.Register(pb.RegisterRequest(resources=big))
        async with aio.insecure_channel(
            r.registry.address, options=[("grpc.max_receive_message_length", 3 * 1024 * 1024 + 10_000)]
        ) as channel:
            page = await type(r.stub)(channel).List(pb.ListRequest(collection="models", page_size=1000))
        assert page.next_page_token
        assert page.total_size == 400
        assert page.ByteSize() > 3_000_000


async def test_update_changes_the_named_fields_alone(running):
    async with running() as r:
        await r.stub.Register(pb.RegisterRequest(resources=[a_model(team="a")]))
        reply = await r.stub.Update(
            pb.UpdateRequest(
                resource=Resource(name="models/m1", model=Model(license="MIT", tasks=["other"])),
                update_mask=field_mask_pb2.FieldMask(paths=["model.license"]),
            )
        )
        assert reply.revision == 2
        assert (reply.resource.model.license, reply.resource.model.tasks) == ("MIT", ["text-generation"])


async def test_deregister_takes_the_endpoints_along(running):
    async with running() as r:
        await r.stub.Register(pb.RegisterRequest(resources=[a_model(), an_endpoint()]))
        reply = await r.stub.Deregister(pb.DeregisterRequest(name="models/m1"))
        assert (reply.revision, list(reply.names)) == (2, ["models/m1", "models/m1/endpoints/e1"])


async def test_heartbeat_renews_and_tells_which_leases_are_gone(running):
    async with running() as r:
        agent = Resource(name="agents/a1", agent=Agent(display_name="A"))
        granted = await r.stub.Register(
            pb.RegisterRequest(resources=[agent], lease_ttl=Duration(seconds=30), owner_id="owner-0001")
        )
        assert granted.lease_ttl.seconds == 30
        reply = await r.stub.Heartbeat(
            pb.HeartbeatRequest(
                owner_id="owner-0001",
                renewals=[pb.LeaseRenewal(name="agents/a1", load=0.5), pb.LeaseRenewal(name="agents/gone")],
            )
        )
        renewed, gone = reply.results
        assert (renewed.name, renewed.lease_ttl.seconds, renewed.HasField("error")) == ("agents/a1", 30, False)
        assert gone.error.code == 5
        assert not gone.HasField("lease_ttl")


async def test_discover_ranks_and_explains(running):
    async with running() as r:
        resources = [a_model(), an_endpoint(), an_endpoint("models/m1/endpoints/nokey", credential="")]
        stored = await r.stub.Register(pb.RegisterRequest(resources=resources))
        reply = await r.stub.Discover(a_query("text-generation"))
        (candidate,) = reply.candidates
        assert candidate.resource == stored.resources[1]
        assert candidate.model == stored.resources[0]
        assert candidate.invocable
        assert not candidate.HasField("cost_nanos")
        parts = candidate.score.parts
        assert [part.kind for part in parts] == [1, 2, 3, 4, 5, 6]
        assert candidate.score.total == pytest.approx(sum(part.contribution for part in parts))
        assert all(part.contribution == pytest.approx(part.value * part.weight) and part.basis for part in parts)
        assert (reply.matched_count, reply.revision) == (1, 1)
        assert [(e.reason, e.count) for e in reply.exclusions] == [(discovery_pb2.EXCLUSION_REASON_CREDENTIAL, 1)]


async def test_a_repeated_discover_sees_every_change(running):
    async with running() as r:
        await r.stub.Register(pb.RegisterRequest(resources=[a_model(), an_endpoint()]))
        for i in range(2, 10):
            assert len((await r.stub.Discover(a_query())).candidates) == i - 1
            await r.stub.Register(pb.RegisterRequest(resources=[an_endpoint(f"models/m1/endpoints/e{i}")]))


async def test_candidates_show_resources_as_they_are_now(running):
    async with running() as r:
        await r.stub.Register(pb.RegisterRequest(resources=[a_model(), an_endpoint()]))
        await r.stub.Discover(a_query())
        for turn in ("1", "2"):
            endpoint = an_endpoint()
            endpoint.labels["turn"] = turn
            stored = await r.stub.Register(pb.RegisterRequest(resources=[endpoint, a_model(turn=turn)]))
            (candidate,) = (await r.stub.Discover(a_query())).candidates
            assert [candidate.resource, candidate.model] == list(stored.resources)


async def test_models_can_be_left_out_of_candidates(running):
    async with running() as r:
        await r.stub.Register(pb.RegisterRequest(resources=[a_model(), an_endpoint()]))
        reply = await r.stub.Discover(pb.DiscoverRequest(omit_models=True))
        assert not reply.candidates[0].HasField("model")


async def test_a_batch_answers_in_order_from_one_revision(running):
    async with running() as r:
        await r.stub.Register(pb.RegisterRequest(resources=[a_model(), an_endpoint()]))
        reply = await r.stub.BatchDiscover(
            pb.BatchDiscoverRequest(requests=[a_query("no-such-task"), a_query("text-generation")])
        )
        assert [len(each.candidates) for each in reply.responses] == [0, 1]
        assert {reply.revision, *(each.revision for each in reply.responses)} == {1}


async def test_what_was_acknowledged_is_there_after_a_restart(running):
    async with running() as r:
        route = Resource(name="routes/r", route=Route(tiers=[RouteTier(targets=[RouteTarget(model="models/m1")])]))
        stored = await r.stub.Register(pb.RegisterRequest(resources=[a_model(), an_endpoint(), route]))
    async with running() as r:
        got = await r.stub.Get(pb.GetRequest(name="models/m1"))
        assert (got.revision, got.resource) == (1, stored.resources[0])
        assert len((await r.stub.Discover(pb.DiscoverRequest())).candidates) == 1
