"""The lane: the latest of each name, told to each watcher once, without a queue."""

import asyncio

from registry.observations.lane import Lane


def test_a_watcher_is_told_what_changed_after_its_place():
    lane = Lane()
    lane.tell(["a", "b"], epoch=1)
    with lane.follow() as place:
        assert lane.since(place.position) == []
        lane.tell(["b"], epoch=2)
        lane.tell(["c"], epoch=3)
        assert lane.since(place.position) == ["c", "b"]
        assert lane.epoch == 3


def test_a_name_is_there_once_however_often_it_changes():
    lane = Lane()
    for epoch in range(1000):
        lane.tell(["a", "b"], epoch)
    assert len(lane) == 2
    assert sorted(lane.since(0)) == ["a", "b"]


def test_a_name_is_dropped_when_every_watcher_was_told():
    lane = Lane()
    with lane.follow() as slow, lane.follow() as quick:
        lane.tell(["a"], epoch=1)
        quick.position = lane.position
        lane.forget(["a"])
        assert lane.since(slow.position) == ["a"]
        slow.position = lane.position
        lane.forget(["a"])
        assert len(lane) == 0
    lane.tell(["b"], epoch=2)
    lane.forget(["b", "unheard-of"])
    assert len(lane) == 0


async def test_a_change_wakes_all_who_wait_and_so_does_the_end():
    lane = Lane()
    waiting = [asyncio.create_task(lane.grown(0, 60.0)) for _ in range(3)]
    await asyncio.sleep(0)
    lane.tell(["a"], epoch=1)
    await asyncio.wait_for(asyncio.gather(*waiting), 5)
    ending = asyncio.gather(lane.grown(lane.position, 60.0), lane.closing(60.0))
    await asyncio.sleep(0)
    lane.close()
    await asyncio.wait_for(ending, 5)


async def test_without_a_change_waiting_ends_when_a_bookmark_is_due():
    lane = Lane()
    await asyncio.wait_for(lane.grown(0, 0.01), 5)
    assert lane.position == 0
