"""Following a Watch over cuts, restarts and compactions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from airegistry.backoff import Backoff
from airegistry.client.follower import Follower, WatchUpdate
from airegistry.client.messages import WatchRequest, WatchResponse
from airegistry.errors import (
    CompactedError,
    ForeignResumeTokenError,
    InvalidArgumentError,
    PermissionDeniedError,
    RegistryError,
    RevisionInFutureError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
)

log = logging.getLogger(__name__)

BOOKMARK_INTERVAL = 10.0
"""The registry's, where a request names none."""

_Open = Callable[[WatchRequest], AsyncGenerator[WatchResponse, None]]

# The position is of another store, of a time before a restore, or too old. A token that is not understood is the same.
_RESYNC = (CompactedError, ForeignResumeTokenError, RevisionInFutureError, InvalidArgumentError)
_FATAL = (InvalidArgumentError, PermissionDeniedError, UnauthenticatedError, UnimplementedError)


async def follow(
    open_stream: _Open, follower: Follower, backoff: Backoff, *, give_up: bool = True
) -> AsyncGenerator[WatchUpdate, None]:
    """Iterate over the updates of one stream after another, without an end.

    Raises the errors after which trying again is pointless, unless *give_up* is false.
    """
    while True:
        failure: RegistryError | None = None
        try:
            async with aclosing(_stream(open_stream, follower.request)) as responses:
                async for response in responses:
                    backoff.reset()
                    if (update := follower.take(response)) is not None:
                        yield update
        except RegistryError as error:
            if follower.resumes and isinstance(error, _RESYNC):
                log.warning("starting over with a snapshot: %s", error)
                follower.start_over()
            elif give_up and isinstance(error, _FATAL):
                raise
            failure = error
        follower.cut()
        await _wait(backoff, failure)


async def _wait(backoff: Backoff, failure: RegistryError | None) -> None:
    delay = backoff.next(at_least=failure.retry_after if failure is not None else None)
    if failure is not None:
        log.warning("watch ended, trying again in %.1f s: %s", delay, failure)
    await asyncio.sleep(delay)


async def _stream(open_stream: _Open, request: WatchRequest) -> AsyncGenerator[WatchResponse, None]:
    """Iterate over one stream; three bookmarks that do not come are taken for a broken connection."""
    silence = 3 * (request.bookmark_interval or BOOKMARK_INTERVAL)
    async with aclosing(open_stream(request)) as stream:
        while True:
            try:
                async with asyncio.timeout(silence):
                    response = await anext(stream)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                raise UnavailableError(f"the watch was silent for {silence:.0f} s") from error
            yield response
