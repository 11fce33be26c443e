"""What every store promises about leases: as of the moment, by its own clock, a few at a time."""

from dataclasses import replace

import pytest

from airegistry.resources.resource import Liveness
from registry.leases import MIN_PER_PASS, Lease
from registry.store.records import Write
from tests.contract.stores import commit, hold, lease, leases_of, put

NEVER = float("inf")
SCOUT = "agents/scout"
MANY = tuple(f"agents/a{i}" for i in range(1000))


async def due(store, away=NEVER):
    found = await store.due(away=away)
    return sorted(lease.name for lease in found.leases)


async def test_a_lease_is_read_as_it_was_written(store, clock):
    written = Lease(SCOUT, "owner-me", 20.0, clock.time + 5, Liveness.PRESERVED, load=0.25)
    await commit(store, hold(written))
    (found,) = (await store.basis([SCOUT, "agents/other"], ())).leases
    assert found == replace(written, seq=found.seq)


async def test_leases_survive_a_restart(open_store, clock):
    async with open_store() as store:
        await commit(store, hold(lease("models/a"), lease("models/b", liveness=Liveness.SUSPECT), lease("models/c")))
        clock.time += 10
        await commit(store, Write(leases=(lease("models/a"),), ended_leases=("models/c",)))
        before = await leases_of(store, "models/a", "models/b", "models/c")
    async with open_store() as store:
        after = await leases_of(store, "models/a", "models/b", "models/c")
    assert before.keys() == after.keys() == {"models/a", "models/b"}
    assert [(one.liveness, one.seq) for one in after.values()] == [(one.liveness, one.seq) for one in before.values()]
    assert before["models/a"].renewed_at == clock.time


async def test_a_lease_that_names_no_time_is_renewed_when_it_is_written(store, clock):
    await commit(store, hold(lease(SCOUT)))
    clock.time += 12
    await commit(store, hold(lease(SCOUT)))
    assert (await leases_of(store, SCOUT))[SCOUT].renewed_at == clock.time


async def test_what_renews_without_a_change_is_renewed_beside_what_changes(store, clock):
    await commit(store, hold(lease(SCOUT), lease("models/b")))
    clock.time += 12
    await commit(store, hold(lease(SCOUT)), put("models/a", leases=(lease(),)), hold(lease("models/b")))
    renewed = await leases_of(store, SCOUT, "models/a", "models/b")
    assert {name: one.renewed_at for name, one in renewed.items()} == dict.fromkeys(
        (SCOUT, "models/a", "models/b"), clock.time
    )


async def test_every_write_gives_a_lease_another_number_and_none_comes_back(open_store):
    seen = []
    async with open_store() as store:
        for write in (hold(lease()), hold(lease()), hold(lease(liveness=Liveness.SUSPECT))):
            await commit(store, write)
            seen.append((await leases_of(store, "models/a"))["models/a"].seq)
        await commit(store, Write(ended_leases=("models/a",)))
        assert await leases_of(store, "models/a") == {}
        await commit(store, hold(lease()))
        seen.append((await leases_of(store, "models/a"))["models/a"].seq)
    async with open_store() as store:
        await commit(store, hold(lease()))
        seen.append((await leases_of(store, "models/a"))["models/a"].seq)
    assert len(set(seen)) == len(seen)
    assert 0 not in seen


async def test_a_lease_lives_at_least_its_time_to_live(store, clock):
    await commit(store, hold(lease(SCOUT, ttl=10)))
    clock.time += 9.5
    assert await due(store) == []
    clock.time += 0.5
    assert await due(store) == [SCOUT]


async def test_a_renewal_gives_the_whole_time_again(store, clock):
    await commit(store, hold(lease(SCOUT, ttl=10)))
    clock.time += 9
    await commit(store, hold((await leases_of(store, SCOUT))[SCOUT].renewed()))
    clock.time += 9
    assert await due(store) == []


@pytest.mark.parametrize(
    ("ttl", "removed_after"), [pytest.param(10, 60, id="a-minute"), pytest.param(30, 90, id="three-times")]
)
async def test_a_suspect_is_due_again_after_three_times_its_ttl_but_a_minute_at_least(store, clock, ttl, removed_after):
    start = clock.time
    await commit(store, hold(lease(SCOUT, ttl=ttl, renewed_at=start, liveness=Liveness.SUSPECT)))
    clock.time = start + removed_after - 0.5
    assert await due(store) == []
    clock.time = start + removed_after
    assert await due(store) == [SCOUT]


async def test_what_is_due_stays_due_until_something_is_done(store, clock):
    await commit(store, hold(lease(SCOUT, ttl=10)))
    clock.time += 11
    assert await due(store) == await due(store) == [SCOUT]


async def test_a_lease_that_ended_is_never_due(store, clock):
    await commit(store, hold(lease(SCOUT)))
    await commit(store, Write(ended_leases=(SCOUT,)))
    clock.time += 1000
    found = await store.due(away=NEVER)
    assert (found.leases, found.overdue, found.total) == ((), 0, 0)


async def test_a_pass_tells_how_many_are_overdue_and_for_how_long_the_worst_was_due(store, clock):
    await commit(store, hold(lease("agents/a", ttl=10), lease("agents/b", ttl=30), lease("agents/c", ttl=1000)))
    clock.time += 45
    found = await store.due(away=NEVER)
    assert (found.overdue, found.total, found.late) == (2, 3, 35)


async def test_a_suspect_that_waits_is_overdue_and_not_late(store, clock):
    await commit(store, hold(lease(SCOUT, ttl=10, renewed_at=clock.time, liveness=Liveness.SUSPECT)))
    clock.time += 20
    found = await store.due(away=NEVER)
    assert (found.leases, found.overdue, found.late) == ((), 1, 0)


@pytest.mark.parametrize(
    ("names", "ended"), [pytest.param(MANY, 50, id="five-percent"), pytest.param(MANY[:40], MIN_PER_PASS, id="few")]
)
async def test_one_pass_ends_only_a_share(store, clock, names, ended):
    await commit(store, hold(*(lease(name) for name in names)))
    clock.time += 1000
    assert len(await due(store)) == ended


async def test_which_leases_end_first_is_random(store, clock):
    await commit(store, hold(*(lease(name) for name in MANY[:40])))
    clock.time += 1000
    assert await due(store) != await due(store)


async def test_what_is_preserved_makes_room_for_what_is_not_yet(store, clock):
    await commit(store, hold(*(lease(name, liveness=Liveness.PRESERVED) for name in MANY[:40]), lease(SCOUT)))
    clock.time += 60
    assert (await store.due(away=NEVER)).preserving
    assert await due(store) == [SCOUT]


async def test_what_is_preserved_is_due_when_few_are_overdue(store, clock):
    healthy = (lease(name, ttl=100) for name in MANY[:40])
    await commit(store, hold(*healthy, lease(SCOUT, liveness=Liveness.PRESERVED)))
    clock.time += 60
    assert await due(store) == [SCOUT]


async def test_when_nobody_looked_for_too_long_every_lease_counts_as_renewed(store, clock):
    await commit(store, hold(lease(SCOUT, ttl=10)))
    assert await due(store, away=3) == []
    clock.time += 500
    assert await due(store, away=3) == []
    assert (await leases_of(store, SCOUT))[SCOUT].renewed_at == clock.time
    for _ in range(3):
        clock.time += 3
        assert await due(store, away=3) == []
    clock.time += 1
    assert await due(store, away=3) == [SCOUT]


async def test_passes_that_come_in_time_forgive_nothing(store, clock):
    await due(store, away=3)
    await commit(store, hold(lease(SCOUT, ttl=10)))
    for _ in range(3):
        clock.time += 3
        assert await due(store, away=3) == []
    clock.time += 3
    assert await due(store, away=3) == [SCOUT]


async def test_forgiving_takes_nothing_from_a_lease_renewed_later_than_the_clock_shows(store, clock):
    await due(store, away=3)
    await commit(store, hold(lease(SCOUT, renewed_at=clock.time + 50)))
    clock.time += 10
    await due(store, away=3)
    assert (await leases_of(store, SCOUT))[SCOUT].renewed_at == clock.time + 40
