"""What a stream of WatchPerformance adds up to."""

from typing import Any

from airegistry.client.performances import PerformanceFollower, PerformanceUpdate
from airegistry.observations.performance import Performance, WatchPerformanceResponse
from tests.observing import measured

A, B = "models/m/endpoints/a", "models/m/endpoints/b"


def told(*performances, epoch=None, snapshot=False):
    return WatchPerformanceResponse(performances, epoch, snapshot)


def test_a_snapshot_is_told_when_it_is_whole():
    follower = PerformanceFollower()
    assert follower.take(told(measured(A), snapshot=True)) is None
    update: Any = follower.take(told(measured(B), epoch=3))
    assert ([each.name for each in update.performances], update.observation_epoch, update.snapshot) == ([A, B], 3, True)


def test_of_a_name_that_is_told_twice_the_latest_counts():
    follower = PerformanceFollower()
    assert follower.take(told(measured(A, 1))) is None
    update: Any = follower.take(told(measured(A, 2), epoch=1))
    assert [performance.windows[0].attempts for performance in update.performances] == [2]


def test_a_snapshot_has_everything_and_nothing_of_what_was_told_before():
    follower = PerformanceFollower()
    follower.take(told(measured(A), measured(B), epoch=1, snapshot=True))
    follower.cut()
    update: Any = follower.take(told(measured(B), epoch=2, snapshot=True))
    assert ([each.name for each in update.performances], update.snapshot) == ([B], True)


def test_a_cut_in_the_middle_of_a_snapshot_tells_nothing():
    follower = PerformanceFollower()
    assert follower.take(told(measured(A), snapshot=True)) is None
    follower.cut()
    assert follower.take(told(measured(B))) is None
    update: Any = follower.take(told(epoch=1))
    assert ([each.name for each in update.performances], update.snapshot) == ([B], False)


def test_half_of_a_change_is_forgotten_with_its_stream():
    follower = PerformanceFollower()
    follower.take(told(epoch=1, snapshot=True))
    follower.take(told(measured(A)))
    follower.cut()
    assert follower.take(told(epoch=2, snapshot=True)) == PerformanceUpdate((), 2, True)


def test_changes_leave_the_rest_as_it_is():
    follower = PerformanceFollower()
    follower.take(told(measured(A), measured(B), epoch=1, snapshot=True))
    assert follower.take(told(Performance(A), epoch=2)) == PerformanceUpdate((Performance(A),), 2)
    assert follower.take(told(epoch=2)) == PerformanceUpdate((), 2)
