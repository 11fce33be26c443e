"""What every carrier of calls does alike: limits, and what becomes of errors."""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

from airegistry._rpc.call import Sink
from airegistry._rpc.service import StreamHandler
from airegistry.errors import InternalError, RegistryError

log = logging.getLogger(__name__)

MAX_RECEIVE_BYTES = 8 * 1024 * 1024
"""Above our own limits, so that a request that is too large gets our error, with the limit and the count."""

Sending = Callable[[Any, Sink], Awaitable[None]]
"""A handler that sends its answers by itself."""


def sending(handle: StreamHandler) -> Sending:
    """Return *handle* as a handler that sends; what a generator yields is sent for it."""
    return cast("Sending", handle) if inspect.iscoroutinefunction(handle) else _sending_all(cast("Any", handle))


def _sending_all(handle: Callable[[Any, Sink], AsyncIterator[Any]]) -> Sending:
    async def send_all(request: Any, call: Sink) -> None:
        messages = handle(request, call)
        try:
            async for message in messages:
                await call.send(message)
        finally:
            # The handler's own clean-up runs now, not when the garbage collector finds it.
            close = getattr(messages, "aclose", None)
            if close is not None:
                await close()

    return send_all


def known(error: Exception, path: str) -> RegistryError:
    """Return what the caller may learn of *error*, which ended a call of *path*; a stranger's is logged."""
    if isinstance(error, RegistryError):
        return error
    # Its text may hold a DSN or a prompt.
    log.error("unhandled error in %s", path, exc_info=error)
    return InternalError("internal error")
