"""Leases: who may write, who is alive, and what happens to what nobody renews."""

import asyncio
from datetime import UTC, datetime

import pytest

from airegistry.errors import (
    InvalidArgumentError,
    OwnedByAnotherError,
)
from airegistry.resources.resource import AgentState, Health, Liveness
from registry import upkeep
from registry.requests import (
    Deregistration,
    HeartbeatBatch,
    LeaseRenewal,
    Update,
)
from tests.contract.stores import leases_of
from tests.orders import ME, OTHER, SCOUT, batch, endpoint, fields_of, heartbeat, leased, model, scout, status


async def test_a_leased_resource_is_live_and_says_for_how_long(catalog):
    result = await catalog.register(leased(scout(), lease_ttl=20))
    assert result.lease_ttl == 20
    assert (status(catalog).liveness, status(catalog).lease_ttl) == (Liveness.LIVE, 20)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        pytest.param({"lease_ttl": 0.5, "owner_id": ME}, "lease_ttl", id="too-short"),
        pytest.param({"lease_ttl": 86401, "owner_id": ME}, "lease_ttl", id="too-long"),
        pytest.param({"lease_ttl": float("nan"), "owner_id": ME}, "lease_ttl", id="nan"),
        pytest.param({"lease_ttl": 30}, "owner_id", id="no-owner"),
        pytest.param({"owner_id": "short"}, "owner_id", id="short-owner"),
    ],
)
async def test_a_bad_lease_is_refused_by_field(catalog, options, field):
    with pytest.raises(InvalidArgumentError) as raised:
        await catalog.register(batch(scout(), **options))
    assert fields_of(raised) == [field]


async def test_a_live_lease_keeps_others_from_writing(catalog):
    await catalog.register(leased(scout()))
    for attempt in (
        catalog.register(leased(scout(), owner_id=OTHER)),
        catalog.register(batch(scout("new"))),
        catalog.update(Update(resource=scout("new"))),
        catalog.deregister(Deregistration(name=SCOUT)),
    ):
        with pytest.raises(OwnedByAnotherError):
            await attempt
    assert catalog.revision == 1


async def test_the_holder_may_write(catalog, store):
    await catalog.register(leased(scout()))
    await catalog.update(Update(resource=scout("new"), owner_id=ME))
    await catalog.deregister(Deregistration(name=SCOUT, owner_id=ME))
    assert await leases_of(store, SCOUT) == {}


async def test_a_lease_can_be_taken_over_explicitly(catalog):
    await catalog.register(leased(scout()))
    await catalog.register(leased(scout(), owner_id=OTHER, take_over=True))
    (result,) = (await catalog.heartbeat(heartbeat(owner_id=ME))).results
    assert result.error.reason == "OWNED_BY_ANOTHER"


async def test_a_lease_that_ran_out_is_free_for_anybody(catalog, store, clock):
    await catalog.register(leased(scout(), lease_ttl=10))
    clock.time += 10
    await catalog.register(leased(scout(), owner_id=OTHER))
    assert (await leases_of(store, SCOUT))[SCOUT].owner_id == OTHER


async def test_an_identical_registration_renews_the_lease_without_a_revision(catalog, clock):
    await catalog.register(leased(scout(), lease_ttl=10))
    clock.time += 9
    result = await catalog.register(leased(scout(), lease_ttl=10))
    clock.time += 9
    await catalog.expire()
    assert (result.revision, catalog.revision) == (1, 1)


async def test_a_registration_without_a_lease_ends_the_lease(catalog, clock):
    await catalog.register(leased(scout()))
    await catalog.register(batch(scout(), owner_id=ME))
    clock.time += 1000
    await catalog.expire()
    assert status(catalog) is None


async def test_a_model_is_not_taken_away_under_a_live_endpoint_of_another(catalog):
    await catalog.register(batch(model()))
    await catalog.register(leased(endpoint()))
    with pytest.raises(OwnedByAnotherError, match="models/a/endpoints/x"):
        await catalog.deregister(Deregistration(name="models/a"))


async def test_a_mere_renewal_moves_no_revision(catalog, clock):
    await catalog.register(leased(scout(), lease_ttl=10))
    clock.time += 9
    result = await catalog.heartbeat(heartbeat())
    assert (result.revision, result.results[0].lease_ttl, result.results[0].error) == (1, 10, None)
    clock.time += 9
    await catalog.expire()
    assert status(catalog).liveness is Liveness.LIVE


async def test_each_renewal_has_its_own_result(catalog):
    await catalog.register(leased(scout()))
    await catalog.register(batch(model()))
    await catalog.register(leased(endpoint(), owner_id=OTHER))
    names = (SCOUT, "models/a", "models/a/endpoints/x", "agents/unknown")
    result = await catalog.heartbeat(HeartbeatBatch(renewals=tuple(LeaseRenewal(n) for n in names), owner_id=ME))
    assert [(one.name, one.error and (one.error.code, one.error.reason)) for one in result.results] == [
        (SCOUT, None),
        ("models/a", ("NOT_FOUND", "LEASE_EXPIRED")),
        ("models/a/endpoints/x", ("PERMISSION_DENIED", "OWNED_BY_ANOTHER")),
        ("agents/unknown", ("NOT_FOUND", "LEASE_EXPIRED")),
    ]


async def test_a_report_that_changes_what_is_shown_makes_one_revision(catalog, store, clock):
    await catalog.register(leased(scout()))
    report = heartbeat(health=Health.DEGRADED, agent_state=AgentState.BUSY, load=0.9)
    assert (await catalog.heartbeat(report)).revision == 2
    assert (await catalog.heartbeat(report)).revision == 2
    shown = status(catalog)
    assert (shown.health, shown.agent_state) == (Health.DEGRADED, AgentState.BUSY)
    assert shown.health_time == datetime.fromtimestamp(clock.time, UTC)
    assert (await leases_of(store, SCOUT))[SCOUT].load == 0.9


async def test_a_report_survives_a_registration(catalog):
    await catalog.register(leased(scout()))
    await catalog.heartbeat(heartbeat(health=Health.SERVING))
    await catalog.register(leased(scout("new")))
    assert status(catalog).health is Health.SERVING


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        pytest.param(HeartbeatBatch(owner_id=ME), "renewals", id="none"),
        pytest.param(heartbeat(owner_id=""), "owner_id", id="no-owner"),
        pytest.param(heartbeat("models/BAD"), "renewals[0].name", id="bad-name"),
        pytest.param(heartbeat(load=1.5), "renewals[0].load", id="load"),
        pytest.param(heartbeat("models/a", health=Health.SERVING), "renewals[0].health", id="health-of-a-model"),
        pytest.param(HeartbeatBatch(renewals=(LeaseRenewal(SCOUT),) * 2, owner_id=ME), "renewals[1].name", id="twice"),
        pytest.param(
            heartbeat("models/a/endpoints/x", agent_state=AgentState.BUSY), "renewals[0].agent_state", id="state"
        ),
    ],
)
async def test_a_bad_heartbeat_is_refused_by_field(catalog, request_, field):
    with pytest.raises(InvalidArgumentError) as raised:
        await catalog.heartbeat(request_)
    assert fields_of(raised) == [field]


async def test_an_unrenewed_lease_is_suspected_then_its_resource_removed(catalog, store, clock):
    await catalog.register(leased(scout(), lease_ttl=30))
    clock.time += 30
    assert (await catalog.expire()).suspected == (SCOUT,)
    assert (catalog.revision, status(catalog).liveness) == (2, Liveness.SUSPECT)
    clock.time += 59
    await catalog.expire()
    assert SCOUT in catalog.entries
    clock.time += 1
    assert (await catalog.expire()).removed == (SCOUT,)
    assert (catalog.revision, len(catalog.entries)) == (3, 0)
    assert await leases_of(store, SCOUT) == {}


async def test_a_heartbeat_brings_a_suspect_back_to_life(catalog, clock):
    await catalog.register(leased(scout(), lease_ttl=30))
    clock.time += 31
    await catalog.expire()
    assert (await catalog.heartbeat(heartbeat())).revision == 3
    assert status(catalog).liveness is Liveness.LIVE


async def test_a_heartbeat_for_a_removed_resource_says_to_register_again(catalog, clock):
    await catalog.register(leased(scout(), lease_ttl=1))
    for _ in range(2):
        clock.time += 60
        await catalog.expire()
    (result,) = (await catalog.heartbeat(heartbeat())).results
    assert result.error.reason == "LEASE_EXPIRED"


async def test_a_model_that_somebody_still_serves_outlives_its_lease(catalog, clock):
    await catalog.register(leased(model(), lease_ttl=20))
    await catalog.register(batch(endpoint()))
    for _ in range(3):
        clock.time += 60
        await catalog.expire()
    assert status(catalog, "models/a").liveness is Liveness.SUSPECT
    await catalog.deregister(Deregistration(name="models/a/endpoints/x"))
    clock.time += 60
    assert (await catalog.expire()).removed == ("models/a",)


async def live_through(catalog, clock, seconds):
    for _ in range(seconds // 3):
        clock.time += 3
        await catalog.expire(away=3)


async def test_leases_resume_after_a_restart_with_their_whole_time_ahead(open_catalog, clock):
    async with open_catalog() as catalog:
        await catalog.register(leased(scout(), lease_ttl=30))
    clock.time += 10_000
    async with open_catalog() as catalog:
        await live_through(catalog, clock, 27)
        assert status(catalog).liveness is Liveness.LIVE
        assert (await catalog.heartbeat(heartbeat())).results[0].error is None
        await live_through(catalog, clock, 27)
        assert status(catalog).liveness is Liveness.LIVE
        await live_through(catalog, clock, 3)
        assert status(catalog).liveness is Liveness.SUSPECT


async def test_a_registry_that_was_away_ends_no_lease(catalog, clock):
    await catalog.register(leased(scout(), lease_ttl=30))
    passes = asyncio.Semaphore(0)

    async def expire():
        expired = await catalog.expire(away=3)
        clock.time += 1000  # stopped, or asleep
        passes.release()
        return expired

    sweeping = asyncio.create_task(upkeep.sweep(expire, interval=0))
    for _ in range(3):
        await passes.acquire()
    sweeping.cancel()
    await asyncio.wait([sweeping])
    assert status(catalog).liveness is Liveness.LIVE
