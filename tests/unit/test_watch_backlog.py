from airegistry.resources.resource import ResourceKind
from registry.entry import Entry
from registry.feed import Feed
from registry.history import Event, Revision
from registry.rpc import backlog as backlogs
from registry.rpc.backlog import Backlog
from registry.rpc.propagation import BOUNDS, Propagation


def revision(number, size):
    entry = Entry(name="models/m", kind=ResourceKind.MODEL, revision=0, body=b"x" * size)
    return Revision(number, (Event(number, "models/m", None, entry),), float(number * 10))


def filled(sizes, after=0):
    feed = Feed(after=after)
    backlog = Backlog(feed)
    for number, size in enumerate(sizes, after + 1):
        feed.append(revision(number, size))
    backlog.take()
    return feed, backlog


def test_what_came_after_a_place_is_known_by_size_and_by_time():
    _, backlog = filled([1, 20, 300], after=4)
    assert [backlog.size_after(place) for place in (4, 5, 6, 7)] == [321, 320, 300, 0]
    assert [backlog.time_after(place) for place in (4, 5, 6, 7)] == [50.0, 60.0, 70.0, None]


def test_what_was_there_before_it_was_made_is_not_counted():
    feed, _ = filled([1, 20])
    late = Backlog(feed)
    assert (late.size_after(0), late.time_after(0)) == (0, None)
    feed.append(revision(3, 300))
    late.take()
    assert (late.size_after(0), late.size_after(2), late.time_after(2)) == (300, 300, 30.0)


def test_what_the_feed_forgot_is_forgotten_here_and_the_rest_stays_as_it_was(monkeypatch):
    monkeypatch.setattr(backlogs, "_FORGET_AT_LEAST", 2)
    feed, backlog = filled([1, 20, 300])
    feed.forget(2)
    feed.append(revision(4, 4000))
    backlog.take()
    assert [backlog.size_after(place) for place in (0, 2, 3, 4)] == [4300, 4300, 4000, 0]
    assert (backlog.time_after(1), backlog.time_after(2)) == (None, 30.0)


def test_a_history_that_is_replaced_is_begun_anew():
    feed, backlog = filled([1, 20])
    feed.replace(100, [revision(101, 7)])
    backlog.take()
    assert (backlog.size_after(2), backlog.time_after(2)) == (0, None)
    feed.append(revision(102, 8))
    backlog.take()
    assert (backlog.size_after(101), backlog.time_after(101)) == (8, 1020.0)


def test_deliveries_are_counted_by_how_long_they_took():
    propagation = Propagation()
    for seconds in (-0.5, 0.001, 0.0011, 0.3, 90.0):
        propagation.note(seconds)
    counted = dict(zip((*BOUNDS, "more"), propagation.buckets, strict=True))
    assert {bound: count for bound, count in counted.items() if count} == {0.001: 2, 0.0025: 1, 0.5: 1, "more": 1}
    assert round(propagation.seconds, 4) == 90.3021
