"""Leases that are kept."""

import asyncio
import uuid

import pytest

from airegistry.client import RegistryClient
from airegistry.errors import OwnedByAnotherError, UnavailableError
from airegistry.keeping import CLOSING, LeaseKeeper, owner_id_file
from airegistry.lease import LeaseState
from airegistry.resources.agent import Agent
from airegistry.resources.model import Model
from airegistry.resources.resource import AgentState, Health, Resource
from tests.waiting import until

AGENT = Resource(name="agents/writer", agent=Agent())
MODEL = Resource(name="models/a", model=Model())
OWNER, OTHER = "owner-1234", "other-5678"


@pytest.fixture
async def client(fake):
    async with RegistryClient(fake.address) as client:
        yield client


async def test_resources_live_as_long_as_their_keeper(fake, client):
    async with LeaseKeeper(client, [MODEL, AGENT], owner_id=OWNER) as keeper:
        await keeper.wait_until_held()
        during = keeper.state, set(fake.resources)
    assert during == (LeaseState.HELD, {"models/a", "agents/writer"})
    assert (keeper.state, set(fake.resources)) == (LeaseState.CLOSED, set())


async def test_a_keeper_may_leave_its_resources_to_the_lease(fake, client):
    async with LeaseKeeper(client, [AGENT], owner_id=OWNER, deregister=False) as keeper:
        await keeper.wait_until_held()
    assert set(fake.resources) == {"agents/writer"}


async def test_a_lease_that_is_gone_is_registered_again(fake, client):
    async with LeaseKeeper(client, [MODEL, AGENT], owner_id=OWNER, ttl=1.0) as keeper:
        await keeper.wait_until_held()
        uid = fake.resources["agents/writer"].uid
        fake.expire(["agents/writer"])
        await until(lambda: "agents/writer" in fake.resources)
        assert fake.resources["agents/writer"].uid != uid
        assert fake.resources["models/a"].revision == 1


async def test_renewals_go_on_over_a_restart_of_the_registry(fake, client):
    async with LeaseKeeper(client, [AGENT], owner_id=OWNER, ttl=1.0) as keeper:
        await keeper.wait_until_held()
        await fake.stop()
        await until(lambda: isinstance(keeper.error, UnavailableError))
        await until(lambda: keeper.state is LeaseState.LOST)
        await fake.start()
        await until(lambda: keeper.state is LeaseState.HELD)
        assert keeper.error is None


async def test_a_keeper_waits_for_a_registry_that_is_not_there_yet(fake, client):
    await fake.stop()
    async with LeaseKeeper(client, [AGENT], owner_id=OWNER, ttl=1.0) as keeper:
        await until(lambda: keeper.error is not None)
        assert keeper.state is LeaseState.UNREGISTERED
        await fake.start()
        await asyncio.wait_for(keeper.wait_until_held(), 30)


async def test_a_change_of_state_is_reported_at_once_and_again_after_a_new_registration(fake, client):
    def shown():
        status = fake.resources["agents/writer"].status if "agents/writer" in fake.resources else None
        return (status.health, status.agent_state) if status else None

    async with LeaseKeeper(client, [AGENT], owner_id=OWNER, ttl=600.0) as keeper:
        await keeper.wait_until_held()
        keeper.report("agents/writer", health=Health.SERVING, agent_state=AgentState.BUSY, load=0.9)
        await until(lambda: shown() == (Health.SERVING, AgentState.BUSY))
        fake.expire(["agents/writer"])
        keeper.report("agents/writer", agent_state=AgentState.AVAILABLE)
        await until(lambda: shown() == (Health.SERVING, AgentState.AVAILABLE))


async def test_a_change_of_state_during_a_renewal_does_not_wait_for_the_next(fake, client, monkeypatch):
    renew = client.heartbeat

    async def renewed(*args, **options):
        response = await renew(*args, **options)
        monkeypatch.undo()
        keeper.report("agents/writer", agent_state=AgentState.AVAILABLE)
        return response

    def state():
        status = fake.resources["agents/writer"].status
        return status and status.agent_state

    async with LeaseKeeper(client, [AGENT], owner_id=OWNER, ttl=600.0) as keeper:
        await keeper.wait_until_held()
        monkeypatch.setattr(client, "heartbeat", renewed)
        keeper.report("agents/writer", agent_state=AgentState.BUSY)
        await until(lambda: state() is AgentState.AVAILABLE)


async def test_the_last_report_is_told_though_the_resources_are_left_to_the_lease(fake, client):
    async with LeaseKeeper(client, [AGENT], owner_id=OWNER, ttl=600.0, deregister=False) as keeper:
        await keeper.wait_until_held()
        keeper.report("agents/writer", health=Health.DRAINING)
    status = fake.resources["agents/writer"].status
    assert status is not None
    assert status.health is Health.DRAINING


async def test_what_was_registered_without_an_answer_is_deregistered(fake, client, monkeypatch):
    register, taken = client.register, asyncio.Event()

    async def unanswered(*args, **options):
        await register(*args, **options)
        taken.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(client, "register", unanswered)
    async with LeaseKeeper(client, [AGENT], owner_id=OWNER, ttl=600.0):
        await taken.wait()
        assert set(fake.resources) == {"agents/writer"}
    assert set(fake.resources) == set()


async def test_a_report_before_the_registration_is_not_lost(fake, client):
    keeper = LeaseKeeper(client, [AGENT], owner_id=OWNER, ttl=600.0)
    keeper.report("agents/writer", agent_state=AgentState.BUSY)
    async with keeper:
        await until(lambda: getattr(fake.resources.get("agents/writer"), "revision", 0) == 2)
        status = fake.resources["agents/writer"].status
        assert status is not None
        assert status.agent_state is AgentState.BUSY


async def test_what_another_owner_holds_is_refused_until_it_is_free(fake, client):
    await client.register([AGENT], lease_ttl=30.0, owner_id=OTHER)
    async with LeaseKeeper(client, [AGENT], owner_id=OWNER, ttl=1.0) as keeper:
        await until(lambda: keeper.state is LeaseState.REFUSED)
        assert isinstance(keeper.error, OwnedByAnotherError)
        fake.expire(["agents/writer"])
        await until(lambda: keeper.state is LeaseState.HELD)


async def test_the_same_owner_goes_on_after_a_restart_of_its_process(fake, client):
    async with LeaseKeeper(client, [AGENT], owner_id=OWNER, deregister=False) as first:
        await first.wait_until_held()
    async with LeaseKeeper(client, [AGENT], owner_id=OWNER) as second:
        await second.wait_until_held()
        assert fake.revision == 1


async def test_closing_does_not_hang_on_a_registry_that_is_gone(fake, client):
    async with LeaseKeeper(client, [AGENT], owner_id=OWNER) as keeper:
        await keeper.wait_until_held()
        await fake.stop()
        started = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - started < CLOSING + 10


def test_an_owner_id_is_made_once_and_kept(tmp_path):
    path = tmp_path / "deep" / "owner"
    made = owner_id_file(path)
    assert str(uuid.UUID(made)) == made
    assert owner_id_file(path) == made
    assert [entry.name for entry in path.parent.iterdir()] == ["owner"]
