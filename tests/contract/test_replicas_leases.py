"""Several replicas on one database: leases are renewed through any of them, and ended by one."""

import asyncio
from typing import Any

import pytest

from airegistry.errors import OwnedByAnotherError, UnavailableError
from airegistry.resources.resource import Health, Liveness
from registry.planning.expiry import Expired
from registry.requests import Deregistration, Update
from tests.contract.sharing import LONG, gather, won
from tests.orders import ME, OTHER, SCOUT, batch, heartbeat, leased, scout, status


async def test_a_heartbeat_counts_through_any_replica(catalogs, clock):
    await catalogs[0].register(leased(scout(), lease_ttl=30))
    for turn in range(6):
        clock.time += 20
        (result,) = (await catalogs[turn % 3].heartbeat(heartbeat())).results
        assert result.error is None
        assert [await one.expire() for one in catalogs] == [Expired()] * 3
    assert status(catalogs[0]).liveness is Liveness.LIVE
    assert catalogs[0].revision == 1


async def test_only_one_replica_ends_leases(catalogs, clock):
    await catalogs[0].register(leased(scout(), lease_ttl=30))
    await catalogs[1].expire()
    clock.time += 30
    found = await gather(*(one.expire() for one in catalogs for _ in range(3)))
    assert [one.suspected for one in won(found) if one != Expired()] == [(SCOUT,)]
    assert await catalogs[0].catch_up() == 2


async def test_a_heartbeat_through_another_replica_revives_what_the_sweeper_suspected(catalogs, clock):
    first, second, third = catalogs
    await second.register(leased(scout(), lease_ttl=30))
    clock.time += 31
    assert (await first.expire()).suspected == (SCOUT,)
    result = await third.heartbeat(heartbeat(health=Health.SERVING))
    assert (result.revision, result.results[0].error) == (3, None)
    await first.catch_up()
    assert (status(first).liveness, status(first).health) == (Liveness.LIVE, Health.SERVING)
    clock.time += 29
    assert await first.expire() == Expired()


async def test_a_renewal_beats_a_sweep_that_found_the_lease_overdue(catalogs, clock, monkeypatch):
    first, second, _ = catalogs
    await first.register(leased(scout(), lease_ttl=30))
    clock.time += 31
    due = first._store.due

    async def renewed_meanwhile(*, away):
        found = await due(away=away)
        assert [lease.name for lease in found.leases] == [SCOUT]
        await second.heartbeat(heartbeat())
        return found

    monkeypatch.setattr(first._store, "due", renewed_meanwhile)
    assert await first.expire() == Expired()
    assert status(first).liveness is Liveness.LIVE


async def test_another_replica_sweeps_on_when_the_sweeper_is_gone(open_replica, catalogs, clock):
    async with open_replica() as sweeper:
        await sweeper.register(leased(scout(), lease_ttl=30))
        await sweeper.expire()
        clock.time += 2
        assert [await one.expire() for one in catalogs] == [Expired()] * 3
    clock.time += 28
    assert [(await one.expire()).suspected for one in catalogs] == [(SCOUT,), (), ()]


async def test_who_is_sweeper_no_more_ends_nothing(catalogs, clock, monkeypatch):
    first, second, _ = catalogs
    await first.register(leased(scout(), lease_ttl=30))
    clock.time += 30
    due = first._store.due

    async def stopped_meanwhile(*, away):
        found = await due(away=away)
        clock.time += 10
        assert [lease.name for lease in (await second._store.due(away=LONG)).leases] == [SCOUT]
        return found

    monkeypatch.setattr(first._store, "due", stopped_meanwhile)
    with pytest.raises(UnavailableError, match="another replica sweeps"):
        await first.expire()
    assert await first.catch_up() == 1


async def test_what_another_sweeper_did_meanwhile_is_not_done_again(catalogs, clock, monkeypatch):
    first, second, _ = catalogs
    await first.register(leased(scout(), lease_ttl=30))
    clock.time += 30
    due = first._store.due

    async def overtaken_meanwhile(*, away):
        found = await due(away=away)
        clock.time += 10
        assert (await second.expire()).suspected == (SCOUT,)
        return found

    monkeypatch.setattr(first._store, "due", overtaken_meanwhile)
    assert await first.expire() == Expired()
    assert await first.catch_up() == 2


async def test_a_lease_keeps_others_from_writing_through_any_replica(catalogs):
    first, second, third = catalogs
    await first.register(leased(scout()))
    for attempt in (
        second.register(leased(scout(), owner_id=OTHER)),
        third.register(batch(scout("new"))),
        second.update(Update(resource=scout("new"))),
        third.deregister(Deregistration(name=SCOUT)),
    ):
        with pytest.raises(OwnedByAnotherError):
            await attempt
    await second.update(Update(resource=scout("new"), owner_id=ME))


async def test_a_lease_that_was_taken_over_elsewhere_is_lost(catalogs):
    first, second, third = catalogs
    await first.register(leased(scout()))
    await second.register(leased(scout(), owner_id=OTHER, take_over=True))
    for catalog in (first, third):
        (result,) = (await catalog.heartbeat(heartbeat(owner_id=ME))).results
        assert result.error.reason == "OWNED_BY_ANOTHER"
    (result,) = (await third.heartbeat(heartbeat(owner_id=OTHER))).results
    assert result.error is None


async def test_of_two_owners_at_the_same_time_one_gets_the_lease(catalogs):
    for _ in range(8):
        outcomes = await gather(
            catalogs[0].register(leased(scout("mine"), owner_id=ME)),
            catalogs[1].register(leased(scout("theirs"), owner_id=OTHER)),
        )
        assert len(won(outcomes)) == 1
        assert sum(isinstance(outcome, OwnedByAnotherError) for outcome in outcomes) == 1
        owner = ME if outcomes[0] in won(outcomes) else OTHER
        await catalogs[2].deregister(Deregistration(name=SCOUT, owner_id=owner))


async def test_a_lease_granted_while_a_write_is_decided_is_not_written_over(catalogs, monkeypatch):
    first, second, _ = catalogs
    await first.register(batch(scout()))
    store = first._store
    decided: list[Any] = []
    catching_up: list[Any] = []
    basis = store.basis

    async def granted_meanwhile(leases, request_ids):
        found = await basis(leases, request_ids)
        if not decided:
            decided.append(found)
            await second.register(leased(scout(), owner_id=OTHER))
            # The view stands still meanwhile: what follows the log has to wait.
            catching_up.append(asyncio.create_task(first.catch_up()))
            await asyncio.sleep(0.2)
        return found

    monkeypatch.setattr(store, "basis", granted_meanwhile)
    with pytest.raises(OwnedByAnotherError):
        await first.update(Update(resource=scout("new"), owner_id=ME))
    assert first.writer.conflicts == 1
    await asyncio.gather(*catching_up)
