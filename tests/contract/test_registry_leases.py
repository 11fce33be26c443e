"""What RegistryService promises of leases and of the reports of their holders, whoever serves it."""

from dataclasses import replace

import pytest

from airegistry.client.messages import LeaseRenewal
from airegistry.errors import OwnedByAnotherError
from airegistry.resources.resource import AgentState, Health, Liveness
from tests.contract.services import AGENT, MODEL, OTHER, OWNER


async def test_a_live_lease_of_another_owner_refuses_writes(client):
    await client.register([MODEL], lease_ttl=30.0, owner_id=OWNER)
    with pytest.raises(OwnedByAnotherError):
        await client.register([MODEL], lease_ttl=30.0, owner_id=OTHER)
    with pytest.raises(OwnedByAnotherError):
        await client.update(replace(MODEL, labels={"a": "b"}), mask=["labels"])
    with pytest.raises(OwnedByAnotherError):
        await client.deregister("models/a")
    taken = await client.register([MODEL], lease_ttl=30.0, owner_id=OTHER, take_over=True)
    assert taken.lease_ttl == 30.0
    await client.deregister("models/a", owner_id=OTHER)


async def test_a_leased_resource_shows_its_lease(client):
    await client.register([MODEL], lease_ttl=30.0, owner_id=OWNER)
    status = (await client.get("models/a")).status
    assert (status.liveness, status.lease_ttl) == (Liveness.LIVE, 30.0)


async def test_a_heartbeat_renews_each_lease_by_itself(client):
    await client.register([AGENT], lease_ttl=30.0, owner_id=OWNER)
    await client.register([MODEL], lease_ttl=30.0, owner_id=OTHER)
    names = ("agents/writer", "models/a", "models/gone")
    response = await client.heartbeat([LeaseRenewal(name) for name in names], owner_id=OWNER)
    assert [(r.lease_ttl, r.error and (r.error.code, r.error.reason)) for r in response.results] == [
        (30.0, None),
        (None, ("PERMISSION_DENIED", "OWNED_BY_ANOTHER")),
        (None, ("NOT_FOUND", "LEASE_EXPIRED")),
    ]
    assert response.revision == 2


async def test_only_a_report_that_changes_something_gets_a_revision(client):
    await client.register([AGENT], lease_ttl=30.0, owner_id=OWNER)
    busy = LeaseRenewal("agents/writer", Health.SERVING, AgentState.BUSY, 0.5)
    assert (await client.heartbeat([busy], owner_id=OWNER)).revision == 2
    assert (await client.heartbeat([replace(busy, load=0.9)], owner_id=OWNER)).revision == 2
    status = (await client.get("agents/writer")).status
    assert (status.health, status.agent_state) == (Health.SERVING, AgentState.BUSY)
