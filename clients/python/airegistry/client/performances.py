"""Following what was measured over cuts and restarts: messages of one stream after another in, whole updates out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

from airegistry.backoff import Backoff
from airegistry.client.streams import FATAL, attended, pause
from airegistry.errors import RegistryError, UnimplementedError
from airegistry.observations.performance import Performance, WatchPerformanceResponse

log = logging.getLogger(__name__)

BOOKMARK_INTERVAL = 10.0
"""The registry's, where a request names none."""

LOOK_AGAIN = 300.0
"""Seconds after which a registry that does not measure is asked again, without having been away."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What a stream of WatchPerformance is asked for; *bookmark_interval* is in seconds."""

    name_prefix: str = ""
    bookmark_interval: float | None = None


@dataclass(frozen=True, slots=True)
class PerformanceUpdate:
    """What is known anew up to `observation_epoch`; of those without windows nothing is known any more.

    A `snapshot` is everything known: what was told before and is not in it is gone. It comes at the start and after each cut.
    """

    performances: tuple[Performance, ...] = ()
    observation_epoch: int = 0
    snapshot: bool = False


class PerformanceFollower:
    """Where one reader stands. No I/O: `take` says what a message completes.

    What is incomplete is kept aside, so that a cut takes nothing away: what was told last stands until a whole snapshot does.
    """

    def __init__(self) -> None:
        self._aside: dict[str, Performance] = {}
        self._snapshot = False

    def cut(self) -> None:
        """Note that the stream ended: the next one begins with everything."""
        self._aside = {}
        self._snapshot = False

    def take(self, response: WatchPerformanceResponse) -> PerformanceUpdate | None:
        """Return what a message completes; None where it completes nothing."""
        if response.snapshot:
            self._aside = {}
            self._snapshot = True
        self._aside.update((each.name, each) for each in response.performances)
        if response.observation_epoch is None:
            return None
        update = PerformanceUpdate(tuple(self._aside.values()), response.observation_epoch, self._snapshot)
        self.cut()
        return update


async def follow_performance(
    open_stream: Callable[[Lane], AsyncGenerator[WatchPerformanceResponse, None]],
    lane: Lane,
    backoff: Backoff,
    *,
    reconnected: Callable[[], Awaitable[None]] | None = None,
) -> AsyncGenerator[PerformanceUpdate, None]:
    """Iterate over the updates of one stream after another, without an end.

    Raises the errors after which trying again is pointless, unless *reconnected* is given, which waits for another registry
    in the place of one that does not measure.
    """
    follower = PerformanceFollower()
    unmeasured = False
    while True:
        failure: RegistryError | None = None
        try:
            stream = attended(open_stream(lane), lane.bookmark_interval or BOOKMARK_INTERVAL)
            async with aclosing(stream) as responses:
                async for response in responses:
                    backoff.reset()
                    unmeasured = False
                    if (update := follower.take(response)) is not None:
                        yield update
        except RegistryError as error:
            if reconnected is None and isinstance(error, FATAL):
                raise
            failure = error
        follower.cut()
        if reconnected is not None and isinstance(failure, UnimplementedError):
            if not unmeasured:
                log.warning("the registry tells nothing of what was measured: %s", failure)
            unmeasured = True
            await another_registry(reconnected)
        else:
            # The Watch beside it says that the registry is away.
            await pause(backoff, failure, "the watch of what was measured", level=logging.DEBUG)


async def another_registry(reconnected: Callable[[], Awaitable[None]]) -> None:
    """Wait for another registry in the place of one that is too old; among replicas a new one may come unseen."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK_AGAIN):
            await reconnected()
