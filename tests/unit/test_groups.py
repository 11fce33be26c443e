"""Which requests go together, what is decided for each, and on what."""

import asyncio

import pytest

from airegistry.errors import AlreadyExistsError, NotFoundError, RequestIdReusedError
from registry import groups
from registry.entries import Entries
from registry.groups import Waiting
from registry.leases import Lease, Leases
from registry.planning.deregister import order_deregister
from registry.planning.heartbeat import order_heartbeat
from registry.planning.plan import State
from registry.planning.register import order_register
from registry.requests import Deregistration
from registry.store.records import Basis, Committed, SavedReply
from tests.orders import ME, OTHER, SCOUT, batch, endpoint, heartbeat, leased, model, scout

START = 1_700_000_000.0


@pytest.fixture
def entries():
    return Entries()


def wait_for(order):
    return Waiting(order, asyncio.get_running_loop().create_future())


def register(*resources, **options):
    return wait_for(order_register(batch(*resources, **options)))


def decide(waiting, entries, leases=(), replies=None, revision=7):
    state = State(entries, revision, Leases(leases, lambda: START), lambda: START)
    return groups.decide(waiting, state, Basis(revision, tuple(leases), replies or {}))


def carry_out(group, entries, first):
    """Do what the store and the view would do."""
    numbers = tuple(range(first, first + len(group.planned)))
    logged = groups.published(group.writes, Committed(numbers, START))
    for one in logged:
        entries.apply([e for e in one.entries.values() if e], [n for n, e in one.entries.items() if not e])
    for planned, number, made in zip(group.planned, numbers, logged, strict=True):
        groups.answer(planned, number, made)
    return logged


async def test_requests_about_different_names_go_together(entries):
    waiting = [register(model(id_)) for id_ in "abc"]
    group = decide(waiting, entries)
    assert (group.taken, len(group.writes)) == (3, 3)
    assert not any(one.reply.done() for one in waiting)


async def test_a_request_about_the_same_name_waits_and_so_does_what_comes_after(entries):
    group = decide([register(model("a")), register(model("a", "two")), register(model("b"))], entries)
    assert (group.taken, len(group.writes)) == (1, 1)


async def test_an_endpoint_waits_for_the_model_that_is_written_before_it(entries):
    carry_out(decide([register(model("a"))], entries), entries, 1)
    waiting = [wait_for(order_deregister(Deregistration(name="models/a"))), register(endpoint(of="a"))]
    group = decide(waiting, entries)
    assert group.taken == 1
    carry_out(group, entries, 2)
    decide(waiting[1:], entries)
    assert isinstance(waiting[1].reply.exception(), NotFoundError)


async def test_one_transaction_takes_a_bounded_number_of_changes(entries, monkeypatch):
    monkeypatch.setattr(groups, "MAX_GROUP_CHANGES", 3)
    group = decide([register(model("a"), model("b")), register(model("c")), register(model("d"))], entries)
    assert (group.taken, group.changes) == (2, 3)


async def test_a_single_request_comes_whole_however_large_it_is(entries, monkeypatch):
    monkeypatch.setattr(groups, "MAX_GROUP_CHANGES", 1)
    group = decide([register(model("a"), model("b")), register(model("c"))], entries)
    assert (group.taken, group.changes) == (1, 2)


async def test_a_request_that_cannot_be_done_is_answered_and_stops_no_other(entries):
    waiting = [register(endpoint(of="missing")), register(model("a"))]
    group = decide(waiting, entries)
    assert (group.taken, len(group.writes)) == (2, 1)
    assert isinstance(waiting[0].reply.exception(), NotFoundError)


async def test_a_request_whose_caller_went_away_is_not_written(entries):
    waiting = [register(model("a")), register(model("b"))]
    waiting[0].reply.cancel()
    group = decide(waiting, entries)
    assert (group.taken, [write.changes[0].name for write in group.writes]) == (2, ["models/b"])


async def test_what_changes_nothing_is_answered_at_the_revision_it_was_decided_on(entries):
    carry_out(decide([register(model("a"))], entries), entries, 1)
    waiting = register(model("a"))
    group = decide([waiting], entries, revision=1)
    assert (group.taken, group.writes) == (1, [])
    result = waiting.reply.result()
    assert (result.revision, result.unchanged_count, result.entries) == (1, 1, (entries["models/a"],))


async def test_what_is_only_validated_is_answered_and_not_written(entries):
    waiting = register(model("a"), validate_only=True)
    assert decide([waiting], entries).writes == []
    assert waiting.reply.result().entries[0].revision == 0


async def test_a_known_request_gets_its_saved_reply_whatever_it_would_get_now(entries):
    first = register(model("a"), create_only=True, request_id="r-1")
    group = decide([first], entries)
    saved = group.writes[0].reply
    carry_out(group, entries, 3)
    again = register(model("a"), create_only=True, request_id="r-1")
    reply = SavedReply(saved.request_id, saved.fingerprint, 3, saved.reply)
    assert decide([again], entries, replies={"r-1": reply}).writes == []
    assert again.reply.result().revision == 3
    assert [one.wire for one in again.reply.result().entries] == [one.wire for one in first.reply.result().entries]
    unknown = register(model("a"), create_only=True, request_id="r-2")
    decide([unknown], entries, replies={"r-1": reply})
    assert isinstance(unknown.reply.exception(), AlreadyExistsError)


async def test_a_known_request_id_with_another_payload_is_refused(entries):
    waiting = register(model("a"), request_id="r-1")
    decide([waiting], entries, replies={"r-1": SavedReply("r-1", "other", 1, b"")})
    assert isinstance(waiting.reply.exception(), RequestIdReusedError)


async def test_two_requests_with_one_id_never_share_a_transaction(entries):
    group = decide([register(model("a"), request_id="r-1"), register(model("b"), request_id="r-1")], entries)
    assert group.taken == 1


async def test_a_group_expects_every_name_it_looked_at_as_it_found_it(entries):
    carry_out(decide([register(model("a"), model("b"))], entries), entries, 4)
    group = decide([register(endpoint("x", of="a")), register(model("b", "new")), register(scout())], entries)
    assert group.expected.revisions == {"models/a": 4, "models/a/endpoints/x": 0, "models/b": 4, SCOUT: 0}


async def test_a_group_expects_the_leases_it_looked_at_also_where_there_was_none(entries):
    carry_out(decide([register(model("a"), endpoint(), scout())], entries), entries, 1)
    held = [Lease(SCOUT, ME, 30.0, START, seq=11), Lease("models/a/endpoints/x", ME, 30.0, START, seq=12)]
    waiting = [
        wait_for(order_register(leased(scout("new"), owner_id=ME))),
        wait_for(order_deregister(Deregistration(name="models/a", owner_id=ME))),
    ]
    group = decide(waiting, entries, held)
    assert group.expected.leases == {SCOUT: 11, "models/a/endpoints/x": 12, "models/a": 0}


async def test_a_mere_renewal_expects_its_lease_and_no_revision(entries):
    carry_out(decide([wait_for(order_register(leased(scout())))], entries), entries, 1)
    group = decide([wait_for(order_heartbeat(heartbeat()))], entries, [Lease(SCOUT, ME, 30.0, START, seq=5)])
    assert (group.expected.leases, group.expected.revisions) == ({SCOUT: 5}, {})


async def test_what_is_refused_is_expected_by_nobody(entries):
    carry_out(decide([wait_for(order_register(leased(scout())))], entries), entries, 1)
    held = [Lease(SCOUT, ME, 30.0, START, seq=5)]
    refused = wait_for(order_register(leased(scout("new"), owner_id=OTHER)))
    group = decide([refused, register(model("a"))], entries, held)
    assert refused.reply.exception() is not None
    assert (group.expected.leases, group.expected.revisions) == ({"models/a": 0}, {"models/a": 0})


async def test_an_answer_shows_what_was_written_at_its_revision(entries):
    carry_out(decide([register(model("a"))], entries), entries, 1)
    waiting = register(model("a"), model("b"))
    (logged,) = carry_out(decide([waiting], entries), entries, 2)
    assert list(logged.entries) == ["models/b"]
    assert [entry.revision for entry in waiting.reply.result().entries] == [1, 2]


async def test_what_was_removed_is_published_as_gone(entries):
    carry_out(decide([register(model("a"), endpoint())], entries), entries, 1)
    (logged,) = carry_out(decide([wait_for(order_deregister(Deregistration(name="models/a")))], entries), entries, 2)
    assert logged.entries == {"models/a": None, "models/a/endpoints/x": None}


async def test_a_write_without_changes_is_not_published():
    entries = Entries()
    carry_out(decide([wait_for(order_register(leased(scout())))], entries), entries, 1)
    group = decide([wait_for(order_heartbeat(heartbeat()))], entries, [Lease(SCOUT, ME, 30.0, START, seq=5)])
    assert groups.published(group.writes, Committed((1,), START)) == []


async def test_nobody_is_answered_who_went_away_while_it_was_written(entries):
    waiting = register(model("a"))
    group = decide([waiting], entries)
    waiting.reply.cancel()
    carry_out(group, entries, 1)
    assert waiting.reply.cancelled()
