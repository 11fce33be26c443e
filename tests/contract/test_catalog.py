"""What a write through the catalog promises, on every store."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from airegistry.errors import (
    AlreadyExistsError,
    EtagMismatchError,
    InvalidArgumentError,
    NotFoundError,
    RequestIdReusedError,
    RequestTooLargeError,
)
from airegistry.resources.agent import Agent
from airegistry.resources.resource import Resource
from registry.requests import (
    Deregistration,
    FieldMask,
    Update,
)
from tests.orders import SCOUT, batch, endpoint, fields_of, model, scout


async def test_one_request_makes_one_revision_for_all_its_resources(catalog):
    result = await catalog.register(batch(model("a"), endpoint(), scout()))
    assert (result.revision, result.created_count) == (1, 3)
    assert {entry.revision for entry in result.entries} == {1}
    (revision,) = await anext(catalog.feed.follow(0))
    assert [event.name for event in revision.events] == ["models/a", "models/a/endpoints/x", SCOUT]


async def test_a_registered_resource_gets_uid_etag_and_times(catalog, clock):
    (entry,) = (await catalog.register(batch(model(uid="mine", revision=99)))).entries
    stored = entry.resource
    assert stored.uid not in ("", "mine")
    assert stored.etag
    assert stored.revision == 1
    assert stored.create_time == stored.update_time == datetime.fromtimestamp(clock.time, UTC)


async def test_a_change_keeps_uid_and_create_time(catalog, clock):
    before = (await catalog.register(batch(model()))).entries[0].resource
    clock.time += 5
    result = await catalog.register(batch(model(description="new")))
    after = result.entries[0].resource
    assert (result.revision, result.updated_count) == (2, 1)
    assert (after.uid, after.create_time) == (before.uid, before.create_time)
    assert after.update_time != before.update_time
    assert after.etag != before.etag


async def test_an_identical_registration_moves_nothing(catalog):
    first = await catalog.register(batch(model(), endpoint()))
    again = await catalog.register(batch(model(), endpoint()))
    assert (again.revision, again.unchanged_count) == (1, 2)
    assert again.entries == first.entries


async def test_in_a_mixed_batch_only_what_changed_gets_the_new_revision(catalog):
    await catalog.register(batch(model("a"), model("b")))
    result = await catalog.register(batch(model("a"), model("b", "new"), model("c")))
    assert [entry.revision for entry in result.entries] == [1, 2, 2]
    assert (result.created_count, result.updated_count, result.unchanged_count) == (1, 1, 1)


async def test_one_bad_resource_stops_the_whole_batch(catalog):
    with pytest.raises(NotFoundError, match=r"resources\[1\]\.name: models/b does not exist"):
        await catalog.register(batch(model("a"), endpoint(of="b")))
    assert (catalog.revision, len(catalog.entries)) == (0, 0)


async def test_a_child_may_come_before_its_parent(catalog):
    assert (await catalog.register(batch(endpoint(), model()))).created_count == 2


@pytest.mark.parametrize(
    ("resources", "field"),
    [
        pytest.param((), "resources", id="none"),
        pytest.param((model(), model()), "resources[1].name", id="twice"),
        pytest.param((replace(model(), name="agents/a"),), "resources[0].name", id="other-kind"),
        pytest.param((model("UPPER"),), "resources[0].name", id="bad-id"),
    ],
)
async def test_a_bad_batch_is_refused_by_field(catalog, resources, field):
    with pytest.raises(InvalidArgumentError) as raised:
        await catalog.register(batch(*resources))
    assert field in fields_of(raised)


@pytest.mark.parametrize(
    ("resources", "limit", "count"),
    [
        pytest.param([model(f"m{i}") for i in range(1001)], 1000, 1001, id="resources"),
        pytest.param([model(labels={f"k{i}": "v" * 250 for i in range(60)})] * 1, 0, 0, id="fits"),
    ],
)
async def test_too_many_are_refused_with_the_limit_and_the_count(catalog, resources, limit, count):
    if not limit:
        await catalog.register(batch(*resources))
        return
    with pytest.raises(RequestTooLargeError, match=f"{count} resources; at most {limit}") as raised:
        await catalog.register(batch(*resources))
    assert raised.value.metadata == {"limit": str(limit), "count": str(count)}


async def test_too_many_bytes_are_refused_with_the_limit_and_the_count(catalog):
    heavy = {f"k{i}": "v" * 250 for i in range(60)}
    with pytest.raises(RequestTooLargeError, match="at most 3145728") as raised:
        await catalog.register(batch(*(model(f"m{i}", labels=heavy) for i in range(300))))
    assert int(raised.value.metadata["count"]) > int(raised.value.metadata["limit"]) == 3 * 1024 * 1024


async def test_one_resource_that_is_too_large_is_refused_by_its_place(catalog):
    large = Resource(
        name=SCOUT, agent=Agent(display_name="x", skills=()), labels={f"k{i}": "v" * 256 for i in range(64)}
    )
    huge = replace(
        large, agent=Agent(display_name="x", default_input_modes=tuple(f"text/{i:09}" for i in range(20_000)))
    )
    with pytest.raises(InvalidArgumentError) as raised:
        await catalog.register(batch(model(), huge))
    assert fields_of(raised)[0].startswith("resources[1]")


async def test_create_only_refuses_what_exists(catalog):
    await catalog.register(batch(model()))
    with pytest.raises(AlreadyExistsError, match=r"resources\[0\]"):
        await catalog.register(batch(model(), create_only=True))


async def test_validate_only_checks_everything_and_changes_nothing(catalog):
    result = await catalog.register(batch(model(), validate_only=True, request_id="r"))
    assert (result.revision, result.created_count, result.entries[0].revision) == (0, 1, 0)
    assert len(catalog.entries) == 0
    with pytest.raises(NotFoundError):
        await catalog.register(batch(endpoint(), validate_only=True))
    assert (await catalog.register(batch(model(), request_id="r"))).revision == 1


async def test_a_matching_etag_lets_the_write_through_and_an_old_one_does_not(catalog):
    etag = (await catalog.register(batch(model()))).entries[0].resource.etag
    await catalog.register(batch(model(description="two", etag=etag)))
    with pytest.raises(EtagMismatchError):
        await catalog.register(batch(model(description="three", etag=etag)))


async def test_an_etag_for_what_does_not_exist_mismatches(catalog):
    with pytest.raises(EtagMismatchError):
        await catalog.register(batch(model(etag="any")))


async def test_a_retry_gets_the_original_reply(catalog):
    request = batch(model(), endpoint(), request_id="r-1")
    first = await catalog.register(request)
    await catalog.register(batch(model(description="since changed")))
    again = await catalog.register(request)
    assert (again.revision, again.created_count) == (1, 2)
    assert [entry.wire for entry in again.entries] == [entry.wire for entry in first.entries]
    assert catalog.revision == 2


async def test_a_retry_is_known_after_a_restart(open_catalog):
    async with open_catalog() as catalog:
        first = await catalog.register(batch(model(), request_id="r-1"))
    async with open_catalog() as catalog:
        again = await catalog.register(batch(model(), request_id="r-1"))
    assert again.entries[0].wire == first.entries[0].wire
    assert again.created_count == 1


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(batch(model("b"), request_id="r-1"), id="resources"),
        pytest.param(batch(model(), create_only=True, request_id="r-1"), id="options"),
        pytest.param(batch(model("BAD"), request_id="r-1"), id="invalid-payload"),
    ],
)
async def test_a_request_id_with_another_payload_is_refused(catalog, other):
    await catalog.register(batch(model(), request_id="r-1"))
    with pytest.raises(RequestIdReusedError):
        await catalog.register(other)


async def test_a_request_id_of_another_kind_of_request_is_refused(catalog):
    await catalog.register(batch(model(), request_id="r-1"))
    with pytest.raises(RequestIdReusedError):
        await catalog.deregister(Deregistration(name="models/a", request_id="r-1"))


async def test_two_requests_with_one_id_at_the_same_time_are_carried_out_once(catalog):
    request = batch(model(), request_id="r-1", create_only=True)
    first, second = await asyncio.gather(catalog.register(request), catalog.register(request))
    assert (first.revision, second.revision, catalog.revision) == (1, 1, 1)


async def test_one_id_with_two_payloads_at_the_same_time_serves_the_first(catalog):
    answers = await asyncio.gather(
        catalog.register(batch(model("a"), request_id="r-1")),
        catalog.register(batch(model("b"), request_id="r-1")),
        return_exceptions=True,
    )
    assert isinstance(answers[1], RequestIdReusedError)
    assert list(catalog.entries) == ["models/a"]
    assert not isinstance(answers[0], BaseException)


async def test_a_retried_deregister_tells_the_names_again(catalog):
    await catalog.register(batch(model(), endpoint()))
    request = Deregistration(name="models/a", request_id="r-1")
    assert await catalog.deregister(request) == await catalog.deregister(request)


async def test_an_update_changes_the_named_fields_only(catalog):
    await catalog.register(batch(model(), endpoint(weight=1, labels={"a": "b"})))
    given = replace(endpoint(weight=7), labels={"c": "d"})
    result = await catalog.update(Update(resource=given, update_mask=FieldMask(("endpoint.weight",))))
    assert result.revision == 2
    assert result.entry.resource.endpoint.weight == 7
    assert result.entry.resource.labels == {"a": "b"}


async def test_an_update_that_changes_nothing_moves_nothing(catalog):
    await catalog.register(batch(model()))
    assert (await catalog.update(Update(resource=model()))).revision == 1


async def test_an_update_of_what_does_not_exist_is_not_found(catalog):
    with pytest.raises(NotFoundError):
        await catalog.update(Update(resource=model()))


async def test_an_update_must_leave_a_valid_resource(catalog):
    await catalog.register(batch(model(), endpoint()))
    with pytest.raises(InvalidArgumentError) as raised:
        await catalog.update(Update(resource=endpoint(weight=-1), update_mask=FieldMask(("endpoint.weight",))))
    assert fields_of(raised) == ["resource.endpoint.weight"]


async def test_an_unknown_path_is_refused_by_its_place(catalog):
    with pytest.raises(InvalidArgumentError) as raised:
        await catalog.update(Update(resource=model(), update_mask=FieldMask(("labels", "model.colour"))))
    assert fields_of(raised) == ["update_mask.paths[1]"]


async def test_an_update_with_an_old_etag_is_refused(catalog):
    await catalog.register(batch(model()))
    with pytest.raises(EtagMismatchError):
        await catalog.update(Update(resource=model(description="x", etag="old")))


async def test_a_model_takes_its_endpoints_with_it_in_one_revision(catalog):
    await catalog.register(batch(model("a"), endpoint("x"), endpoint("y"), model("a-b"), endpoint("z", of="a-b")))
    result = await catalog.deregister(Deregistration(name="models/a"))
    assert (result.revision, result.names) == (2, ("models/a", "models/a/endpoints/x", "models/a/endpoints/y"))
    assert list(catalog.entries) == ["models/a-b", "models/a-b/endpoints/z"]


async def test_deregistering_what_is_missing_is_not_found_unless_allowed(catalog):
    with pytest.raises(NotFoundError):
        await catalog.deregister(Deregistration(name="models/a"))
    result = await catalog.deregister(Deregistration(name="models/a", allow_missing=True))
    assert (result.revision, result.names) == (0, ())


async def test_deregistering_with_an_old_etag_is_refused(catalog):
    await catalog.register(batch(model()))
    with pytest.raises(EtagMismatchError):
        await catalog.deregister(Deregistration(name="models/a", etag="old"))


async def test_what_was_registered_again_has_another_uid(catalog):
    before = (await catalog.register(batch(model()))).entries[0].resource.uid
    await catalog.deregister(Deregistration(name="models/a"))
    assert (await catalog.register(batch(model()))).entries[0].resource.uid != before
