"""WatchPerformance: the lane beside Watch. The latest of each name, at most once a second; no history, no queue."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from airegistry._convert import from_pb, to_pb
from airegistry._rpc.call import Sink
from airegistry.errors import InvalidArgumentError, OverloadedError, UnavailableError
from airegistry.v1 import analytics_service_pb2 as pb
from airegistry.v1 import observation_pb2
from registry.observations.lane import Place
from registry.observations.observations import Observations
from registry.rpc import splice
from registry.rpc.requests import WatchPerformance
from registry.rpc.watches import DEFAULT_BOOKMARK_INTERVAL, MIN_BOOKMARK_INTERVAL, WatchLimits

PACE = 1.0
"""How long a watcher is left alone after a change, in seconds: so each name comes at most once in that time."""
AT_ONCE = 500
"""How many names go into one message."""
_FULL_RETRY = 5.0
_LEAST_SHARE_OF_AGE = 0.8
# When this process was away for a while, it hears within this time what was read meanwhile, in seconds.
_HEARING = 0.1


class PerformanceWatches:
    """The handler of WatchPerformance. *now* is in seconds, by any clock.

    A watcher has a place in the lane, and nothing else: while its peer does not read, gRPC holds it in `send`, and then it
    is told the latest. A name is encoded once for all watchers.
    """

    def __init__(
        self, observations: Observations, limits: WatchLimits, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.stalled = 0
        self._observations = observations
        self._lane = observations.lane
        self._limits = limits
        self._now = now
        self._encoded: dict[str, tuple[int, bytes]] = {}

    def __len__(self) -> int:
        return len(self._lane.places)

    async def watch(self, request: pb.WatchPerformanceRequest, call: Sink) -> None:
        """Stream what is known, then what changes of it."""
        wanted = from_pb(WatchPerformance, request, strict=True)
        interval = _interval(wanted)
        if len(self) >= self._limits.max_streams:
            limit = self._limits.max_streams
            raise OverloadedError(f"{limit} watches are open, which is the limit", retry_after=_FULL_RETRY)
        ends_at = self._now() + self._limits.max_age * random.uniform(_LEAST_SHARE_OF_AGE, 1)
        with self._lane.follow() as place:
            await self._tell(call, self._observations.measured_names(wanted.name_prefix), self._lane.epoch, first=True)
            while not self._lane.closed and self._now() < ends_at:
                await self._lane.grown(place.position, min(interval, max(0.0, ends_at - self._now())))
                names, epoch = self._next(place, wanted.name_prefix)
                await self._tell(call, names, epoch)
                if names:
                    await self._lane.closing(PACE)

    def _next(self, place: Place, prefix: str) -> tuple[Sequence[str], int]:
        """Return the names that changed, and the epoch that is reached with them; move the place on."""
        names = [name for name in self._lane.since(place.position) if name.startswith(prefix)]
        place.position = self._lane.position
        return names, self._lane.epoch

    async def _tell(self, call: Sink, names: Sequence[str], epoch: int, *, first: bool = False) -> None:
        """Send what is known of *names*, and with the last of it that everything up to *epoch* was told."""
        for part, last in _parts(names):
            head = pb.WatchPerformanceResponse(snapshot=first, observation_epoch=epoch if last else None)
            message = splice.joined(head, splice.WATCH_PERFORMANCES, map(self._encode, part))
            first = False
            # A peer that stopped reading would hold its place, and what it was not told, for ever.
            stall = _Stall(self._limits.stall_timeout, partial(self._give_up, call))
            try:
                await call.send(message)
            finally:
                stall.over()

    def _encode(self, name: str) -> bytes:
        """Return what is known of *name*, serialized."""
        changed = self._lane.changed(name)
        known = self._encoded.get(name)
        if known is not None and known[0] == changed:
            return known[1]
        if len(self._encoded) > 2 * len(self._lane):
            # Most are of names that are gone.
            self._encoded.clear()
        message = to_pb(self._observations.latest(name), observation_pb2.Performance)
        encoded = bytes(message.SerializeToString())
        self._encoded[name] = (changed, encoded)
        return encoded

    def _give_up(self, call: Sink) -> None:
        self.stalled += 1
        timeout = self._limits.stall_timeout
        call.end(UnavailableError(f"nothing of this watch was read for {timeout:g} s; open it again"))


class _Stall:
    """Calls *then* after so many seconds, unless it is over before, or was and nobody has heard of it."""

    def __init__(self, seconds: float, then: Callable[[], None]) -> None:
        self._then = then
        self._timer = asyncio.get_running_loop().call_later(seconds, self._hear)

    def over(self) -> None:
        """Call nothing."""
        self._timer.cancel()

    def _hear(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_HEARING, self._then)


def _interval(wanted: WatchPerformance) -> float:
    interval = wanted.bookmark_interval
    if interval is None:
        return DEFAULT_BOOKMARK_INTERVAL
    if not interval >= MIN_BOOKMARK_INTERVAL:
        raise InvalidArgumentError.of("bookmark_interval", f"is {interval} s; it must be at least 1 s")
    return interval


def _parts(names: Sequence[str]) -> Iterator[tuple[Sequence[str], bool]]:
    """Yield *names* in parts, at least one, and whether it is the last."""
    for start in range(0, max(1, len(names)), AT_ONCE):
        yield names[start : start + AT_ONCE], start + AT_ONCE >= len(names)
