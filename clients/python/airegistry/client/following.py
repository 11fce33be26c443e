"""Following a Watch over cuts, restarts and compactions."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from airegistry.backoff import Backoff
from airegistry.client.follower import Follower, WatchUpdate
from airegistry.client.messages import WatchRequest, WatchResponse
from airegistry.client.streams import FATAL, attended, pause
from airegistry.errors import (
    CompactedError,
    ForeignResumeTokenError,
    InvalidArgumentError,
    RegistryError,
    RevisionInFutureError,
)
from airegistry.outage import Outage

log = logging.getLogger(__name__)

BOOKMARK_INTERVAL = 10.0
"""The registry's, where a request names none."""

_Open = Callable[[WatchRequest], AsyncGenerator[WatchResponse, None]]

# The position is of another store, of a time before a restore, or too old. A token that is not understood is the same.
_RESYNC = (CompactedError, ForeignResumeTokenError, RevisionInFutureError, InvalidArgumentError)


async def follow(
    open_stream: _Open, follower: Follower, backoff: Backoff, *, give_up: bool = True
) -> AsyncGenerator[WatchUpdate, None]:
    """Iterate over the updates of one stream after another, without an end.

    Raises the errors after which trying again is pointless, unless *give_up* is false.
    """
    outage = Outage(log, "the watch")
    while True:
        failure: RegistryError | None = None
        try:
            request = follower.request
            stream = attended(open_stream(request), request.bookmark_interval or BOOKMARK_INTERVAL)
            async with aclosing(stream) as responses:
                async for response in responses:
                    backoff.reset()
                    outage.worked()
                    if (update := follower.take(response)) is not None:
                        yield update
        except RegistryError as error:
            if follower.resumes and isinstance(error, _RESYNC):
                log.warning("starting over with a snapshot: %s", error)
                follower.start_over()
            elif give_up and isinstance(error, FATAL):
                raise
            else:
                outage.failed(error)
            failure = error
        follower.cut()
        await pause(backoff, failure)
