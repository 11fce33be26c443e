"""The open streams of Watch, and what wakes them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from heapq import nlargest
from math import inf

from airegistry._rpc.call import Sink
from airegistry._rpc.deadlines import Deadlines
from airegistry.errors import UnavailableError
from registry.feed import Feed
from registry.rpc.backlog import Backlog
from registry.rpc.selection import Selection

SLOWEST = 10
"""Streams that are shown one by one."""
LAG_BOUNDS = (0, 1, 10, 100, 1_000, 10_000)
"""Upper ends, in revisions, of the classes in which streams are counted by how far they are behind."""

_TICK = 0.1
# Streams that are woken at a time, before others have their turn: a delivery keeps the loop for about 30 µs.
_AT_ONCE = 100
# A round is over when all but so many of its streams sleep again: nobody waits for one that stopped reading meanwhile.
_STRAGGLERS = 0.02
# For how long a round is waited for, in seconds: at most, and as a multiple of what the one before took for each stream.
_MAX_ROUND = 0.5
_PATIENCE = 4.0
_LEAST_PATIENCE = 0.01
# For which share of the time that a round took changes are gathered before the next.
_GATHER = 1.0
_MAX_GATHER = 0.03


@dataclass(slots=True, eq=False)
class Stream:
    """One stream: what it selects, the revision up to which it was told, and when it has to say or do something.

    `opened_at` is the revision at which it began; `written_at` is when the message that waits for its peer was begun.
    """

    number: int
    selection: Selection
    call: Sink
    interval: float
    ends_at: float
    bookmark_at: float
    opened_at: int
    position: int = 0
    written_at: float = inf
    asleep: asyncio.Future[None] | None = None


@dataclass(slots=True)
class Streams:
    """The streams that are open; the owner runs `run`.

    A change wakes those that sleep, in rounds: what comes while a round is under way goes out with the next one. So a
    burst costs each stream a few messages, not one for each revision, and requests are served in between. Where `push` can
    tell a sleeping stream by itself, it need not be woken.
    """

    feed: Feed
    stall_timeout: float
    push: Callable[[Stream], bool]
    now: Callable[[], float] = time.monotonic
    stalled: int = 0
    backlog: Backlog = field(init=False)
    _open: set[Stream] = field(init=False, default_factory=set)
    _announced: int = field(init=False)
    _awake: int = field(init=False, default=0)
    _enough: int = field(init=False, default=-1)
    _times: Deadlines[Stream] = field(init=False, default_factory=partial(Deadlines, _TICK))
    _unread: set[Stream] = field(init=False, default_factory=set)
    _late: set[Stream] = field(init=False, default_factory=set)
    _settled: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _cost: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.backlog = Backlog(self.feed)
        self._announced = self.feed.newest

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Stream]:
        return iter(self._open)

    def add(self, stream: Stream) -> None:
        """Take a stream that just opened, and is awake."""
        self._open.add(stream)
        self._times.add(stream, min(stream.bookmark_at, stream.ends_at))
        self._awake += 1

    def remove(self, stream: Stream) -> None:
        """Forget a stream that ended."""
        self._open.discard(stream)
        self._unread.discard(stream)
        self._times.remove(stream)
        if stream.asleep is None:
            self._rests()

    def begins_writing(self, stream: Stream) -> None:
        """Note that from now on a message waits for the peer of *stream*."""
        stream.written_at = self.now()
        self._unread.add(stream)

    def has_written(self, stream: Stream) -> None:
        """Note that none waits any more."""
        if stream.written_at < inf:
            stream.written_at = inf
            self._unread.discard(stream)

    def lag(self, stream: Stream) -> int:
        """Return how many revisions *stream* is behind."""
        return self.feed.newest - stream.position

    def slowest(self) -> list[Stream]:
        """Return the streams that are behind, the furthest first, and not more than a few."""
        return nlargest(SLOWEST, (stream for stream in self._open if self.lag(stream)), key=self.lag)

    def by_lag(self) -> dict[str, int]:
        """Count the streams by how far they are behind; a key is the upper end of its class, in revisions."""
        counts = [0] * (len(LAG_BOUNDS) + 1)
        for stream in self._open:
            counts[bisect_left(LAG_BOUNDS, self.lag(stream))] += 1
        return dict(zip((*map(str, LAG_BOUNDS), "+Inf"), counts, strict=True))

    def rest(self, stream: Stream) -> asyncio.Future[None] | None:
        """Return what is done when *stream* is woken; None when it is behind what was announced already."""
        if stream.position < self._announced:
            return None
        # Not a coroutine: one for each stream that sleeps is memory.
        stream.asleep = asyncio.get_running_loop().create_future()
        self._rests()
        return stream.asleep

    async def run(self) -> None:
        """Wake the streams when something changed, and when a time of theirs has come; until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._wake_on_change())
            tasks.create_task(self._wake_when_due())

    async def _wake_on_change(self) -> None:
        while not self.feed.closed:
            try:
                await self.feed.wait_for(self._announced + 1)
            except UnavailableError:
                break
            self._announced = self.feed.newest
            self.backlog.take()
            await self._round()
        for stream in tuple(self._open):
            self._wake(stream)

    async def _round(self) -> None:
        """Wake those that sleep, and wait until most of them sleep again."""
        started = self.now()
        before = self._awake
        woken = await self._wake_all(tuple(self._open))
        self._enough = before + int(woken * _STRAGGLERS)
        if self._awake > self._enough:
            self._settled.clear()
            patience = min(_MAX_ROUND, max(_LEAST_PATIENCE, _PATIENCE * self._cost * woken))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._settled.wait()
        self._enough = -1
        took = self.now() - started
        if woken:
            self._cost = took / woken
        if woken > _AT_ONCE:
            await asyncio.sleep(min(_MAX_GATHER, took * _GATHER))

    async def _wake_all(self, streams: Iterable[Stream]) -> int:
        woken = 0
        for stream in streams:
            woken += self._pushed(stream) or self._wake(stream)
            if woken and woken % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return woken

    def _pushed(self, stream: Stream) -> bool:
        # Waking its task takes longer than what the task would do.
        return stream.asleep is not None and not stream.asleep.done() and self.push(stream)

    def _wake(self, stream: Stream) -> bool:
        """Let *stream* look whether there is something to do; say whether it slept."""
        if stream.asleep is None:
            return False
        if not stream.asleep.done():
            stream.asleep.set_result(None)
        stream.asleep = None
        self._awake += 1
        return True

    def _rests(self) -> None:
        self._awake -= 1
        if self._awake == self._enough:
            self._settled.set()

    async def _wake_when_due(self) -> None:
        # One timer for all streams: a timeout around each wait costs more than the delivery itself.
        while True:
            await asyncio.sleep(_TICK)
            now = self.now()
            self._end_what_is_not_read(now)
            for stream in self._times.passed(now):
                if now >= (due := min(stream.bookmark_at, stream.ends_at)):
                    self._wake(stream)
                    # By then it has done what it had to, or is still in a write.
                    due = now + _TICK
                self._times.add(stream, due)

    def _end_what_is_not_read(self, now: float) -> None:
        for stream in tuple(self._unread):
            if stream.asleep is not None and stream.call.ready():
                # What was pushed has been taken since.
                self.has_written(stream)
        late = {stream for stream in self._unread if now - stream.written_at >= self.stall_timeout}
        # Who was late at the last look, too: when this process was away for a while, it hears between the two what was read
        # meanwhile.
        for stream in late & self._late:
            self._give_up(stream)
        self._late = late

    def _give_up(self, stream: Stream) -> None:
        """End a stream whose peer stopped reading: its own age never comes, because it waits in a write."""
        self.has_written(stream)
        self.stalled += 1
        stream.call.end(UnavailableError(f"nothing of this watch was read for {self.stall_timeout:g} s; resume it"))
