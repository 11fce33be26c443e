"""What several registries on one database promise together: whichever is asked, it is one registry."""

import asyncio
import itertools
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from airegistry.discovery.index import Index
from airegistry.discovery.naming import NameTable
from airegistry.errors import (
    AlreadyExistsError,
    EtagMismatchError,
    NotFoundError,
    OwnedByAnotherError,
    RequestIdReusedError,
    UnavailableError,
)
from airegistry.resources.resource import Health, Liveness
from registry.catalog import Catalog
from registry.planning.expiry import Expired
from registry.requests import Deregistration, Update
from tests.contract.stores import running_catalog
from tests.orders import ME, OTHER, SCOUT, batch, endpoint, heartbeat, leased, model, scout, status

LONG = 60.0


@pytest.fixture
def open_replica(open_postgres):
    @asynccontextmanager
    async def open_one():
        async with open_postgres(poll_interval=0.05) as store, running_catalog(store) as catalog:
            yield catalog

    return open_one


@pytest.fixture
async def replicas(open_replica):
    """Three catalogs on one database, which must never miss a revision."""
    async with AsyncExitStack() as stack:
        catalogs = [await stack.enter_async_context(open_replica()) for _ in range(3)]
        yield catalogs
        await agree(catalogs)
        assert [catalog.tail.gaps for catalog in catalogs] == [0, 0, 0]


async def agree(catalogs):
    """All show the same, to the byte, and have the same history."""
    shown = []
    for catalog in catalogs:
        revision = await catalog.catch_up()
        history = [
            (one.number, event.name, event.old and event.old.wire, event.new and event.new.wire)
            for one in reversed(list(catalog.feed.since(catalog.feed.oldest - 1)))
            for event in one.events
        ]
        assert catalog.revision == catalog.index.revision == revision
        shown.append(({name: entry.wire for name, entry in catalog.entries.items()}, history))
    assert all(one == shown[0] for one in shown)
    return shown[0]


async def gather(*attempts):
    return await asyncio.gather(*attempts, return_exceptions=True)


def won(outcomes):
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


async def test_what_was_acknowledged_by_one_is_read_through_another(replicas):
    for turn in range(12):
        here, there = replicas[turn % 3], replicas[(turn + 1) % 3]
        written = await here.register(batch(model(f"m{turn}")))
        assert await there.catch_up() >= written.revision
        assert there.entries[f"models/m{turn}"].wire == written.entries[0].wire


async def test_the_others_follow_without_being_asked(replicas):
    revision = (await replicas[0].register(batch(model()))).revision
    for catalog in replicas[1:]:
        await asyncio.wait_for(catalog.feed.wait_for(revision), LONG)
        assert catalog.names.resolve("a") == ("models/a",)


async def test_a_write_is_decided_on_what_others_wrote_before_it(replicas):
    first, second, third = replicas
    await first.register(batch(model()))
    assert (await second.register(batch(endpoint()))).revision == 2
    assert (await third.register(batch(model()))).unchanged_count == 1
    assert (await third.deregister(Deregistration(name="models/a"))).names == ("models/a", "models/a/endpoints/x")
    with pytest.raises(NotFoundError):
        await first.update(Update(resource=model(description="new")))


async def test_of_many_writers_with_one_etag_only_one_wins_everywhere(replicas):
    etag = (await replicas[0].register(batch(model()))).entries[0].resource.etag
    outcomes = await gather(
        *(replicas[i % 3].register(batch(model("a", f"by {i}", etag=etag))) for i in range(15)),
    )
    assert len(won(outcomes)) == 1
    assert sum(isinstance(outcome, EtagMismatchError) for outcome in outcomes) == 14
    entries, _ = await agree(replicas)
    assert entries["models/a"] == won(outcomes)[0].entries[0].wire


async def test_of_many_creators_only_one_wins_everywhere(replicas):
    attempts = (replicas[i % 3].register(batch(model("a", str(i)), create_only=True)) for i in range(15))
    outcomes = await gather(*attempts)
    assert len(won(outcomes)) == 1
    assert sum(isinstance(outcome, AlreadyExistsError) for outcome in outcomes) == 14
    assert await replicas[0].catch_up() == 1


async def test_writers_of_different_names_all_win_and_leave_no_hole(replicas):
    outcomes = await gather(*(replicas[i % 3].register(batch(model(f"m{i}"))) for i in range(60)))
    assert sorted(outcome.revision for outcome in won(outcomes)) == list(range(1, 61))


async def test_writers_of_one_name_come_one_after_the_other(replicas):
    outcomes = await gather(*(replicas[i % 3].register(batch(model("a", f"by {i}"))) for i in range(12)))
    assert sorted(outcome.revision for outcome in won(outcomes)) == list(range(1, 13))
    _, history = await agree(replicas)
    for (*_, before), (_, _, old, _) in pairwise(history):
        assert old == before


async def test_no_endpoint_is_left_without_its_model_that_goes_elsewhere(replicas):
    first, second, third = replicas
    for turn in range(10):
        await first.register(batch(model()))
        outcomes = await gather(
            first.register(batch(endpoint(f"x{turn}"))),
            second.deregister(Deregistration(name="models/a")),
            third.register(batch(endpoint(f"y{turn}"))),
        )
        assert not isinstance(outcomes[1], BaseException)
        entries, _ = await agree(replicas)
        assert entries == {}


async def test_a_heartbeat_counts_through_any_replica(replicas, clock):
    await replicas[0].register(leased(scout(), lease_ttl=30))
    for turn in range(6):
        clock.time += 20
        (result,) = (await replicas[turn % 3].heartbeat(heartbeat())).results
        assert result.error is None
        assert [await one.expire() for one in replicas] == [Expired()] * 3
    assert status(replicas[0]).liveness is Liveness.LIVE
    assert replicas[0].revision == 1


async def test_only_one_replica_ends_leases(replicas, clock):
    await replicas[0].register(leased(scout(), lease_ttl=30))
    await replicas[1].expire()
    clock.time += 30
    found = await gather(*(one.expire() for one in replicas for _ in range(3)))
    assert [one.suspected for one in won(found) if one != Expired()] == [(SCOUT,)]
    assert await replicas[0].catch_up() == 2


async def test_a_heartbeat_through_another_replica_revives_what_the_sweeper_suspected(replicas, clock):
    first, second, third = replicas
    await second.register(leased(scout(), lease_ttl=30))
    clock.time += 31
    assert (await first.expire()).suspected == (SCOUT,)
    result = await third.heartbeat(heartbeat(health=Health.SERVING))
    assert (result.revision, result.results[0].error) == (3, None)
    await first.catch_up()
    assert (status(first).liveness, status(first).health) == (Liveness.LIVE, Health.SERVING)
    clock.time += 29
    assert await first.expire() == Expired()


async def test_a_renewal_beats_a_sweep_that_found_the_lease_overdue(replicas, clock, monkeypatch):
    first, second, _ = replicas
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


async def test_another_replica_sweeps_on_when_the_sweeper_is_gone(open_replica, replicas, clock):
    async with open_replica() as sweeper:
        await sweeper.register(leased(scout(), lease_ttl=30))
        await sweeper.expire()
        clock.time += 2
        assert [await one.expire() for one in replicas] == [Expired()] * 3
    clock.time += 28
    assert [(await one.expire()).suspected for one in replicas] == [(SCOUT,), (), ()]


async def test_who_is_sweeper_no_more_ends_nothing(replicas, clock, monkeypatch):
    first, second, _ = replicas
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


async def test_what_another_sweeper_did_meanwhile_is_not_done_again(replicas, clock, monkeypatch):
    first, second, _ = replicas
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


async def test_a_lease_keeps_others_from_writing_through_any_replica(replicas):
    first, second, third = replicas
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


async def test_a_lease_that_was_taken_over_elsewhere_is_lost(replicas):
    first, second, third = replicas
    await first.register(leased(scout()))
    await second.register(leased(scout(), owner_id=OTHER, take_over=True))
    for catalog in (first, third):
        (result,) = (await catalog.heartbeat(heartbeat(owner_id=ME))).results
        assert result.error.reason == "OWNED_BY_ANOTHER"
    (result,) = (await third.heartbeat(heartbeat(owner_id=OTHER))).results
    assert result.error is None


async def test_of_two_owners_at_the_same_time_one_gets_the_lease(replicas):
    for _ in range(8):
        outcomes = await gather(
            replicas[0].register(leased(scout("mine"), owner_id=ME)),
            replicas[1].register(leased(scout("theirs"), owner_id=OTHER)),
        )
        assert len(won(outcomes)) == 1
        assert sum(isinstance(outcome, OwnedByAnotherError) for outcome in outcomes) == 1
        owner = ME if outcomes[0] in won(outcomes) else OTHER
        await replicas[2].deregister(Deregistration(name=SCOUT, owner_id=owner))


async def test_a_lease_granted_while_a_write_is_decided_is_not_written_over(replicas, monkeypatch):
    first, second, _ = replicas
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


@pytest.fixture
def contend(replicas, monkeypatch):
    """Return `contend(times)`: so often, another replica changes models/a while the first decides what to write."""
    basis = replicas[0]._store.basis

    def begin(times):
        async def overtaken(leases, request_ids):
            found = await basis(leases, request_ids)
            if (turn := next(times, None)) is not None:
                await replicas[1].register(batch(model("a", f"turn {turn}")))
            return found

        monkeypatch.setattr(replicas[0]._store, "basis", overtaken)

    return begin


async def test_a_write_that_others_defeat_again_and_again_is_carried_out(replicas, contend):
    contend(iter(range(30)))
    written = await replicas[0].register(batch(model("a", "at last")))
    assert (written.revision, replicas[0].writer.conflicts) == (31, 30)


@pytest.mark.parametrize("place", [0, 10], ids=["first", "last"])
async def test_what_nobody_contends_for_does_not_fail_with_what_others_keep_changing(
    replicas, contend, monkeypatch, place
):
    monkeypatch.setattr("registry.writer.PATIENCE", 0.0)
    contend(itertools.count())
    names = [f"m{i}" for i in range(10)]
    names.insert(place, "a")
    outcomes = await gather(*(replicas[0].register(batch(model(name, "mine"))) for name in names))
    contended = outcomes.pop(place)
    assert isinstance(contended, UnavailableError)
    assert contended.retry_after
    assert len(won(outcomes)) == 10


async def test_a_retry_through_another_replica_gets_the_original_reply(replicas):
    request = batch(model(), endpoint(), request_id="r-1", create_only=True)
    first = await replicas[0].register(request)
    await replicas[1].register(batch(model(description="since changed")))
    again = await replicas[2].register(request)
    assert (again.revision, again.created_count) == (1, 2)
    assert [entry.wire for entry in again.entries] == [entry.wire for entry in first.entries]
    with pytest.raises(RequestIdReusedError):
        await replicas[1].register(batch(model("b"), request_id="r-1"))


async def test_a_retry_that_sees_what_the_first_attempt_did_gets_its_reply(replicas, monkeypatch):
    first, second, _ = replicas
    request = batch(model(), request_id="r-1", create_only=True)
    store = first._store
    decided: list[Any] = []
    catching_up: list[Any] = []
    basis = store.basis

    async def carried_out_meanwhile(leases, request_ids):
        found = await basis(leases, request_ids)
        if not decided:
            decided.append(await second.register(request))
            # The view stands still meanwhile: what follows the log has to wait.
            catching_up.append(asyncio.create_task(first.catch_up()))
            await asyncio.sleep(0.2)
        return found

    monkeypatch.setattr(store, "basis", carried_out_meanwhile)
    assert (await first.register(request)).entries[0].wire == decided[0].entries[0].wire
    await asyncio.gather(*catching_up)


async def test_one_request_sent_to_all_at_once_is_carried_out_once(replicas):
    for turn in range(8):
        request = batch(model(f"m{turn}"), request_id=f"r-{turn}", create_only=True)
        answers = await asyncio.gather(*(one.register(request) for one in replicas))
        assert {answer.revision for answer in answers} == {turn + 1}
        assert len({answer.entries[0].wire for answer in answers}) == 1


async def test_a_replica_whose_place_in_the_log_is_gone_reads_everything_anew(open_postgres, replicas):
    async with open_postgres() as store:
        # It is there, but has not begun to follow.
        late = await Catalog.open(store, index=Index(lambda: datetime.now(UTC)), names=NameTable())
        for i in range(4):
            await replicas[0].register(batch(model(f"m{i}"), model("a", str(i))))
        await replicas[0].deregister(Deregistration(name="models/m0"))
        await store.compact(through=3)
        assert await late.catch_up() == 5
        assert (late.tail.reloads, late.tail.gaps, late.feed.oldest) == (1, 0, 4)
        assert late.names.resolve("m0") == ()
        assert late.index.revision == 5
        await replicas[0].catch_up()
        assert {name: entry.wire for name, entry in late.entries.items()} == {
            name: entry.wire for name, entry in replicas[0].entries.items()
        }


async def test_replicas_that_write_follow_and_sweep_at_once_show_one_history(replicas, clock):
    async def live(catalog, index):
        for turn in range(8):
            outcomes = await gather(
                catalog.register(batch(model(f"m{turn}", f"by {index}"))),
                catalog.register(leased(scout(f"by {index}"), owner_id=(ME, OTHER)[index % 2])),
                catalog.deregister(Deregistration(name=f"models/m{turn - 1}", allow_missing=True)),
                catalog.heartbeat(heartbeat(load=0.5)),
                catalog.expire(),
            )
            for outcome in outcomes:
                assert not isinstance(outcome, BaseException) or isinstance(outcome, OwnedByAnotherError), outcome
            clock.time += 5

    await asyncio.gather(*(live(catalog, index) for index, catalog in enumerate(replicas)))
    _, history = await agree(replicas)
    numbers = [number for number, *_ in history]
    assert sorted(set(numbers)) == list(range(1, replicas[0].revision + 1))
