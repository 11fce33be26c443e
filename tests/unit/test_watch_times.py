"""Streams of a Watch are looked at when a time of theirs has come: bookmarks, their ends, and peers that do not read."""

import asyncio
from typing import Any

import pytest

from registry.feed import Feed
from registry.rpc.streams import Stream, Streams
from tests.clocks import Clock

STALL = 60.0
# How often the streams are looked at, in seconds, and how many looks are waited for.
TICK, LOOKS = 0.1, 4


class Peer:
    """A call whose peer reads, or does not; *unheard* is how many looks come before the word of it."""

    reads = True
    unheard = 0
    ended: Any = None

    def ready(self):
        if self.unheard:
            self.unheard -= 1
            return False
        return self.reads

    def end(self, error):
        self.ended = error


class Scene:
    def __init__(self, streams, clock):
        self.streams, self._clock = streams, clock

    async def pass_(self, seconds):
        """Let time pass, and the streams be looked at."""
        self._clock.time += seconds
        # One wait as long as all of them may be over after one look, on a machine that was busy meanwhile.
        for _ in range(LOOKS):
            await asyncio.sleep(TICK)

    def sleeper(self, *, bookmark=10.0, end=1800.0):
        now = self._clock()
        call: Any = Peer()
        selection: Any = None
        stream = Stream(1, selection, call, 10.0, now + end, now + bookmark, opened_at=0)
        self.streams.add(stream)
        self.streams.rest(stream)
        return stream

    def sleeps_again(self, stream, *, bookmark):
        stream.bookmark_at = self._clock() + bookmark
        self.streams.rest(stream)


@pytest.fixture
async def scene():
    clock = Clock(1_000_000.0)
    streams = Streams(Feed(), STALL, lambda _: False, clock)
    running = asyncio.create_task(streams.run())
    yield Scene(streams, clock)
    running.cancel()
    await asyncio.wait([running])


def asleep(stream):
    return stream.asleep is not None


async def test_a_stream_is_woken_for_each_bookmark(scene):
    stream = scene.sleeper()
    await scene.pass_(9.5)
    assert asleep(stream)
    for _ in range(2):
        await scene.pass_(10)
        assert not asleep(stream)
        scene.sleeps_again(stream, bookmark=10.0)
        await scene.pass_(0)
        assert asleep(stream)


async def test_what_was_told_meanwhile_puts_the_bookmark_off(scene):
    stream = scene.sleeper()
    stream.bookmark_at += 5
    await scene.pass_(11)
    assert asleep(stream)
    await scene.pass_(5)
    assert not asleep(stream)


async def test_a_stream_that_is_in_a_write_when_its_time_comes_is_woken_after_it(scene):
    stream = scene.sleeper()
    scene.streams._wake(stream)
    await scene.pass_(11)
    scene.streams.rest(stream)
    await scene.pass_(0.5)
    assert not asleep(stream)


async def test_a_stream_is_woken_at_its_end(scene):
    stream = scene.sleeper(end=5.0)
    await scene.pass_(5.1)
    assert not asleep(stream)


async def test_a_stream_that_is_gone_is_left_alone(scene):
    stream = scene.sleeper()
    scene.streams.begins_writing(stream)
    stream.call.reads = False
    scene.streams.remove(stream)
    await scene.pass_(STALL + 1)
    assert asleep(stream)
    assert (stream.call.ended, scene.streams.stalled) == (None, 0)


async def test_a_peer_that_reads_nothing_ends_its_stream(scene):
    stream = scene.sleeper(bookmark=1000.0)
    stream.call.reads = False
    scene.streams.begins_writing(stream)
    await scene.pass_(STALL - 1)
    assert stream.call.ended is None
    await scene.pass_(1.1)
    assert "nothing of this watch was read" in str(stream.call.ended)
    assert scene.streams.stalled == 1


async def test_what_was_read_while_the_registry_was_away_counts_though_it_is_heard_of_late(scene):
    stream = scene.sleeper(bookmark=1000.0)
    stream.call.unheard = 1
    scene.streams.begins_writing(stream)
    await scene.pass_(STALL + 1)
    assert (stream.call.ended, scene.streams.stalled) == (None, 0)


async def test_what_was_read_meanwhile_begins_the_wait_anew(scene):
    stream = scene.sleeper(bookmark=1000.0)
    stream.call.reads = False
    scene.streams.begins_writing(stream)
    await scene.pass_(STALL - 1)
    stream.call.reads = True
    await scene.pass_(0)
    stream.call.reads = False
    await scene.pass_(STALL - 1)
    assert stream.call.ended is None


async def test_a_message_that_is_written_is_not_waited_for(scene):
    stream = scene.sleeper(bookmark=1000.0)
    stream.call.reads = False
    scene.streams.begins_writing(stream)
    scene.streams.has_written(stream)
    await scene.pass_(STALL + 1)
    assert stream.call.ended is None
