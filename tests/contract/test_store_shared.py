"""What a store with several writers promises: decisions on what has changed are refused, and nobody misses anything."""

import asyncio
import random
from contextlib import AsyncExitStack
from itertools import count
from typing import Any

import pytest

from airegistry.resources.endpoint import Endpoint
from airegistry.resources.resource import Resource, ResourceKind
from registry.entry import Draft, content_of
from registry.store.records import Basis, Change, Expected, Logged, SavedReply, StaleError, Write
from tests.contract.stores import commit, draft, hold, lease, leases_of, put, remove

NEVER = float("inf")
LONG = 60.0
A, B, SCOUT = "models/a", "models/b", "agents/scout"


@pytest.fixture
async def stores(open_postgres):
    """Two replicas of one store."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_postgres()) for _ in range(2)]


def endpoint_draft(name="models/a/endpoints/x"):
    resource = Resource(name=name, uid="u", etag="e", endpoint=Endpoint(provider="p", upstream_model="m"))
    return Draft(resource, ResourceKind.ENDPOINT, content_of(resource))


async def assert_nothing_was_written(store, revision, *, names):
    contents = await store.load()
    assert (contents.revision, [entry.name for entry in contents.entries]) == (revision, names)
    assert await store.basis([B], ["r-9"]) == Basis(revision)


# What is written beside what is refused: neither may be there afterwards.
BESIDE = (put(B, reply=SavedReply("r-9", "f", 0, b"")), hold(lease(B)))


@pytest.mark.parametrize(
    "expected",
    [
        pytest.param(1, id="changed-elsewhere"),
        pytest.param(0, id="created-elsewhere"),
        pytest.param(3, id="never-there"),
    ],
)
async def test_a_write_decided_on_another_revision_is_refused_as_a_whole(stores, expected):
    here, there = stores
    await commit(there, put(A))
    await commit(there, put(A, "two", old=draft().at(1)))
    with pytest.raises(StaleError) as raised:
        await here.commit([*BESIDE, put(A, "three", old=draft().at(1))], Expected({A: expected, B: 0}))
    assert not raised.value.fenced
    await assert_nothing_was_written(here, 2, names=[A])
    assert await commit(here, put("models/c")) == (3,)


async def test_a_write_to_what_was_removed_elsewhere_is_refused(stores):
    here, there = stores
    await commit(there, put(A))
    await commit(there, remove(draft().at(1)))
    with pytest.raises(StaleError):
        await here.commit([*BESIDE, put(A, "two", old=draft().at(1))], Expected({A: 1}))
    await assert_nothing_was_written(here, 2, names=[])


async def test_what_was_only_looked_at_must_not_have_changed_either(stores):
    here, there = stores
    await commit(there, put(A))
    await commit(there, put(A, "two", old=draft().at(1)))
    with pytest.raises(StaleError):
        await here.commit(BESIDE, Expected({A: 1}))
    await assert_nothing_was_written(here, 2, names=[A])


async def test_what_exists_cannot_be_created_even_when_nothing_was_expected(stores):
    here, there = stores
    await commit(there, put(A))
    with pytest.raises(StaleError):
        await here.commit([*BESIDE, put(A)], Expected())
    await assert_nothing_was_written(here, 1, names=[A])


async def test_an_endpoint_is_never_left_without_its_model_even_when_nothing_was_expected(stores):
    here, there = stores
    orphan = Write((Change(None, endpoint_draft()),))
    with pytest.raises(StaleError):
        await here.commit([*BESIDE, orphan], Expected())
    await commit(there, put(A))
    assert await commit(here, orphan) == (2,)
    with pytest.raises(StaleError):
        await there.commit([*BESIDE, remove(draft().at(1))], Expected())
    await assert_nothing_was_written(there, 2, names=[A, "models/a/endpoints/x"])


@pytest.mark.parametrize("elsewhere", ["renewed", "ended", "ended-and-granted", "granted"])
async def test_a_write_decided_on_another_lease_is_refused_as_a_whole(stores, elsewhere):
    here, there = stores
    await commit(there, hold(lease(SCOUT)))
    if elsewhere == "granted":
        read = 0
    else:
        read = (await leases_of(here, SCOUT))[SCOUT].seq
        await commit(there, hold(lease(SCOUT)) if elsewhere == "renewed" else Write(ended_leases=(SCOUT,)))
    if elsewhere == "ended-and-granted":
        await commit(there, hold(lease(SCOUT)))
    before = await leases_of(here, SCOUT)
    with pytest.raises(StaleError) as raised:
        await commit(here, *BESIDE, hold(lease(SCOUT, owner_id="owner-other")), leases={SCOUT: read})
    assert not raised.value.fenced
    await assert_nothing_was_written(here, 0, names=[])
    assert await leases_of(here, SCOUT) == before


async def test_a_write_decided_on_what_is_still_true_goes_through(stores):
    here, there = stores
    await commit(there, put(A), hold(lease(A)))
    found = await leases_of(here, A)
    assert await commit(here, put(A, "two", old=draft().at(1)), hold(lease(A)), leases={A: found[A].seq, B: 0}) == (
        2,
        2,
    )


async def test_two_replies_to_one_request_id_cannot_both_be_kept(stores):
    here, there = stores
    await commit(there, put(A, reply=SavedReply("r-1", "f", 0, b"first")))
    for write in (
        put("models/c", reply=SavedReply("r-1", "f", 0, b"second")),
        Write(reply=SavedReply("r-1", "f", 0, b"")),
    ):
        with pytest.raises(StaleError):
            await commit(here, *BESIDE, write)
        await assert_nothing_was_written(here, 1, names=[A])
    assert (await here.basis((), ["r-1"])).replies["r-1"].reply == b"first"


async def test_leases_are_read_as_of_the_moment_wherever_they_were_written(stores, clock):
    here, there = stores
    await commit(there, hold(lease(SCOUT)))
    first = (await leases_of(here, SCOUT))[SCOUT]
    clock.time += 5
    await commit(there, hold(first.renewed(0.5)))
    second = (await leases_of(here, SCOUT))[SCOUT]
    assert (second.load, second.renewed_at) == (0.5, clock.time)
    assert second.seq != first.seq


async def test_only_one_replica_sweeps_and_both_know_each_other(stores):
    first, second = stores
    assert (await first.due(away=3)) is not None
    assert (await second.due(away=3)) is None
    assert (await first.due(away=3)) is not None
    assert list(first.replicas) == list(second.replicas) == sorted([first.replica_id, second.replica_id])


async def test_another_replica_takes_over_when_the_sweeper_stops(stores, clock):
    first, second = stores
    old = await first.due(away=3)
    for _ in range(2):
        clock.time += 1
        assert await second.due(away=10) is None
    clock.time += 5
    new = await second.due(away=10)
    assert new.epoch > old.epoch
    assert await first.due(away=10) is None
    clock.time += 10
    assert (await first.due(away=20)).epoch > new.epoch


async def test_another_replica_takes_over_at_once_when_the_sweeper_leaves(open_postgres):
    async with open_postgres() as second:
        async with open_postgres() as first:
            await first.due(away=3)
            assert await second.due(away=3) is None
            gone = first.replica_id
        assert await second.due(away=3) is not None
        assert gone not in second.replicas


async def test_a_replica_that_is_not_seen_any_more_is_not_one(stores, clock):
    first, second = stores
    await first.due(away=3)
    await second.due(away=3)
    clock.time += 60
    await second.due(away=3)
    assert list(second.replicas) == [second.replica_id]


async def test_what_only_the_sweeper_may_write_is_refused_from_one_that_was(stores, clock):
    first, second = stores
    await commit(first, put(A), hold(lease(A)))
    old = await first.due(away=3)
    clock.time += 10
    new = await second.due(away=30)
    for store, epoch in ((first, old.epoch), (first, new.epoch), (second, old.epoch)):
        with pytest.raises(StaleError) as raised:
            await commit(store, *BESIDE, remove(draft().at(1), ended_leases=(A,), epoch=epoch))
        assert raised.value.fenced
    await assert_nothing_was_written(first, 1, names=[A])
    assert await commit(second, remove(draft().at(1), ended_leases=(A,), epoch=new.epoch)) == (2,)


async def test_who_sweeps_again_may_not_end_what_it_found_before(stores, clock):
    first, second = stores
    old = await first.due(away=3)
    clock.time += 10
    await second.due(away=30)
    clock.time += 10
    assert await first.due(away=30) is not None
    with pytest.raises(StaleError) as raised:
        await commit(first, put(A, epoch=old.epoch))
    assert raised.value.fenced


async def test_what_one_replica_forgives_is_forgiven_everywhere(stores, clock):
    first, second = stores
    await first.due(away=3)
    await commit(first, hold(lease(SCOUT, ttl=10)))
    clock.time += 500
    assert (await second.due(away=3)).leases == ()
    assert [one.renewed_at for one in (await leases_of(first, SCOUT)).values()] == [clock.time]


async def test_a_sweeper_that_stops_long_enough_is_followed_by_forgiveness(stores, clock):
    first, second = stores
    await first.due(away=3)
    await commit(first, hold(lease(SCOUT, ttl=4)))
    clock.time += 5
    assert (await second.due(away=3)).leases == ()
    clock.time += 2
    assert (await second.due(away=3)).leases == ()
    clock.time += 2
    assert [one.name for one in (await second.due(away=3)).leases] == [SCOUT]


async def test_every_commit_is_the_newest_everywhere(stores):
    here, there = stores
    for i in range(5):
        assert await there.newest() == (await there.basis((), ())).revision == i
        await commit(here, put(f"models/m{i}"))


async def test_the_log_has_what_others_committed_whole_and_in_order(stores, clock):
    here, there = stores
    await commit(there, Write((Change(None, draft(B)), Change(None, draft(A)))), put("models/c"))
    clock.time += 5
    await commit(there, remove(draft(B).at(1)))
    first, second, third = await here.since(0)
    assert [list(one.entries) for one in (first, second, third)] == [[B, A], ["models/c"], [B]]
    assert [one.number for one in (first, second, third)] == [1, 2, 3]
    assert first.entries[A].resource == draft(A).at(1).resource
    assert third == Logged(3, clock.time, {B: None})
    assert await here.since(2) == (third,)
    assert list(await here.since(3)) == []


async def test_a_long_log_comes_in_steps_without_a_hole(stores):
    here, there = stores
    for i in range(10):
        await commit(there, *(put(f"models/m{i}-{j}") for j in range(20)))
    seen: list[Any] = []
    while step := await here.since(len(seen)):
        seen += [one.number for one in step]
    assert seen == list(range(1, 201))


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"notify": True, "poll_interval": 600}, id="by-notice"),
        pytest.param({"notify": False, "poll_interval": 0.05}, id="by-polling"),
    ],
)
async def test_whoever_waits_learns_that_others_committed(open_postgres, options):
    async with open_postgres(**options) as here, open_postgres(**options) as there:

        async def follow():
            while await here.newest() == 0:
                await here.changed()

        following = asyncio.create_task(follow())
        await asyncio.sleep(0)
        await commit(there, put(A))
        await asyncio.wait_for(following, LONG)


async def test_commits_at_the_same_time_leave_no_hole_and_no_duplicate(stores):
    names = count()
    taken = []

    async def write(store, rng):
        for _ in range(15):
            group = [put(f"models/m{next(names)}") for _ in range(rng.randint(1, 4))]
            revisions = await commit(store, *group)
            assert list(revisions) == list(range(revisions[0], revisions[0] + len(group)))
            taken.extend(revisions)

    async def watch(store):
        place = 0
        while not all(task.done() for task in writing) or place < len(taken):
            for one in await store.since(place):
                assert one.number == place + 1
                place = one.number

    writing = [asyncio.create_task(write(store, random.Random(i))) for i, store in enumerate(stores * 2)]
    await asyncio.gather(*writing, *map(watch, stores))
    assert sorted(taken) == list(range(1, len(taken) + 1))


async def test_renewals_of_the_same_leases_from_everywhere_never_lock_each_other_up(stores):
    names = [f"agents/a{i:02}" for i in range(30)]
    await commit(stores[0], hold(*(lease(name) for name in names)))

    async def renew(store, rng):
        for _ in range(10):
            order = rng.sample(names, 20)
            found = await leases_of(store, *order)
            try:
                await commit(
                    store, hold(*(found[name].renewed() for name in order)), leases={n: found[n].seq for n in order}
                )
            except StaleError:
                outcomes.append(False)
            else:
                outcomes.append(True)

    outcomes: list[Any] = []
    await asyncio.gather(*(renew(store, random.Random(i)) for i, store in enumerate(stores * 2)))
    assert len(outcomes) == 40
    assert any(outcomes)
