"""The ordered history and its readers."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.errors import CompactedError, DeadlineExceededError, RevisionInFutureError, UnavailableError
from airegistry.resources.resource import ResourceKind
from registry.entry import Entry
from registry.feed import MAX_STEP_EVENTS, MAX_STEP_REVISIONS, Feed
from registry.history import Event, Revision

ROOM = 1024 * 1024


def revision(number, *, events=1, time=0.0):
    entry = Entry(name="models/a", kind=ResourceKind.MODEL, revision=number, body=b"")
    return Revision(number, tuple(Event(number, "models/a", None, entry) for _ in range(events)), time)


def filled(newest, *, after=0):
    feed = Feed(after=after)
    for number in range(after + 1, newest + 1):
        feed.append(revision(number))
    return feed


def numbers(revisions):
    return [revision.number for revision in revisions]


async def next_step(feed, after):
    return numbers(await anext(aiter(feed.follow(after))))


async def test_an_empty_feed_holds_nothing_after_where_it_begins():
    feed = Feed(after=7)
    assert (feed.oldest, feed.newest) == (8, 7)


async def test_a_hole_is_refused():
    feed = filled(3)
    with pytest.raises(ValueError, match="5 cannot follow 3"):
        feed.append(revision(5))


async def test_a_reader_gets_everything_that_is_ready_at_once():
    assert await next_step(filled(5), after=2) == [3, 4, 5]


async def test_a_step_has_a_bound_in_revisions():
    assert len(await next_step(filled(MAX_STEP_REVISIONS + 5), after=0)) == MAX_STEP_REVISIONS


async def test_a_step_has_a_bound_in_events_but_a_revision_comes_whole():
    feed = Feed()
    feed.append(revision(1, events=MAX_STEP_EVENTS + 1))
    feed.append(revision(2))
    assert await next_step(feed, after=0) == [1]
    assert await next_step(feed, after=1) == [2]


async def test_a_waiting_reader_is_woken_by_the_next_append():
    feed = filled(2)
    waiting = asyncio.ensure_future(next_step(feed, after=2))
    await asyncio.sleep(0)
    assert not waiting.done()
    feed.append(revision(3))
    assert await waiting == [3]


async def test_a_reader_that_was_busy_misses_nothing():
    feed = filled(1)
    reader = feed.follow(0)
    assert numbers(await anext(reader)) == [1]
    feed.append(revision(2))
    feed.append(revision(3))
    assert numbers(await anext(reader)) == [2, 3]


async def test_a_resume_before_the_history_is_compacted():
    feed = filled(9, after=4)
    with pytest.raises(CompactedError) as raised:
        await next_step(feed, after=3)
    assert raised.value.metadata == {"compact_revision": "4", "current_revision": "9"}


async def test_a_resume_right_at_the_edge_of_the_history_works():
    assert await next_step(filled(6, after=4), after=4) == [5, 6]


async def test_a_resume_from_the_future_is_refused():
    with pytest.raises(RevisionInFutureError) as raised:
        await next_step(filled(3), after=4)
    assert raised.value.metadata == {"current_revision": "3"}


async def test_a_reader_overtaken_by_compaction_is_told():
    feed = filled(3)
    reader = feed.follow(0)
    await anext(reader)
    for number in range(4, 9):
        feed.append(revision(number))
    feed.forget(through=5)
    with pytest.raises(CompactedError):
        await anext(reader)


async def test_close_ends_waiting_readers_without_an_error():
    feed = filled(2)
    waiting = asyncio.ensure_future(anext(feed.follow(2), "ended"))
    await asyncio.sleep(0)
    feed.close()
    assert await waiting == "ended"


async def test_waiting_for_a_known_revision_does_not_wait():
    await filled(3).wait_for(3, timeout=0)


async def test_waiting_ends_when_the_revision_comes():
    feed = filled(1)
    waiting = asyncio.ensure_future(feed.wait_for(3))
    for number in (2, 3):
        await asyncio.sleep(0)
        assert not waiting.done()
        feed.append(revision(number))
    await waiting


async def test_waiting_has_a_deadline():
    with pytest.raises(DeadlineExceededError):
        await filled(1).wait_for(2, timeout=0.001)


async def test_waiting_ends_with_the_feed():
    feed = filled(1)
    waiting = asyncio.ensure_future(feed.wait_for(2))
    await asyncio.sleep(0)
    feed.close()
    with pytest.raises(UnavailableError):
        await waiting


def aged(*times):
    feed = Feed()
    for number, time in enumerate(times, 1):
        feed.append(revision(number, time=time))
    return feed


@pytest.mark.parametrize(
    ("keep_revisions", "older_than", "expected"),
    [
        pytest.param(0, 100, 4, id="neither-bound-holds"),
        pytest.param(3, 100, 1, id="held-by-count"),
        pytest.param(0, 20, 1, id="held-by-age"),
        pytest.param(9, 100, 0, id="fewer-than-the-count"),
    ],
)
def test_history_is_kept_while_either_bound_holds_it(keep_revisions, older_than, expected):
    feed = aged(10, 20, 30, 40)
    assert feed.expired(keep_revisions=keep_revisions, older_than=older_than, max_bytes=ROOM, limit=100) == expected


def test_history_expires_in_small_steps():
    assert aged(1, 2, 3, 4).expired(keep_revisions=0, older_than=100, max_bytes=ROOM, limit=3) == 3


def test_history_that_is_too_large_loses_its_oldest_whatever_its_age_and_count():
    feed = filled(4)
    one = feed.size // 4
    assert one > 0
    kept = {"keep_revisions": 100, "older_than": 0.0, "limit": 100}
    assert feed.expired(**kept, max_bytes=feed.size) == 0
    assert feed.expired(**kept, max_bytes=feed.size - 1) == 1
    assert feed.expired(**kept, max_bytes=2 * one) == 2
    feed.forget(2)
    assert feed.size == 2 * one
    assert feed.expired(**kept, max_bytes=2 * one) == 2


def test_forgetting_moves_the_oldest_and_not_the_newest():
    feed = filled(5)
    feed.forget(through=3)
    feed.forget(through=2)
    assert (feed.oldest, feed.newest) == (4, 5)


@given(st.lists(st.sampled_from(["append", "read", "forget"]), max_size=60))
def test_a_reader_sees_each_revision_once_in_order_or_is_told(steps):
    async def play():
        feed, reader = Feed(), None
        seen: list[int] = []
        for step in steps:
            if step == "append":
                feed.append(revision(feed.newest + 1))
            elif step == "forget":
                feed.forget(through=feed.newest - 2)
            elif feed.newest > (seen[-1] if seen else 0):
                reader = reader or feed.follow(0)
                try:
                    seen.extend(numbers(await anext(reader)))
                except CompactedError:
                    assert feed.oldest > (seen[-1] if seen else 0) + 1
                    break
        assert seen == list(range(1, len(seen) + 1))

    asyncio.run(play())
