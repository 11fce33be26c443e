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
    """What is known anew; of those without windows and load nothing is known any more.

    With it everything up to `observation_epoch` was told; None: more of it is to come. A `snapshot` is complete with it, as at the
    start and after each cut: who was known before and is not in it comes without either.
    """

    performances: tuple[Performance, ...] = ()
    observation_epoch: int | None = None
    snapshot: bool = False


class PerformanceFollower:
    """Where one reader stands. No I/O: `take` says what a message means.

    Of each name the latest counts at once, and nothing is forgotten before a whole snapshot left it out: a cut takes nothing
    away.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()
        # While a snapshot comes: those that it has not told again yet.
        self._missing: set[str] | None = None

    def cut(self) -> None:
        """Note that the stream ended: the next one begins with everything."""
        self._missing = None

    def take(self, response: WatchPerformanceResponse) -> PerformanceUpdate:
        """Return what a message means for who knows all that came before."""
        if response.snapshot:
            self._missing = set(self._known)
        for each in response.performances:
            known = bool(each.windows) or each.load is not None
            (self._known.add if known else self._known.discard)(each.name)
        if self._missing is None:
            return PerformanceUpdate(response.performances, response.observation_epoch)
        self._missing.difference_update(each.name for each in response.performances)
        if response.observation_epoch is None:
            return PerformanceUpdate(response.performances)
        gone, self._missing = sorted(self._missing), None
        self._known.difference_update(gone)
        performances = (*response.performances, *map(Performance, gone))
        return PerformanceUpdate(performances, response.observation_epoch, snapshot=True)


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
                    yield follower.take(response)
        except RegistryError as error:
            if reconnected is None and isinstance(error, FATAL):
                raise
            failure = error
        follower.cut()
        if reconnected is not None and isinstance(failure, UnimplementedError):
            if not unmeasured:
                log.warning("the registry is older than this, and tells nothing of what was measured")
            unmeasured = True
            await another_registry(reconnected)
        else:
            # Nothing is logged: the Watch beside it says that the registry is away.
            await pause(backoff, failure)


async def another_registry(reconnected: Callable[[], Awaitable[None]]) -> None:
    """Wait for another registry in the place of one that is too old; among replicas a new one may come unseen."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK_AGAIN):
            await reconnected()
