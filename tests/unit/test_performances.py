"""What a stream of WatchPerformance adds up to."""

from airegistry.client.performances import PerformanceFollower, PerformanceUpdate
from airegistry.observations.performance import Performance, WatchPerformanceResponse
from tests.observing import measured

A, B = "models/m/endpoints/a", "models/m/endpoints/b"


def told(*performances, epoch=None, snapshot=False):
    return WatchPerformanceResponse(performances, epoch, snapshot)


def names(update):
    return [each.name for each in update.performances if each.windows]


def gone(update):
    return [each.name for each in update.performances if not each.windows]


def test_what_comes_counts_at_once_and_the_epoch_when_all_of_it_came():
    follower = PerformanceFollower()
    first = follower.take(told(measured(A), snapshot=True))
    assert (names(first), first.observation_epoch, first.snapshot) == ([A], None, False)
    second = follower.take(told(measured(B), epoch=3))
    assert (names(second), second.observation_epoch, second.snapshot) == ([B], 3, True)


def test_what_a_new_snapshot_does_not_tell_again_is_gone_once_it_is_whole():
    follower = PerformanceFollower()
    follower.take(told(measured(A), measured(B), epoch=1, snapshot=True))
    follower.cut()
    half = follower.take(told(measured(B), snapshot=True))
    assert (names(half), gone(half)) == ([B], [])
    whole = follower.take(told(epoch=2))
    assert (names(whole), gone(whole), whole.snapshot) == ([], [A], True)
    follower.cut()
    assert gone(follower.take(told(measured(B), epoch=3, snapshot=True))) == []


def test_a_cut_in_the_middle_of_a_snapshot_takes_nothing_away():
    follower = PerformanceFollower()
    follower.take(told(measured(A), measured(B), epoch=1, snapshot=True))
    follower.cut()
    follower.take(told(measured(A), snapshot=True))
    follower.cut()
    assert gone(follower.take(told(epoch=1))) == []
    assert gone(follower.take(told(measured(A), measured(B), epoch=1, snapshot=True))) == []


def test_a_snapshot_that_begins_anew_in_the_middle_begins_anew():
    follower = PerformanceFollower()
    follower.take(told(measured(A), measured(B), epoch=1, snapshot=True))
    follower.take(told(measured(A), snapshot=True))
    assert gone(follower.take(told(measured(B), snapshot=True, epoch=2))) == [A]


def test_changes_leave_the_rest_as_it_is():
    follower = PerformanceFollower()
    follower.take(told(measured(A), measured(B), epoch=1, snapshot=True))
    assert follower.take(told(Performance(A), epoch=2)) == PerformanceUpdate((Performance(A),), 2)
    assert follower.take(told(epoch=2)) == PerformanceUpdate((), 2)
    # Who went by itself is not told as gone again.
    assert gone(follower.take(told(measured(B), epoch=3, snapshot=True))) == []


def test_who_told_only_a_load_is_known_and_gone_with_the_next_snapshot():
    follower = PerformanceFollower()
    follower.take(told(Performance(A, load=0.5), measured(B), epoch=1, snapshot=True))
    follower.cut()
    update = follower.take(told(measured(B), epoch=2, snapshot=True))
    assert update.performances[1:] == (Performance(A),)
