"""When too many leases are overdue at once, nothing ends: it is more likely that the plane cannot see their holders."""

from collections import Counter
from dataclasses import replace

import pytest

from airegistry.resources.resource import Liveness
from registry.planning.expiry import Expired
from registry.requests import Deregistration, HeartbeatBatch, LeaseRenewal
from tests.orders import ME, OTHER, leased, scout, status

LIVE, SUSPECT, PRESERVED = Liveness.LIVE, Liveness.SUSPECT, Liveness.PRESERVED
NAMES = tuple(f"agents/a{i:02}" for i in range(20))


def agents(names):
    return [replace(scout(), name=name) for name in names]


def renewals(names):
    return HeartbeatBatch(renewals=tuple(LeaseRenewal(name) for name in names), owner_id=ME)


async def passes(catalog, count):
    return [await catalog.expire() for _ in range(count)]


def shown(catalog):
    return Counter(entry.resource.status.liveness for entry in catalog.entries.values())


@pytest.fixture
async def unseen(catalog, clock):
    """A catalog of twenty, twelve of them overdue and preserved."""
    await catalog.register(leased(*agents(NAMES), lease_ttl=30))
    clock.time += 20
    await catalog.heartbeat(renewals(NAMES[12:]))
    clock.time += 10
    await passes(catalog, 2)
    return catalog


async def test_many_that_are_overdue_at_once_are_preserved_and_none_suspected(unseen):
    assert unseen.due.preserving
    assert (unseen.due.overdue, unseen.due.total) == (12, 20)
    assert shown(unseen) == {PRESERVED: 12, LIVE: 8}
    assert {status(unseen, name).liveness for name in NAMES[:12]} == {PRESERVED}


async def test_a_pass_tells_whom_it_preserves_and_preserves_nobody_twice(catalog, clock):
    await catalog.register(leased(*agents(NAMES[:12]), lease_ttl=30))
    clock.time += 30
    found = await passes(catalog, 3)
    assert [len(one.preserved) for one in found] == [10, 2, 0]
    assert {name for one in found for name in one.preserved} == set(NAMES[:12])
    assert found[2] == Expired()


async def test_nothing_ends_however_long_it_takes(unseen, clock):
    await unseen.heartbeat(renewals(NAMES[12:]))
    before = unseen.revision
    for _ in range(50):
        clock.time += 25
        await unseen.heartbeat(renewals(NAMES[12:]))
        assert await unseen.expire() == Expired()
    assert (unseen.revision, len(unseen.entries)) == (before, 20)


async def test_what_was_suspect_before_is_preserved_instead_of_removed(catalog, clock):
    await catalog.register(leased(*agents(NAMES), lease_ttl=30))
    clock.time += 20
    await catalog.heartbeat(renewals(NAMES[4:]))
    clock.time += 10
    assert (await catalog.expire()).suspected != ()
    clock.time += 60
    for one in await passes(catalog, 3):
        assert (one.suspected, one.removed) == ((), ())
    assert shown(catalog) == {PRESERVED: 20}


async def test_a_heartbeat_brings_what_is_preserved_back_to_life(unseen):
    result = await unseen.heartbeat(renewals(NAMES[:1]))
    assert result.results[0].error is None
    assert status(unseen, NAMES[0]).liveness is LIVE
    assert await unseen.expire() == Expired()
    assert status(unseen, NAMES[0]).liveness is LIVE


async def test_when_few_are_overdue_they_end_after_all_and_step_by_step(unseen, clock):
    await unseen.heartbeat(renewals(NAMES[3:]))
    found = await unseen.expire()
    assert (sorted(found.suspected), found.removed) == (list(NAMES[:3]), ())
    assert shown(unseen) == {SUSPECT: 3, LIVE: 17}
    clock.time += 60
    await unseen.heartbeat(renewals(NAMES[3:]))
    found = await unseen.expire()
    assert (found.suspected, found.removed) == ((), NAMES[:3])
    assert shown(unseen) == {LIVE: 17}


async def test_ten_are_enough_to_be_preserved_and_nine_are_not(unseen):
    await unseen.heartbeat(renewals(NAMES[10:]))
    assert await unseen.expire() == Expired()
    assert unseen.due.preserving
    await unseen.heartbeat(renewals(NAMES[9:]))
    assert len((await unseen.expire()).suspected) == 9


async def test_a_few_are_not_preserved_even_when_they_are_most(catalog, clock):
    await catalog.register(leased(*agents(NAMES[:12]), lease_ttl=30))
    clock.time += 20
    await catalog.heartbeat(renewals(NAMES[9:12]))
    clock.time += 10
    found = await catalog.expire()
    assert (len(found.suspected), found.preserved) == (9, ())
    clock.time += 60
    await catalog.heartbeat(renewals(NAMES[9:12]))
    assert len((await catalog.expire()).removed) == 9


async def test_a_small_share_of_many_is_not_preserved(catalog, clock):
    names = [f"agents/b{i}" for i in range(100)]
    await catalog.register(leased(*agents(names), lease_ttl=30))
    clock.time += 20
    await catalog.heartbeat(renewals(names[15:]))
    clock.time += 10
    found = await passes(catalog, 2)
    assert [(len(one.suspected), one.preserved) for one in found] == [(10, ()), (5, ())]


async def test_what_is_preserved_can_be_taken_over_and_taken_away(unseen):
    first, second = NAMES[:2]
    await unseen.register(leased(*agents([first]), owner_id=OTHER))
    assert status(unseen, first).liveness is LIVE
    await unseen.deregister(Deregistration(name=second))
    assert second not in unseen.entries


async def test_preserved_is_still_preserved_after_a_restart(open_catalog, clock):
    async with open_catalog() as catalog:
        await catalog.register(leased(*agents(NAMES[:12]), lease_ttl=30))
        clock.time += 30
        await passes(catalog, 2)
    async with open_catalog() as catalog:
        assert shown(catalog) == {PRESERVED: 12}
        await catalog.heartbeat(renewals(NAMES[:6]))
        assert shown(catalog) == {PRESERVED: 6, LIVE: 6}
