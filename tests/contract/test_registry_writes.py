"""What RegistryService promises of writes, whoever serves it: the real registry, and the fake for users' tests."""

from dataclasses import replace

import pytest

from airegistry.errors import (
    AlreadyExistsError,
    EtagMismatchError,
    InvalidArgumentError,
    NotFoundError,
    RequestIdReusedError,
    RequestTooLargeError,
)
from airegistry.resources.endpoint import Communication
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource
from tests.contract.services import AGENT, MODEL, OWNER, an_endpoint


async def test_what_is_registered_is_returned_as_it_is_stored(client):
    response = await client.register([MODEL, an_endpoint()])
    assert (response.revision, response.created_count) == (1, 2)
    assert [resource.name for resource in response.resources] == ["models/a", "models/a/endpoints/one"]
    stored = await client.get("models/a")
    assert stored == response.resources[0]
    assert (stored.model, stored.revision, stored.status) == (MODEL.model, 1, None)
    assert stored.uid
    assert stored.etag
    assert stored.create_time == stored.update_time is not None


async def test_one_request_makes_one_revision(client):
    await client.register([MODEL, an_endpoint("one"), an_endpoint("two")])
    assert {(await client.get(name)).revision for name in ("models/a", "models/a/endpoints/two")} == {1}


async def test_an_identical_registration_does_not_move_the_revision(client):
    first = await client.register([MODEL])
    again = await client.register([replace(MODEL, revision=99, uid="mine")])
    assert (again.revision, again.unchanged_count) == (1, 1)
    assert again.resources == first.resources


async def test_a_changed_registration_replaces_and_keeps_the_identity(client):
    first = (await client.register([MODEL])).resources[0]
    response = await client.register([replace(MODEL, labels={"team": "x"})])
    assert (response.revision, response.updated_count) == (2, 1)
    second = response.resources[0]
    assert (second.uid, second.create_time) == (first.uid, first.create_time)
    assert second.etag != first.etag


async def test_nothing_of_a_batch_is_applied_when_one_resource_is_wrong(client):
    with pytest.raises(InvalidArgumentError) as caught:
        await client.register([MODEL, an_endpoint(address="nowhere"), Resource(name="agents/b", model=Model())])
    assert [v.field for v in caught.value.violations] == ["resources[1].endpoint.address", "resources[2].name"]
    with pytest.raises(NotFoundError):
        await client.get("models/a")


@pytest.mark.parametrize(
    ("resources", "options", "error"),
    [
        pytest.param([], {}, InvalidArgumentError, id="nothing"),
        pytest.param([MODEL, MODEL], {}, InvalidArgumentError, id="a-name-twice"),
        pytest.param([an_endpoint()], {}, NotFoundError, id="no-parent"),
        pytest.param(
            [replace(MODEL, name=f"models/m{i}") for i in range(1001)], {}, RequestTooLargeError, id="too-many"
        ),
        pytest.param([MODEL], {"lease_ttl": 30.0}, InvalidArgumentError, id="lease-without-owner"),
        pytest.param([MODEL], {"lease_ttl": 0.5, "owner_id": OWNER}, InvalidArgumentError, id="short-lease"),
        pytest.param([MODEL], {"lease_ttl": 90_000.0, "owner_id": OWNER}, InvalidArgumentError, id="long-lease"),
        pytest.param([MODEL], {"lease_ttl": 30.0, "owner_id": "short"}, InvalidArgumentError, id="short-owner"),
        pytest.param([replace(MODEL, etag="no")], {}, EtagMismatchError, id="etag-of-what-does-not-exist"),
    ],
)
async def test_a_wrong_registration_is_refused(client, resources, options, error):
    with pytest.raises(error):
        await client.register(resources, **options)


async def test_too_many_resources_are_refused_with_the_limit_and_the_count(client):
    with pytest.raises(RequestTooLargeError) as caught:
        await client.register([replace(MODEL, name=f"models/m{i}") for i in range(1001)])
    assert caught.value.metadata == {"limit": "1000", "count": "1001"}


async def test_create_only_refuses_what_exists(client):
    await client.register([MODEL], create_only=True)
    with pytest.raises(AlreadyExistsError):
        await client.register([MODEL], create_only=True)


async def test_validate_only_changes_nothing(client):
    response = await client.register([MODEL], validate_only=True)
    assert (response.revision, response.created_count) == (0, 1)
    with pytest.raises(NotFoundError):
        await client.get("models/a")


async def test_a_repeated_request_id_gives_the_first_reply(client):
    first = await client.register([MODEL], request_id="r1")
    await client.deregister("models/a")
    assert await client.register([MODEL], request_id="r1") == first
    with pytest.raises(NotFoundError):
        await client.get("models/a")
    with pytest.raises(RequestIdReusedError):
        await client.register([AGENT], request_id="r1")


async def test_update_changes_the_named_fields_only(client):
    await client.register([MODEL, replace(an_endpoint(weight=5, communication=None), labels={"a": "1", "b": "2"})])
    spoken = Communication(dialect="openai.chat", path="/x")
    given = replace(an_endpoint(weight=7, communication=spoken, credential="OTHER"), labels={"c": "3"})
    updated = await client.update(given, mask=["endpoint.weight", "labels", "endpoint.communication.dialect"])
    assert (updated.endpoint.weight, updated.revision, updated.labels) == (7, 2, {"c": "3"})
    assert updated.endpoint.communication == Communication(dialect="openai.chat")
    assert updated.endpoint.credential == "KEY"
    assert await client.get(given.name) == updated


async def test_update_without_a_mask_replaces_spec_and_labels(client):
    await client.register([replace(MODEL, labels={"a": "1"})])
    updated = await client.update(Resource(name="models/a", model=Model(family="f")))
    assert (updated.model, updated.labels) == (Model(family="f"), {})


@pytest.mark.parametrize("mask", ["uid", "colour", "model.colour", "model.family.x"])
async def test_update_refuses_a_mask_that_names_no_writable_field(client, mask):
    await client.register([MODEL])
    with pytest.raises(InvalidArgumentError):
        await client.update(MODEL, mask=[mask])


async def test_update_refuses_another_etag_and_what_does_not_exist(client):
    with pytest.raises(NotFoundError):
        await client.update(MODEL)
    await client.register([MODEL])
    with pytest.raises(EtagMismatchError):
        await client.update(replace(MODEL, etag="other"), mask=["labels"])


async def test_a_model_takes_its_endpoints_with_it_in_one_revision(client):
    await client.register([MODEL, an_endpoint(), AGENT])
    response = await client.deregister("models/a")
    assert (response.revision, sorted(response.names)) == (2, ["models/a", "models/a/endpoints/one"])
    with pytest.raises(NotFoundError):
        await client.get("models/a/endpoints/one")
    assert (await client.get("agents/writer")).name == "agents/writer"


async def test_deregister_of_what_does_not_exist_is_an_error_unless_allowed(client):
    with pytest.raises(NotFoundError):
        await client.deregister("models/a")
    assert (await client.deregister("models/a", allow_missing=True)).names == ()
