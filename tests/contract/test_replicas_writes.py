"""Several replicas on one database: what is written through any of them is decided once, and seen by all."""

import asyncio
import itertools
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
from registry.catalog import Catalog
from registry.requests import Deregistration, Update
from tests.contract.sharing import LONG, agree, gather, won
from tests.orders import ME, OTHER, batch, endpoint, heartbeat, leased, model, scout


async def test_what_was_acknowledged_by_one_is_read_through_another(catalogs):
    for turn in range(12):
        here, there = catalogs[turn % 3], catalogs[(turn + 1) % 3]
        written = await here.register(batch(model(f"m{turn}")))
        assert await there.catch_up() >= written.revision
        assert there.entries[f"models/m{turn}"].wire == written.entries[0].wire


async def test_the_others_follow_without_being_asked(catalogs):
    revision = (await catalogs[0].register(batch(model()))).revision
    for catalog in catalogs[1:]:
        await asyncio.wait_for(catalog.feed.wait_for(revision), LONG)
        assert catalog.names.resolve("a") == ("models/a",)


async def test_a_write_is_decided_on_what_others_wrote_before_it(catalogs):
    first, second, third = catalogs
    await first.register(batch(model()))
    assert (await second.register(batch(endpoint()))).revision == 2
    assert (await third.register(batch(model()))).unchanged_count == 1
    assert (await third.deregister(Deregistration(name="models/a"))).names == ("models/a", "models/a/endpoints/x")
    with pytest.raises(NotFoundError):
        await first.update(Update(resource=model(description="new")))


async def test_of_many_writers_with_one_etag_only_one_wins_everywhere(catalogs):
    etag = (await catalogs[0].register(batch(model()))).entries[0].resource.etag
    outcomes = await gather(
        *(catalogs[i % 3].register(batch(model("a", f"by {i}", etag=etag))) for i in range(15)),
    )
    assert len(won(outcomes)) == 1
    assert sum(isinstance(outcome, EtagMismatchError) for outcome in outcomes) == 14
    entries, _ = await agree(catalogs)
    assert entries["models/a"] == won(outcomes)[0].entries[0].wire


async def test_of_many_creators_only_one_wins_everywhere(catalogs):
    attempts = (catalogs[i % 3].register(batch(model("a", str(i)), create_only=True)) for i in range(15))
    outcomes = await gather(*attempts)
    assert len(won(outcomes)) == 1
    assert sum(isinstance(outcome, AlreadyExistsError) for outcome in outcomes) == 14
    assert await catalogs[0].catch_up() == 1


async def test_writers_of_different_names_all_win_and_leave_no_hole(catalogs):
    outcomes = await gather(*(catalogs[i % 3].register(batch(model(f"m{i}"))) for i in range(60)))
    assert sorted(outcome.revision for outcome in won(outcomes)) == list(range(1, 61))


async def test_writers_of_one_name_come_one_after_the_other(catalogs):
    outcomes = await gather(*(catalogs[i % 3].register(batch(model("a", f"by {i}"))) for i in range(12)))
    assert sorted(outcome.revision for outcome in won(outcomes)) == list(range(1, 13))
    _, history = await agree(catalogs)
    for (*_, before), (_, _, old, _) in pairwise(history):
        assert old == before


async def test_no_endpoint_is_left_without_its_model_that_goes_elsewhere(catalogs):
    first, second, third = catalogs
    for turn in range(10):
        await first.register(batch(model()))
        outcomes = await gather(
            first.register(batch(endpoint(f"x{turn}"))),
            second.deregister(Deregistration(name="models/a")),
            third.register(batch(endpoint(f"y{turn}"))),
        )
        assert not isinstance(outcomes[1], BaseException)
        entries, _ = await agree(catalogs)
        assert entries == {}


@pytest.fixture
def contend(catalogs, monkeypatch):
    """Return `contend(times)`: so often, another replica changes models/a while the first decides what to write."""
    basis = catalogs[0]._store.basis

    def begin(times):
        async def overtaken(leases, request_ids):
            found = await basis(leases, request_ids)
            if (turn := next(times, None)) is not None:
                await catalogs[1].register(batch(model("a", f"turn {turn}")))
            return found

        monkeypatch.setattr(catalogs[0]._store, "basis", overtaken)

    return begin


async def test_a_write_that_others_defeat_again_and_again_is_carried_out(catalogs, contend, monkeypatch):
    # However slow the disk is.
    monkeypatch.setattr("registry.writer.PATIENCE", LONG)
    contend(iter(range(30)))
    written = await catalogs[0].register(batch(model("a", "at last")))
    assert (written.revision, catalogs[0].writer.conflicts) == (31, 30)


@pytest.mark.parametrize("place", [0, 10], ids=["first", "last"])
async def test_what_nobody_contends_for_does_not_fail_with_what_others_keep_changing(
    catalogs, contend, monkeypatch, place
):
    monkeypatch.setattr("registry.writer.PATIENCE", 0.0)
    contend(itertools.count())
    names = [f"m{i}" for i in range(10)]
    names.insert(place, "a")
    outcomes = await gather(*(catalogs[0].register(batch(model(name, "mine"))) for name in names))
    contended = outcomes.pop(place)
    assert isinstance(contended, UnavailableError)
    assert contended.retry_after
    assert len(won(outcomes)) == 10


async def test_a_retry_through_another_replica_gets_the_original_reply(catalogs):
    request = batch(model(), endpoint(), request_id="r-1", create_only=True)
    first = await catalogs[0].register(request)
    await catalogs[1].register(batch(model(description="since changed")))
    again = await catalogs[2].register(request)
    assert (again.revision, again.created_count) == (1, 2)
    assert [entry.wire for entry in again.entries] == [entry.wire for entry in first.entries]
    with pytest.raises(RequestIdReusedError):
        await catalogs[1].register(batch(model("b"), request_id="r-1"))


async def test_a_retry_that_sees_what_the_first_attempt_did_gets_its_reply(catalogs, monkeypatch):
    first, second, _ = catalogs
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


async def test_one_request_sent_to_all_at_once_is_carried_out_once(catalogs):
    for turn in range(8):
        request = batch(model(f"m{turn}"), request_id=f"r-{turn}", create_only=True)
        answers = await asyncio.gather(*(one.register(request) for one in catalogs))
        assert {answer.revision for answer in answers} == {turn + 1}
        assert len({answer.entries[0].wire for answer in answers}) == 1


async def test_a_replica_whose_place_in_the_log_is_gone_reads_everything_anew(open_postgres, catalogs):
    async with open_postgres() as store:
        # It is there, but has not begun to follow.
        late = await Catalog.open(store, index=Index(lambda: datetime.now(UTC)), names=NameTable())
        for i in range(4):
            await catalogs[0].register(batch(model(f"m{i}"), model("a", str(i))))
        await catalogs[0].deregister(Deregistration(name="models/m0"))
        await store.compact(through=3)
        assert await late.catch_up() == 5
        assert (late.tail.reloads, late.tail.gaps, late.feed.oldest) == (1, 0, 4)
        assert late.names.resolve("m0") == ()
        assert late.index.revision == 5
        await catalogs[0].catch_up()
        assert {name: entry.wire for name, entry in late.entries.items()} == {
            name: entry.wire for name, entry in catalogs[0].entries.items()
        }


async def test_replicas_that_write_follow_and_sweep_at_once_show_one_history(catalogs, clock):
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
                # One that swept may find that another does meanwhile: the clock goes on for all of them.
                allowed = isinstance(outcome, OwnedByAnotherError) or "another replica sweeps" in str(outcome)
                assert allowed or not isinstance(outcome, BaseException), outcome
            clock.time += 5

    await asyncio.gather(*(live(catalog, index) for index, catalog in enumerate(catalogs)))
    _, history = await agree(catalogs)
    numbers = [number for number, *_ in history]
    assert sorted(set(numbers)) == list(range(1, catalogs[0].revision + 1))
